package org.xenolith.core.machine;

import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.build.BuildFailed;
import org.xenolith.core.build.BuildRequest;
import org.xenolith.core.build.BuiltDomain;
import org.xenolith.core.build.DomainBuilder;
import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.VcpuRunner;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.hypercall.Hypercalls;
import org.xenolith.core.image.KernelImage;
import org.xenolith.core.image.Symbols;
import org.xenolith.core.image.XenNotes;
import org.xenolith.core.mm.FrameTable;
import org.xenolith.core.mm.PageTypes;
import org.xenolith.core.mm.VcpuTlbs;
import org.xenolith.core.snapshot.Description;
import org.xenolith.core.snapshot.DomainFork;
import org.xenolith.core.snapshot.DomainSnapshot;
import org.xenolith.core.snapshot.SnapshotException;
import org.xenolith.core.time.GuestClock;
import org.xenolith.core.time.RepeatableRandom;
import org.xenolith.core.trace.Tracer;
import org.xenolith.core.xenstore.DomainTree;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.interp.CodeBudget;
import org.xenolith.cpu.interp.CodeCache;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.devices.terminal.ConsoleIo;

import java.io.IOException;
import java.security.SecureRandom;
import java.util.function.LongConsumer;
import java.util.random.RandomGenerator;

/**
 * Puts one guest together: memory, vCPUs, hypercalls, and the two rings every guest starts with.
 */
final class GuestBuilder {
    private static final long RANDOM_SEED = 0x5eed;
    private static final int KIB_SHIFT = 10;

    private final Host host;
    private final int id;
    private final BootOptions options;
    private final SharedConsole console;

    GuestBuilder(Host host, int id, BootOptions options, ConsoleIo console) {
        this.host = host;
        this.id = id;
        this.options = options;
        this.console = new SharedConsole(console);
    }

    Guest build(KernelImage kernel, XenNotes notes, byte[] initrd, GuestSymbols symbols)
            throws IOException {
        Tracer tracer = TraceOutput.open(options, symbols.get());
        FrameTable frames = null;
        try {
            frames = new FrameTable(host.pool(), new VcpuTlbs(host.pool()), maximumPages());
            return build(kernel, notes, initrd, new PageTypes(frames), symbols, tracer);
        } catch (BuildFailed | FrameTable.OutOfMemory e) {
            discard(frames, tracer);
            throw new BootFailed(e.getMessage(), e);
        } catch (RuntimeException | Error e) {
            discard(frames, tracer);
            throw e;
        }
    }

    private Guest build(
            KernelImage kernel,
            XenNotes notes,
            byte[] initrd,
            PageTypes types,
            GuestSymbols symbols,
            Tracer tracer)
            throws BuildFailed {
        BuiltDomain built =
                DomainBuilder.build(
                        types,
                        new BuildRequest(
                                kernel.elf(),
                                notes,
                                initrd,
                                pages(),
                                options.commandLine(),
                                GuestRings.STORE_PORT,
                                GuestRings.CONSOLE_PORT));
        GuestClock clock = options.virtualTime() ? GuestClock.virtual() : GuestClock.live();
        RandomGenerator random =
                options.virtualTime() ? new RepeatableRandom(RANDOM_SEED) : new SecureRandom();
        Domain domain = domain(types, built.sharedInfoMfn(), clock, random, options.vcpus());
        GuestRings rings =
                GuestRings.allocate(console, domain, built.storeMfn(), built.consoleMfn());
        DomainTree tree =
                DomainTree.create(
                        host.store(),
                        rings.describe(
                                options.memoryBytes() >>> KIB_SHIFT,
                                options.maxMemoryBytes() >>> KIB_SHIFT));
        Guest guest = guest(domain, tree, rings, symbols, tracer);
        types.frames().reservation().limitPages(pages());
        startVcpu0(domain.vcpu(0), built);
        host.add(guest);
        rings.store().open(host.store());
        rings.console().open(guest);
        return guest;
    }

    /**
     * Makes a guest that goes on where a saved one was.
     *
     * @throws SnapshotException if the snapshot describes none that can be
     */
    Guest restore(DomainSnapshot snapshot) throws IOException {
        return goingOn(
                snapshot.description().maximumPages(),
                Symbols.NONE,
                (types, tracer) -> restore(snapshot, types, tracer));
    }

    /**
     * Makes a guest that goes on where one is that has suspended itself.
     *
     * @throws SnapshotException if there is no memory for it
     */
    Guest fork(ForkPoint point) throws IOException {
        GuestSymbols symbols = point.parent().trace().knownSymbols();
        return goingOn(
                point.fork().description().maximumPages(),
                symbols.get(),
                (types, tracer) -> fork(point, types, symbols, tracer));
    }

    private interface Filling {
        Guest fill(PageTypes types, Tracer tracer) throws IOException, FrameTable.OutOfMemory;
    }

    private Guest goingOn(long maximumPages, Symbols symbols, Filling filling) throws IOException {
        Tracer tracer = TraceOutput.open(options, symbols);
        FrameTable frames = null;
        try {
            frames = new FrameTable(host.pool(), new VcpuTlbs(host.pool()), maximumPages);
            return filling.fill(new PageTypes(frames), tracer);
        } catch (FrameTable.OutOfMemory e) {
            discard(frames, tracer);
            throw new BootFailed(e.getMessage(), e);
        } catch (IOException | RuntimeException | Error e) {
            discard(frames, tracer);
            throw e;
        }
    }

