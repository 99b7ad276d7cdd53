package org.xenolith.devices.p9;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.HashSet;
import java.util.Set;

class QidPathsTest {
    private static final long ROOT = 0x800000001L, OTHER = 0x800000002L;

    @Test
    void inodesOfTheFoldersOwnFileSystemKeepTheirNumbers() {
        QidPaths paths = new QidPaths(ROOT);
        assertThat(paths.of(ROOT, 12)).isEqualTo(12);
        assertThat(paths.of(ROOT, (1L << 48) - 1)).isEqualTo((1L << 48) - 1);
    }

    @Test
    void sameInodeOfAnotherMountIsAnotherFile() {
        QidPaths paths = new QidPaths(ROOT);
        Set<Long> all = new HashSet<>();
        for (long device = ROOT; device < ROOT + 100; device++) {
            for (long inode : new long[] {1, 2, (1L << 48) - 1, 1L << 48, -1, Long.MIN_VALUE}) {
                assertThat(all.add(paths.of(device, inode))).isTrue();
                assertThat(all.add(paths.of(device, inode))).as("twice").isFalse();
            }
        }
    }

    @Test
    void moreDevicesThanHaveNumbersAreStillApart() {
        QidPaths paths = new QidPaths(ROOT);
        Set<Long> all = new HashSet<>();
        for (long device = OTHER; device < OTHER + 40_000; device++) {
            assertThat(all.add(paths.of(device, 7))).isTrue();
        }
    }
}
