package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.devices.block.BlockImage;
import org.xenolith.devices.block.ImageRefused;
import org.xenolith.devices.block.Qcow2;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;

final class DeviceAttacherTest {
    private static final int SIZE = 1 << 16;

    @TempDir private Path folder;

    private Path image(String name) throws Exception {
        return Files.write(folder.resolve(name), new byte[SIZE]);
    }

    private static BlockImage open(String disk) throws Exception {
        return DeviceAttacher.open(DiskSpec.parse(disk));
    }

    @Test
    void overlayKeepsWhatIsWrittenToTheDiskAndIsRefusedOverAnotherOne() throws Exception {
        Path base = image("raw.img");
        Path other = image("other.img");
        Path overlay = folder.resolve("x.qcow2");
        try (BlockImage disk = open(base + ",raw,overlay=" + overlay)) {
            disk.write(0, ByteBuffer.wrap(new byte[] {7}));
        }
        assertThat(Files.readAllBytes(base)).isEqualTo(new byte[SIZE]);

        assertThatThrownBy(() -> open(other + ",overlay=" + overlay))
                .isInstanceOf(ImageRefused.class)
                .hasMessageStartingWith(
                        overlay + " is an overlay over " + base + ", not over " + other);

        ByteBuffer read = ByteBuffer.allocate(1);
        try (BlockImage disk = open(base + ",raw,overlay=" + overlay)) {
            disk.read(0, read);
        }
        assertThat(read.get(0)).isEqualTo((byte) 7);
    }

    @Test
    void imageIsNoOverlayOverItself() throws Exception {
        Path image = folder.resolve("q2.qcow2");
        Qcow2.create(image, SIZE);
        assertThatThrownBy(() -> open(image + ",qcow2,overlay=" + image))
                .isInstanceOf(ImageRefused.class)
                .hasMessageStartingWith(image + " cannot be its own base");
    }
}
