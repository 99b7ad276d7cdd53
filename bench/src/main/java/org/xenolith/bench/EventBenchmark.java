package org.xenolith.bench;

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
import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.abi.SharedInfo;
import org.xenolith.core.abi.VcpuInfo;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.event.EventChannels;
import org.xenolith.core.mm.TestDomain;
import org.xenolith.cpu.Assembler;
import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.mmu.Ram;

import java.util.concurrent.TimeUnit;

/**
 * Event send / port look-up, shared bits, upcall / every ring notification is one: sending costs a
 * hypercall and little more, being interrupted another hypercall and a bounce frame.
 */
@State(Scope.Thread)
@Fork(1)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class EventBenchmark {
    private static final int EVTCHNOP_SEND = 4;
    private static final long SHARED_INFO_PAGE = 0x7_0000;
    private static final long CALLBACK = 0x9000;
    private static final int SHARED_INFO = Cpu.RBX;
    private static final int OTHER_PORTS = Cpu.R13;

    /** What becomes of the event. */
    public enum Event {
        /** A backend of the VMM hears of it. */
        TO_BACKEND,
        /** An IPI to the sender, which has upcalls masked and looks itself. */
        IPI_MASKED,
        /** An IPI to the sender, with its upcall: bounce frame, acknowledgement, iret. */
        IPI_WITH_UPCALL
    }

    @Param public Event event;

    private GuestLoop loop;
    private long heard;

    @Setup
    public void load() {
        loop = new GuestLoop();
        EventChannels channels = loop.guest.domain.events();
        int port =
                switch (event) {
                    case TO_BACKEND -> channels.allocateForBackend(() -> heard++);
                    case IPI_MASKED, IPI_WITH_UPCALL -> channels.bindIpi(0);
                };
        mapSharedInfo();
        Cpu cpu = loop.vcpu.cpu();
        cpu.r[SHARED_INFO] = SHARED_INFO_PAGE;
        cpu.r[OTHER_PORTS] = ~(1L << port);
        loop.vcpu.mmu().write32(PvGuest.ARGUMENTS, port);
        loop.vcpu.entry.eventCallback = CALLBACK;
        loop.vcpu.info.setUpcallMask(event != Event.IPI_WITH_UPCALL);
        Assembler callback = new Assembler(CALLBACK);
        acknowledge(callback);
        iret(callback);
        loop.put(CALLBACK, callback.bytes());
        loop.load(this::sendOnce);
    }

    private void mapSharedInfo() {
        TestDomain memory = loop.guest.memory;
        long entry = TestDomain.entry(loop.guest.sharedInfoMfn(), TestDomain.RW);
        if (memory.update(memory.l1, (int) (SHARED_INFO_PAGE >>> Ram.PAGE_SHIFT), entry) != 0) {
            throw new IllegalStateException("the shared page cannot be mapped");
        }
    }

    private void sendOnce(Assembler code) {
        code.mov(Cpu.RDI, EVTCHNOP_SEND).mov(Cpu.RSI, PvGuest.ARGUMENTS);
        code.mov(Cpu.RAX, Hypercall.EVENT_CHANNEL_OP);
        // An upcall comes right behind it; its iret leaves 0 in RAX.
        GuestLoop.syscallWithoutError(code);
        if (event == Event.IPI_MASKED) {
            acknowledge(code);
        }
    }

    /** As a kernel does: the vCPU's flag, its selector of words, the port's bit. */
    private static void acknowledge(Assembler code) {
        code.storeImmediate(8, Assembler.at(SHARED_INFO, VcpuInfo.EVTCHN_UPCALL_PENDING), 0);
        code.alu(Alu.XOR, 32, Cpu.RAX, Cpu.RAX);
        code.xchg(64, Assembler.at(SHARED_INFO, VcpuInfo.EVTCHN_PENDING_SEL), Cpu.RAX);
        Assembler.Memory pending = Assembler.at(SHARED_INFO, SharedInfo.EVTCHN_PENDING);
        code.lock().alu(Alu.AND, 64, pending, OTHER_PORTS);
    }

    /** From the bounce frame (RCX, R11, RIP, ...) to that of iret (RAX, R11, RCX, flags, RIP). */
    private static void iret(Assembler code) {
        code.pop(Cpu.RCX).pop(Cpu.R11).alu(Alu.XOR, 32, Cpu.RAX, Cpu.RAX);
        code.push(Cpu.RAX).push(Cpu.RCX).push(Cpu.R11).push(Cpu.RAX);
        code.mov(Cpu.RAX, Hypercall.IRET).syscall();
    }

    @Benchmark
    @OperationsPerInvocation(GuestLoop.ROUNDS)
    public long send() {
        return loop.run() + heard;
    }
}
