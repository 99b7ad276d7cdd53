package org.xenolith.bench;

import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.VcpuRunner;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.hypercall.Hypercalls;
import org.xenolith.core.time.GuestClock;
import org.xenolith.core.trace.Tracer;
import org.xenolith.cpu.Assembler;
import org.xenolith.cpu.Cpu;

import java.util.function.Consumer;

/**
 * A guest kernel of one loop: it does the same thing {@link #ROUNDS} times and then yields, which
 * ends a slice of its vCPU. So what is measured is all that a hypercall costs a guest: the
 * instructions before it, the exit, the handler, and the way back, poll points included.
 */
final class GuestLoop {
    static final int ROUNDS = 1000;

    /** The body must leave this register alone. */
    private static final int COUNTER = Cpu.R15;

    /** Collects the bits of all results: what failed would be measured as if it worked. */
    private static final int RESULTS = Cpu.R14;

    /** Longer than any run: a slice ends by the yield. */
    private static final long SLICE_NANOS = 1L << 50;

    final PvGuest guest = new PvGuest(1, GuestClock.live());
    final VirtualCpu vcpu = guest.vcpu(0);

    private final Hypercalls hypercalls;
    private final VcpuRunner runner;

    GuestLoop() {
        this(null);
    }

    /**
     * @param tracer watches the guest; null for nobody
     */
    GuestLoop(Tracer tracer) {
        hypercalls = new Hypercalls(guest.domain, guest.console::write, tracer);
        runner = new VcpuRunner(hypercalls::execute, tracer);
        // As the scheduler leaves it: who sends the vCPU an event need not wake it.
        vcpu.state = VirtualCpu.State.RUNNING;
    }

    /** Has another tracer from now on, null for none. */
    void trace(Tracer tracer) {
        hypercalls.trace(tracer);
        runner.trace(tracer);
    }

    /** Writes the loop. Registers that the body relies on are set by the caller. */
    void load(Consumer<Assembler> body) {
        Assembler code = new Assembler(PvGuest.CODE);
        Assembler.Label start = code.mark();
        code.mov(COUNTER, ROUNDS);
        Assembler.Label round = code.mark();
        body.accept(code);
        code.dec(64, COUNTER).jcc(Assembler.Condition.NE, round);
        code.mov(Cpu.RAX, Hypercall.SCHED_OP);
        code.alu(Assembler.Alu.XOR, 32, Cpu.RDI, Cpu.RDI); // SCHEDOP_yield
        code.syscall().jmp(start);
        put(PvGuest.CODE, code.bytes());
    }

    /** The hypercall in RAX, which must return 0. */
    static void syscallWithoutError(Assembler code) {
        code.syscall().alu(Assembler.Alu.OR, 64, RESULTS, Cpu.RAX);
    }

    void put(long vaddr, byte[] code) {
        vcpu.mmu().copyTo(vaddr, code, 0, code.length);
    }

    /** Runs all rounds. */
    long run() {
        vcpu.yielded = false;
        VirtualCpu.State state = runner.run(vcpu, SLICE_NANOS);
        if (state != VirtualCpu.State.RUNNABLE || vcpu.cpu().r[COUNTER] != 0) {
            throw new IllegalStateException(
                    "stopped %s at rip %#x: %s"
                            .formatted(state, vcpu.cpu().rip, guest.domain.ending().crash()));
        }
        if (vcpu.cpu().r[RESULTS] != 0) {
            throw new IllegalStateException(
                    "a hypercall failed: %#x".formatted(vcpu.cpu().r[RESULTS]));
        }
        return vcpu.counts.hypercalls();
    }
}
