package org.xenolith.core.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.domain.DomainSuspend;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;

/** What a file may say of the domain that it holds. */
class DescriptionTest {
    private static final Description.Rings RINGS = new Description.Rings(0x10005, 1, 0x10006, 4095);

    private static Description domain(int id, long systemTime, int assists) {
        return domain(id, "name", systemTime, assists);
    }

    private static Description domain(int id, String name, long systemTime, int assists) {
        return new Description(
                id,
                name,
                new UUID(1, 2),
                2048,
                2,
                true,
                systemTime,
                77,
                OptionalLong.of(3),
                assists,
                5,
                true,
                RINGS,
                Optional.of(new DomainSuspend.Suspension(1, 0x10007)));
    }

    private static Description throughAFile(Description written) throws SnapshotException {
        ByteBuffer bytes = ByteBuffer.wrap(written.toFields().toBytes());
        return Description.from(
                new FieldReader(bytes.order(ByteOrder.LITTLE_ENDIAN), Section.DOMAIN));
    }

    private static void isRefused(Description forged, String why) {
        assertThatThrownBy(() -> throughAFile(forged))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("wrong value for " + why);
    }

    @Test
    void everythingComesThroughTheFile() throws SnapshotException {
        Description written = domain(7, 99, 0x3f);
        assertThat(throughAFile(written)).isEqualTo(written);
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 0, 0x7ff0})
    void idThatNoGuestHasIsRefused(int id) {
        isRefused(domain(id, 99, 0), "the domain's id");
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, 76, 1L << 62, Long.MAX_VALUE})
    void timeThatCannotHaveComeIsRefused(long systemTime) {
        isRefused(domain(7, systemTime, 0), "the time");
    }

    @ParameterizedTest
    @ValueSource(ints = {1 << 6, 1 << 31})
    void assistThatNobodyOffersIsRefused(int assists) {
        isRefused(domain(7, 99, assists), "the assists");
    }

    @Test
    void nameThatWouldSteerATerminalIsRefused() {
        isRefused(domain(7, "web\033[2J", 99, 0), "the name");
    }
}
