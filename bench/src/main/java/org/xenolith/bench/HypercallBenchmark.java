package org.xenolith.bench;

import static org.xenolith.core.mm.TestDomain.RW;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.xenolith.core.abi.DomId;
import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.abi.MmuCommand;
import org.xenolith.core.abi.MmuExtOp;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.Selectors;
import org.xenolith.core.mm.TestDomain;
import org.xenolith.cpu.Assembler;
import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.cpu.semantics.Flags;

import java.util.concurrent.TimeUnit;

/**
 * Hypercall round trip / exit, table, handler, way back / a Debian boot makes 82,000 of them, most
 * a single mmu_update or mmuext_op: each should stay below a microsecond.
 */
@State(Scope.Thread)
@Fork(1)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class HypercallBenchmark {
    /**
     * A page that the guest maps and unmaps all the time; nothing stands there in the beginning.
     */
    private static final long VADDR = 0x7_0000;

    private static final int SLOT = (int) (VADDR >>> Ram.PAGE_SHIFT);
    private static final long ARGUMENTS = PvGuest.ARGUMENTS;

    /** Code of a process. */
    private static final long PROCESS = 0x9000;

    /** What a round changes in the arguments of the next. */
    private static final int TOGGLE = Cpu.R12;

    /** What the guest calls. */
    public enum Call {
        /** xen_version(0): nothing to do, the floor. */
        XEN_VERSION,
        /** mmu_update of one L1 entry: maps the page, unmaps it. */
        MMU_UPDATE,
        /** update_va_mapping with INVLPG of the calling vCPU: the same. */
        UPDATE_VA_MAPPING,
        /** mmuext_op TLB_FLUSH_LOCAL: nothing to drop but what a sibling has posted. */
        FLUSH_LOCAL,
        /** mmuext_op INVLPG_LOCAL. */
        INVLPG_LOCAL,
        /** mmuext_op INVLPG_ALL, with no sibling to ask. */
        INVLPG_ALL,
        /** mmuext_op NEW_BASEPTR: kernel and process tables in turn. */
        NEW_BASEPTR,
        /** mmuext_op PIN_L1_TABLE of a full table, UNPIN_TABLE: 512 entries, each counted. */
        PIN_L1_TABLE,
        /** iret to the next instruction. */
        IRET,
        /** A process's system call: SYSCALL, bounce to the kernel, iret. */
        SYSTEM_CALL
    }

    @Param public Call call;

    private GuestLoop loop;

    @Setup
    public void load() {
        loop = new GuestLoop();
        switch (call) {
            case XEN_VERSION -> loop.load(code -> arguments(code, Hypercall.XEN_VERSION).syscall());
            case MMU_UPDATE -> loadMmuUpdate();
            case UPDATE_VA_MAPPING -> loadUpdateVaMapping();
            case FLUSH_LOCAL -> loadExtOp(MmuExtOp.TLB_FLUSH_LOCAL, 0, MmuExtOp.ARG1, 0);
            case INVLPG_LOCAL -> loadExtOp(MmuExtOp.INVLPG_LOCAL, VADDR, MmuExtOp.ARG1, 0);
            case INVLPG_ALL -> loadExtOp(MmuExtOp.INVLPG_ALL, VADDR, MmuExtOp.ARG1, 0);
            case NEW_BASEPTR -> {
                TestDomain memory = loop.guest.memory;
                long toggle = memory.l4 ^ loop.guest.userL4;
                loadExtOp(MmuExtOp.NEW_BASEPTR, memory.l4, MmuExtOp.ARG1, toggle);
            }
            case PIN_L1_TABLE -> {
                int toggle = MmuExtOp.PIN_L1_TABLE ^ MmuExtOp.UNPIN_TABLE;
                loadExtOp(MmuExtOp.PIN_L1_TABLE, fullTable(), MmuExtOp.CMD, toggle);
            }
            case IRET -> loadIret();
            case SYSTEM_CALL -> loadSystemCall();
        }
    }

    private static Assembler arguments(Assembler code, int number, long... arguments) {
        int[] registers = {Cpu.RDI, Cpu.RSI, Cpu.RDX, Cpu.R10};
        for (int i = 0; i < registers.length; i++) {
            code.mov(registers[i], i < arguments.length ? arguments[i] : 0);
        }
        return code.mov(Cpu.RAX, number);
    }

    private static void call(Assembler code, int number, long... arguments) {
        GuestLoop.syscallWithoutError(arguments(code, number, arguments));
    }

    /** Present in one round, absent in the next. */
    private long entryToToggle() {
        return TestDomain.entry(loop.guest.memory.pages[1], RW);
    }

    private void loadMmuUpdate() {
        TestDomain memory = loop.guest.memory;
        memory.putRequest(0, (memory.l1 << Ram.PAGE_SHIFT) + SLOT * 8L, 0);
        loop.vcpu.cpu().r[TOGGLE] = entryToToggle();
        loop.load(
                code -> {
                    call(code, Hypercall.MMU_UPDATE, TestDomain.ARGUMENTS, 1, 0, DomId.SELF);
                    code.alu(Alu.XOR, 64, Assembler.at(Cpu.RDI, MmuCommand.VAL), TOGGLE);
                });
    }

    private void loadUpdateVaMapping() {
        loop.vcpu.cpu().r[TOGGLE] = entryToToggle();
        loop.load(
                code -> {
                    code.alu(Alu.XOR, 64, Cpu.RSI, TOGGLE);
                    code.mov(Cpu.RDI, VADDR);
                    code.mov(Cpu.RDX, MmuCommand.UVMF_INVLPG | MmuCommand.UVMF_LOCAL);
                    code.mov(Cpu.RAX, Hypercall.UPDATE_VA_MAPPING);
                    GuestLoop.syscallWithoutError(code);
                });
    }

    /**
     * @param field offset of what changes between two rounds
     * @param toggle the bits that change there
     */
    private void loadExtOp(int command, long argument, int field, long toggle) {
        loop.vcpu.mmu().write32(ARGUMENTS + MmuExtOp.CMD, command);
        loop.vcpu.mmu().write64(ARGUMENTS + MmuExtOp.ARG1, argument);
        loop.vcpu.cpu().r[TOGGLE] = toggle;
        loop.load(
                code -> {
                    call(code, Hypercall.MMUEXT_OP, ARGUMENTS, 1, 0, DomId.SELF);
                    code.alu(Alu.XOR, 64, Assembler.at(Cpu.RDI, field), TOGGLE);
                });
    }

    /** A frame of entries that is no table yet. */
    private long fullTable() {
        TestDomain memory = loop.guest.memory;
        long table = memory.page();
        for (int slot = 0; slot < Pte.ENTRIES; slot++) {
            memory.set(table, slot, TestDomain.entry(memory.pages[slot % memory.pages.length], RW));
        }
        return table;
    }

    private void loadIret() {
        Assembler.Label next = new Assembler.Label();
        loop.load(code -> iret(code).bind(next));
        putIretFrame(next.vaddr(), Selectors.FLAT_CS64 & ~Selectors.RPL);
    }

    private void loadSystemCall() {
        Assembler.Label entry = new Assembler.Label();
        loop.load(code -> iret(code).bind(entry));
        loop.put(PROCESS, new Assembler(PROCESS).syscall().bytes());
        loop.vcpu.entry.syscallCallback = entry.vaddr();
        putIretFrame(PROCESS, Selectors.FLAT_CS64);
    }

    private static Assembler iret(Assembler code) {
        return code.mov(Cpu.RSP, ARGUMENTS).mov(Cpu.RAX, Hypercall.IRET).syscall();
    }

    /** public/arch-x86/xen-x86_64.h, {@code struct iret_context}. */
    private void putIretFrame(long rip, int cs) {
        long[] frame = {0, 0, 0, 0, rip, cs, Flags.IF, PvGuest.KERNEL_STACK, Selectors.FLAT_SS};
        for (int i = 0; i < frame.length; i++) {
            loop.vcpu.mmu().write64(ARGUMENTS + 8L * i, frame[i]);
        }
    }

    @Benchmark
    @OperationsPerInvocation(GuestLoop.ROUNDS)
    public long roundTrip() {
        return loop.run();
    }
}
