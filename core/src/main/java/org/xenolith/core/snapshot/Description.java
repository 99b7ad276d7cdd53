package org.xenolith.core.snapshot;

import org.xenolith.core.abi.DomId;
import org.xenolith.core.abi.SharedInfo;
import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.DomainSuspend;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.time.RepeatableRandom;

import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;

/**
 * What must be known of a saved domain before another one can be made for it.
 *
 * @param id the saved domain's; the restored one may have another
 * @param maximumPages guest frames it may have at most
 * @param virtualTime whether its time was the number of instructions
 * @param systemTimeNanos when it was saved, by its own clock
 * @param retired instructions it had executed
 * @param randomState of the repeatable random numbers of a domain in virtual time
 * @param workLeft whether something from outside waited to be applied: backends must look at their
 *     rings
 * @param suspended set if the guest had suspended itself, which makes it wait for an answer
 */
public record Description(
        int id,
        String name,
        UUID uuid,
        long maximumPages,
        int vcpus,
        boolean virtualTime,
        long systemTimeNanos,
        long retired,
        OptionalLong randomState,
        int assists,
        int pitReads,
        boolean workLeft,
        Rings rings,
        Optional<DomainSuspend.Suspension> suspended) {
    /** Far more than a process can address, and little enough for arrays. */
    private static final long MAX_PAGES = 1L << 25;

    /** Nanoseconds: more than a century, and its times can be added. */
    static final long TIME_LIMIT = 1L << 62;

    private static final int MAX_NAME = 1024;

    /** Domain 0 is the host. */
    private static final int FIRST_ID = 1;

    private static final int PORTS = 4096;

    /** The two rings every guest starts with: frames and ports of the guest's own. */
    public record Rings(long storeMfn, int storePort, long consoleMfn, int consolePort) {}

    static Description of(Domain domain, Rings rings) {
        VirtualCpu vcpu0 = domain.vcpu(0);
        return new Description(
                domain.id(),
                domain.name(),
                domain.uuid(),
                domain.frames().reservation().maximumPages(),
                domain.vcpus().size(),
                !domain.clock().isLive(),
                vcpu0.systemTime(),
                domain.retired(),
                vcpu0.random() instanceof RepeatableRandom random
                        ? OptionalLong.of(random.state())
                        : OptionalLong.empty(),
                domain.assistBits(),
                domain.pitReads(),
                domain.hasPosted(),
                rings,
                domain.suspending().pending());
    }

    Fields toFields() {
        Fields out = new Fields().i32(id).text(name);
        out.i64(uuid.getMostSignificantBits()).i64(uuid.getLeastSignificantBits());
        out.i64(maximumPages).i32(vcpus).flag(virtualTime).i64(systemTimeNanos).i64(retired);
        out.flag(randomState.isPresent()).i64(randomState.orElse(0));
        out.i32(assists).i32(pitReads).flag(workLeft);
        out.i64(rings.storeMfn).i32(rings.storePort).i64(rings.consoleMfn).i32(rings.consolePort);
        out.flag(suspended.isPresent());
        suspended.ifPresent(by -> out.i32(by.vcpu()).i64(by.startInfoMfn()));
        return out;
    }

    static Description from(FieldReader in) throws SnapshotException {
        int id = in.i32(FIRST_ID, DomId.FIRST_RESERVED, "the domain's id");
        String name = in.text();
        in.require(
                name.length() <= MAX_NAME && name.chars().noneMatch(Character::isISOControl),
                "the name");
        UUID uuid = new UUID(in.i64(), in.i64());
        long pages = in.i64();
        in.require(pages > 0 && pages <= MAX_PAGES, "the memory size");
        int vcpus = in.i32(1, SharedInfo.LEGACY_MAX_VCPUS + 1, "the number of vCPUs");
        boolean virtualTime = in.flag();
        long systemTime = in.i64();
        long retired = in.i64();
        in.require(retired >= 0 && systemTime >= 0 && systemTime < TIME_LIMIT, "the time");
        in.require(!virtualTime || systemTime >= retired, "the time");
        boolean hasRandom = in.flag();
        long random = in.i64();
        int assists = in.i32();
        in.require(Domain.areAssists(assists), "the assists");
        int pit = in.i32();
        boolean workLeft = in.flag();
        Rings rings =
                new Rings(
                        in.i64(), in.i32(1, PORTS, "a port"), in.i64(), in.i32(1, PORTS, "a port"));
        Optional<DomainSuspend.Suspension> suspended = Optional.empty();
        if (in.flag()) {
            int vcpu = in.i32(0, vcpus, "the vCPU that suspended");
            suspended = Optional.of(new DomainSuspend.Suspension(vcpu, in.i64()));
        }
        in.end();
        return new Description(
                id,
                name,
                uuid,
                pages,
                vcpus,
                virtualTime,
                systemTime,
                retired,
                hasRandom ? OptionalLong.of(random) : OptionalLong.empty(),
                assists,
                pit,
                workLeft,
                rings,
                suspended);
    }
}
