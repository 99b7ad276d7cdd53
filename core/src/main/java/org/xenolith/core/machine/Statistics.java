package org.xenolith.core.machine;

import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.VirtualCpu;

/** What a run took, as text for the user: {@code --stats}. */
final class Statistics {
    private Statistics() {}

    static String of(Domain domain) {
        StringBuilder text = new StringBuilder();
        text.append("instructions %,d%n".formatted(domain.retired()));
        for (VirtualCpu vcpu : domain.vcpus()) {
            text.append(
                    ("vcpu %d: instructions %,d, hypercalls %,d, faults %,d, upcalls %,d,"
                                    + " page walks %,d%n")
                            .formatted(
                                    vcpu.vcpuId(),
                                    vcpu.cpu().retired(),
                                    vcpu.hypercalls,
                                    vcpu.faults,
                                    vcpu.upcalls,
                                    vcpu.mmu().walks()));
        }
        appendHypercalls(domain, text);
        text.append(
                "blocks decoded %,d, stores into code %,d, events %,d%n"
                        .formatted(
                                domain.code().decodedBlocks(),
                                domain.code().storesIntoCode(),
                                domain.events().delivered()));
        if (!domain.clock().isLive()) {
            text.append("ram %016x%n".formatted(RamHash.of(domain.frames())));
        }
        return text.toString();
    }

    private static void appendHypercalls(Domain domain, StringBuilder text) {
        for (int number = 0; number < Hypercall.COUNT; number++) {
            long count = 0;
            for (VirtualCpu vcpu : domain.vcpus()) {
                count += vcpu.hypercallCount(number);
            }
            if (count > 0) {
                text.append("  %-20s %,d%n".formatted(Hypercall.name(number), count));
            }
        }
    }
}
