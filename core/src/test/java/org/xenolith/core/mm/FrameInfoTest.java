package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FrameInfoTest {
    private static final int FLAGS =
            FrameInfo.PINNED
                    | FrameInfo.ALLOCATED
                    | FrameInfo.XEN_OWNED
                    | FrameInfo.PRIVATE
                    | FrameInfo.GRANTED
                    | FrameInfo.GRANTED_READ_ONLY;

    @Test
    void everyTypeAndCountStandsBesideAllFlags() {
        for (int type = FrameType.NONE; type <= FrameType.WRITABLE; type++) {
            for (int uses : new int[] {0, 1, FrameInfo.MAX_USES}) {
                int info = FrameInfo.withType(FLAGS, type, uses);
                assertThat(FrameInfo.type(info)).isEqualTo(type);
                assertThat(FrameInfo.uses(info)).isEqualTo(uses);
                assertThat(info & FLAGS).isEqualTo(FLAGS);
                assertThat(FrameInfo.withType(info, 0, 0)).isEqualTo(FLAGS);
            }
        }
    }

    @Test
    void flagsAreBitsOfTheirOwn() {
        assertThat(Integer.bitCount(FLAGS)).isEqualTo(6);
        assertThat(FrameInfo.type(FLAGS)).isZero();
        assertThat(FrameInfo.uses(FLAGS)).isZero();
    }

    @Test
    void frameIsUsedAsItsTypeOnlyWhileAUseIsCounted() {
        int used = FrameInfo.withType(FrameInfo.ALLOCATED, FrameType.L1_TABLE, 1);
        int unused = FrameInfo.withType(used, FrameType.L1_TABLE, 0);
        assertThat(FrameInfo.isUsedAs(used, FrameType.L1_TABLE)).isTrue();
        assertThat(FrameInfo.isUsedAs(used, FrameType.L2_TABLE)).isFalse();
        assertThat(FrameInfo.isUsedAs(unused, FrameType.L1_TABLE)).isFalse();
    }
}
