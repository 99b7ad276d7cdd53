package org.xenolith.devices.p9;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.devices.libc.FileCalls;
import org.xenolith.devices.p9.P9Client.Fields;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Owners as a client sees them when this process is not root, whoever it is in truth. */
class OwnersTest {
    private static final int UID = 2, GID = 4;

    @TempDir Path folder;
    private SharedFolder shared;
    private P9Client client;

    @BeforeEach
    void share() throws IOException {
        Files.createFile(folder.resolve("f"));
        client(new Owners.Mine(FileCalls.geteuid(), FileCalls.getegid()));
    }

    private void client(Owners owners) {
        HostFile root = HostFile.atPath((folder + "\0").getBytes());
        shared = new SharedFolder(root, false, owners);
        client = new P9Client(shared).begin();
    }

    @AfterEach
    void end() {
        client.close();
        shared.close();
    }

    private static Fields chown(int fid, int valid, int user, int group) {
        Fields fields = new Fields().u32(fid).u32(valid).u32(0).u32(user).u32(group);
        return fields.u64(0).u64(0).u64(0).u64(0).u64(0);
    }

    @Test
    void whatIsMineIsRootsAndCannotBeGivenAway() {
        int fid = client.walk("f");
        assertThat(client.attributes(fid).user()).isZero();
        assertThat(client.attributes(fid).group()).isZero();
        client.call(P9.TSETATTR, chown(fid, UID | GID, 0, 0));
        assertThat(client.error(P9.TSETATTR, chown(fid, UID, 1000, 0))).isEqualTo(Errno.EPERM);
        assertThat(client.error(P9.TSETATTR, chown(fid, GID, 0, 1000))).isEqualTo(Errno.EPERM);
        client.create("new", 1, 0644);
        assertThat(client.attributes(client.walk("new")).user()).isZero();
    }

    @Test
    void whatIsOthersIsNobodys() {
        end();
        client(new Owners.Mine(FileCalls.geteuid() + 1, FileCalls.getegid() + 1));
        int fid = client.walk("f");
        assertThat(client.attributes(fid).user()).isEqualTo(65534);
        assertThat(client.attributes(fid).group()).isEqualTo(65534);
        client.call(P9.TSETATTR, chown(fid, UID | GID, 65534, 65534));
    }

    @Test
    void rootSeesTheHostsOwners() throws IOException {
        end();
        client(new Owners.AsTheyAre());
        assertThat(client.attributes(client.walk("f")).user())
                .isEqualTo(Files.getAttribute(folder.resolve("f"), "unix:uid"));
    }
}
