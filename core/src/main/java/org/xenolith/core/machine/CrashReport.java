package org.xenolith.core.machine;

import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.DomainEnd;
import org.xenolith.core.domain.VcpuCounts;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.image.Symbols;
import org.xenolith.core.trace.InstructionText;
import org.xenolith.core.watch.CallChain;
import org.xenolith.cpu.Cpu;

import java.util.Locale;

/**
 * What a user gets to see of a guest that died: registers, the instruction, where it came from, its
 * last hypercalls.
 */
final class CrashReport {
    private static final String[] NAMES = {
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
        "r13", "r14", "r15"
    };
    private static final int STACK_WORDS = 512;
    private static final int MAX_FRAMES = 16;
    private static final int LAST_HYPERCALLS = 8;

    private final StringBuilder text = new StringBuilder();
    private final VirtualCpu vcpu;
    private final Cpu cpu;

    private CrashReport(VirtualCpu vcpu) {
        this.vcpu = vcpu;
        this.cpu = vcpu.cpu();
    }

    static String of(Domain domain) {
        VirtualCpu vcpu =
                domain.ending().crashedVcpu() != null
                        ? domain.ending().crashedVcpu()
                        : domain.vcpu(0);
        CrashReport report = new CrashReport(vcpu);
        String why =
                domain.ending().crash().isEmpty()
                        ? "The guest shut itself down with reason %s."
                                .formatted(reasonOf(domain.ending().reason()))
                        : "The guest was ended: " + domain.ending().crash() + ".";
        report.text.append(why).append('\n');
        report.registers();
        report.instruction();
        report.backtrace();
        report.hypercalls();
        report.text.append("More: --trace=hypercall,fault,event shows what led here.");
        return report.text.toString();
    }

    private static String reasonOf(int reason) {
        return switch (reason) {
            case DomainEnd.SHUTDOWN_CRASH -> "crash";
            case DomainEnd.SHUTDOWN_WATCHDOG -> "watchdog";
            case DomainEnd.SHUTDOWN_SOFT_RESET -> "soft reset";
            default -> "number " + reason;
        };
    }

    private void line(String format, Object... arguments) {
        text.append(String.format(Locale.ROOT, format, arguments)).append('\n');
    }

    private void registers() {
        line(
                "vcpu %d in %s mode, rip %016x, rflags %08x",
                vcpu.vcpuId(), vcpu.mode.isKernel() ? "kernel" : "user", cpu.rip, cpu.rflags());
        for (int i = 0; i < NAMES.length; i += 4) {
            line(
                    "  %3s %016x  %3s %016x  %3s %016x  %3s %016x",
                    NAMES[i],
                    cpu.r[i],
                    NAMES[i + 1],
                    cpu.r[i + 1],
                    NAMES[i + 2],
                    cpu.r[i + 2],
                    NAMES[i + 3],
                    cpu.r[i + 3]);
        }
        line("  fs base %016x  gs base %016x", cpu.r[Cpu.FS_BASE], cpu.r[Cpu.GS_BASE]);
    }

    private void instruction() {
        line("  instruction: %s", InstructionText.at(vcpu));
    }

    /** With all that looks like one: a guest's frame pointers cannot be relied on. */
    private void backtrace() {
        line("  return addresses on the stack:");
        CallChain chain = CallChain.of(vcpu, Symbols.NONE, STACK_WORDS, MAX_FRAMES);
        chain.calls().forEach(call -> line("    %016x", call.returnAddress()));
        if (chain.endsUnmapped()) {
            line("    (end of the mapped stack)");
        }
    }

    private void hypercalls() {
        line("  last hypercalls (newest last):");
        for (VcpuCounts.Call call : vcpu.counts.lastHypercalls(LAST_HYPERCALLS)) {
            line("    %s(%#x, ...)", Hypercall.name(call.number()), call.argument());
        }
    }
}
