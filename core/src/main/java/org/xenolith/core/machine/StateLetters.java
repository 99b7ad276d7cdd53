package org.xenolith.core.machine;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.DomainEnd;
import org.xenolith.core.domain.VirtualCpu;

/** What a domain does, as xl list writes it. Any thread: states of vCPUs may be a little old. */
final class StateLetters {
    private StateLetters() {}

    /** A letter or '-' for running, blocked, paused, shut down, crashed, dying. */
    static String of(Domain domain) {
        int reason = domain.ending().reason();
        boolean ended = domain.hasEnded();
        boolean crashed = reason == DomainEnd.SHUTDOWN_CRASH;
        boolean runs = !ended && domain.vcpus().stream().anyMatch(StateLetters::runs);
        StringBuilder letters = new StringBuilder();
        letters.append(runs ? 'r' : '-');
        letters.append(!ended && !runs ? 'b' : '-');
        letters.append(domain.isPaused() && !ended ? 'p' : '-');
        letters.append(ended && !crashed ? 's' : '-');
        letters.append(crashed ? 'c' : '-');
        letters.append(reason == DomainEnd.DESTROYED ? 'd' : '-');
        return letters.toString();
    }

    private static boolean runs(VirtualCpu vcpu) {
        return vcpu.state == VirtualCpu.State.RUNNING || vcpu.state == VirtualCpu.State.RUNNABLE;
    }
}
