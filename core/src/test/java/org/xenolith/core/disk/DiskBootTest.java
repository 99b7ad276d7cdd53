package org.xenolith.core.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

class DiskBootTest {
    @TempDir Path folder;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'root=/dev/sda1 ro quiet' | 1 | root=/dev/xvda1 ro quiet console=hvc0",
                "'root=/dev/vdb' | 0 | root=/dev/xvdb console=hvc0",
                "'root=/dev/nvme0n1p2 ro' | 2 | root=/dev/xvda2 ro console=hvc0",
                "'root=UUID=0-1 ro console=hvc0' | 1 | root=UUID=0-1 ro console=hvc0",
                "'' | 1 | root=/dev/xvda1 ro console=hvc0",
                "'quiet' | 0 | quiet root=/dev/xvda ro console=hvc0",
                "'root=/dev/mapper/vg-root ro' | 1 | root=/dev/mapper/vg-root ro console=hvc0"
            })
    void commandLinesOfOtherPlatformsNameXensDisks(String written, int partition, String xen) {
        assertThat(DiskBoot.forXen(written, partition)).isEqualTo(xen);
    }

    @Test
    void kernelsAreToldFromDisks() throws IOException {
        byte[] disk = new byte[4096];
        disk[510] = 0x55; // an MBR ends as the boot sector of a bzImage does
        disk[511] = (byte) 0xaa;
        Path file = Files.write(folder.resolve("disk"), disk);
        assertThat(DiskBoot.isKernel(file)).isFalse();
        System.arraycopy(new byte[] {'H', 'd', 'r', 'S'}, 0, disk, 0x202, 4);
        assertThat(DiskBoot.isKernel(Files.write(file, disk))).isTrue();
        assertThat(DiskBoot.isKernel(Files.write(file, new byte[] {0x7f, 'E', 'L', 'F'}))).isTrue();
        assertThat(DiskBoot.isKernel(Files.write(file, new byte[0]))).isFalse();
    }

    @Test
    void diskWithoutAKernelIsOneSentence() throws IOException {
        Path file = Files.write(folder.resolve("disk"), new byte[1 << 20]);
        assertThatThrownBy(() -> DiskBoot.from(file))
                .isInstanceOf(IOException.class)
                .message()
                .isNotEmpty()
                .doesNotContain("\n");
    }
}
