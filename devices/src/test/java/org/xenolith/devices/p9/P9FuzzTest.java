package org.xenolith.devices.p9;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** Messages that nobody would send: the server answers each and stays within its folder. */
@Timeout(120)
class P9FuzzTest {
    private static final int ROUNDS = 60_000;
    private static final int[] TYPES = {
        8, 12, 14, 16, 18, 20, 22, 24, 26, 30, 32, 40, 50, 52, 54, 70, 72, 74, 76, 102, 104, 108,
        110, 110, 110, 116, 118, 120, 122, 0, 6, 7, 255
    };
    private static final String[] NAMES = {
        "a", "b", "c", "dir", "..", ".", "", "link", "out", "a/b", "/etc/passwd", "\0", "secret"
    };

    @TempDir Path around;

    @Test
    void whateverIsSentIsAnsweredWithinTheMessageSizeAndTheFolder() throws IOException {
        long seed = System.nanoTime();
        System.out.println("P9FuzzTest seed " + seed);
        Random random = new Random(seed);
        Path folder = Files.createDirectory(around.resolve("shared"));
        Files.createDirectory(folder.resolve("dir"));
        Files.createSymbolicLink(folder.resolve("out"), around);
        Path secret = Files.writeString(around.resolve("secret"), "secret");
        SharedFolder shared = SharedFolder.open(folder, false);
        try (P9Client client = new P9Client(shared).begin()) {
            for (int i = 0; i < ROUNDS; i++) {
                if (i % 2000 == 0) {
                    client.begin();
                }
                int type = TYPES[random.nextInt(TYPES.length)];
                byte[] fields = random.nextInt(5) == 0 ? noise(random) : likely(random);
                P9Client.Answer answer = client.send(type, fields);
                assertThat(answer.tag()).as("seed %d, message %d", seed, i).isEqualTo(77);
                assertThat(answer.type()).isIn(type + 1, P9.RLERROR);
            }
        }
        shared.close();
        assertThat(secret).hasContent("secret");
        try (var all = Files.list(around)) {
            assertThat(all).as("seed %d", seed).containsExactlyInAnyOrder(folder, secret);
        }
    }

    private static byte[] noise(Random random) {
        byte[] bytes = new byte[random.nextInt(200)];
        random.nextBytes(bytes);
        return bytes;
    }

    /** Small numbers and names, so that many messages make sense. */
    private static byte[] likely(Random random) {
        P9Client.Fields fields = new P9Client.Fields();
        int count = 1 + random.nextInt(8);
        for (int i = 0; i < count; i++) {
            switch (random.nextInt(8)) {
                case 0, 1, 2, 3 -> fields.u32(random.nextInt(6));
                case 4 -> fields.u16(random.nextInt(4));
                case 5 -> fields.u32(random.nextInt());
                default -> fields.text(NAMES[random.nextInt(NAMES.length)]);
            }
        }
        return fields.bytes();
    }
}