    private Guest restore(DomainSnapshot snapshot, PageTypes types, Tracer tracer)
            throws IOException, FrameTable.OutOfMemory {
        Description saved = snapshot.description();
        long sharedInfoMfn = types.frames().xenFrames().add();
        Domain domain =
                domain(types, sharedInfoMfn, snapshot.clock(), snapshot.random(), saved.vcpus());
        snapshot.restore(domain);
        GuestRings rings = GuestRings.restore(console, domain, host.store(), snapshot);
        DomainTree tree = DomainTree.of(host.store(), domain.id(), domain.uuid());
        Guest guest = guest(domain, tree, rings, GuestSymbols.NONE, tracer);
        guest.goesOnFrom(snapshot::start);
        host.add(guest);
        if (saved.workLeft() || domain.clock().isLive()) {
            rings.store().lookSoon();
            rings.console().lookSoon();
        }
        rings.console().open(guest);
        return guest;
    }

    private Guest fork(ForkPoint point, PageTypes types, GuestSymbols symbols, Tracer tracer)
            throws IOException, FrameTable.OutOfMemory {
        DomainFork fork = point.fork();
        int vcpus = fork.description().vcpus();
        long sharedInfoMfn = types.frames().xenFrames().add();
        Domain domain = domain(types, sharedInfoMfn, fork.clock(), fork.random(), vcpus);
        fork.restore(domain);
        Description.Rings old = fork.description().rings();
        FreshResume resume = new FreshResume(domain, GuestRings.placesOfANewGuest(old));
        resume.forgetEverything();
        GuestRings rings = GuestRings.renewed(console, domain, old);
        DomainTree tree =
                DomainTree.create(
                        host.store(),
                        rings.describe(
                                point.parent().balloon().targetKib(),
                                options.maxMemoryBytes() >>> KIB_SHIFT));
        tree.takeFeaturesOf(point.parent().tree());
        Guest guest = guest(domain, tree, rings, symbols, tracer);
        guest.goesOnFrom(
                (_, paused) -> {
                    fork.start(domain);
                    guest.goesOnFresh(resume, paused);
                });
        host.add(guest);
        rings.store().open(host.store());
        rings.console().open(guest);
        return guest;
    }

    private static void discard(FrameTable frames, Tracer tracer) {
        if (frames != null) {
            frames.releaseAll();
        }
        closeTrace(tracer);
    }

    private Guest guest(
            Domain domain, DomainTree tree, GuestRings rings, GuestSymbols symbols, Tracer tracer) {
        Hypercalls hypercalls = new Hypercalls(domain, console, tracer);
        if (options.statistics()) {
            hypercalls.measure();
        }
        VcpuRunner runner = new VcpuRunner(hypercalls::execute, tracer);
        Guest guest = new Guest(host, options, domain, tree, rings, runner, hypercalls, console);
        OutsideTrace outside = new OutsideTrace(guest, host.store());
        GuestTrace trace = new GuestTrace(guest, runner, hypercalls, outside, symbols, tracer);
        guest.watchedBy(trace);
        guest.onClose(trace::close);
        forgetCodeOfFreedFrames(guest);
        shareHeap(guest);
        return guest;
    }

    private long pages() {
        return options.memoryBytes() >>> Ram.PAGE_SHIFT;
    }

    private long maximumPages() {
        return options.maxMemoryBytes() >>> Ram.PAGE_SHIFT;
    }

    private Domain domain(
            PageTypes types,
            long sharedInfoMfn,
            GuestClock clock,
            RandomGenerator random,
            int vcpus) {
        long sharedInfo = types.frames().ownFrame(sharedInfoMfn);
        Domain domain =
                new Domain(
                        id,
                        options.name(),
                        types,
                        clock,
                        host.scheduler(),
                        sharedInfo,
                        host::domain);
        domain.code().translateWith(options.tier().translator());
        domain.setTimerSlack(options.timerSlack());
        for (int i = 0; i < vcpus; i++) {
            domain.addVcpu(random);
        }
        return domain;
    }

    /** A freed frame may be another guest's next: code decoded from it must not outlive it. */
    private void forgetCodeOfFreedFrames(Guest guest) {
        LongConsumer forget = guest.domain().code()::forget;
        host.pool().onFree(forget);
        guest.onClose(() -> host.pool().removeOnFree(forget));
    }

    /** What is decoded of the guest's code counts among that of all guests. */
    private static void shareHeap(Guest guest) {
        CodeCache code = guest.domain().code();
        code.shareHeap(CodeBudget.ofProcess());
        guest.onClose(code::end);
    }

    private static void startVcpu0(VirtualCpu vcpu, BuiltDomain built) {
        Cpu cpu = vcpu.cpu();
        vcpu.newBasePtr(built.cr3Mfn());
        cpu.rip = built.rip();
        cpu.r[Cpu.RSP] = built.rsp();
        cpu.r[Cpu.RSI] = built.rsi();
        vcpu.entry.kernelSp = built.rsp();
        vcpu.initialised = true;
    }

    private static void closeTrace(Tracer tracer) {
        if (tracer != null) {
            tracer.close();
        }
    }
}
