package org.xenolith.core.machine;

import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.build.BuildFailed;
import org.xenolith.core.build.BuildRequest;
import org.xenolith.core.build.BuiltDomain;
import org.xenolith.core.build.DomainBuilder;
import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.VcpuRunner;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.hypercall.Hypercalls;
import org.xenolith.core.image.KernelImage;
import org.xenolith.core.image.XenNotes;
import org.xenolith.core.mm.FramePool;
import org.xenolith.core.mm.FrameTable;
import org.xenolith.core.mm.PageTypes;
import org.xenolith.core.mm.TlbShootdown;
import org.xenolith.core.mm.VcpuTlbs;
import org.xenolith.core.sched.Scheduler;
import org.xenolith.core.time.GuestClock;
import org.xenolith.core.trace.TraceEvent;
import org.xenolith.core.trace.Tracer;
import org.xenolith.core.xenstore.DomainTree;
import org.xenolith.core.xenstore.Xenstore;
import org.xenolith.core.xenstore.XenstoreConnection;
import org.xenolith.core.xenstore.XenstoreRing;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.devices.console.ConsoleInput;
import org.xenolith.devices.memory.HostMemory;
import org.xenolith.devices.terminal.ConsoleIo;
import org.xenolith.devices.terminal.InputListener;
import org.xenolith.pv.console.ConsoleRing;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongConsumer;
import java.util.random.RandomGenerator;

/** Builds a domain from files, runs it on this JVM and tells how it ended. */
public final class VmmMachine implements Machine {
    private static final int FIRST_GUEST = 1;
    private static final int GRANT_CONSOLE = 0;
    private static final int GRANT_XENSTORE = 1;
    private static final int INPUT_BYTES = 64 << 10;
    private static final byte END_OF_INPUT = 4;
    private static final long INPUT_RETRY_NANOS = 1_000_000;
    private static final long RANDOM_SEED = 0x5eed;

    /** Room beside guest RAM for the hypervisor's own frames: m2p, its tables, grants. */
    private static final long OVERHEAD_BYTES = 32L << 20;

    private static HostMemory host;
    private static FramePool pool;

    /** The process's pool, reserved once; later machines share it. */
    private static synchronized FramePool pool(long wantedBytes) {
        if (pool == null) {
            long bytes = Math.max(wantedBytes, Long.getLong("xenolith.pool", 0));
            host = HostMemory.reserve(bytes + Ram.PAGE_OFFSET & Ram.PAGE_MASK);
            Ram.Reservation.install(host.segment());
            pool = FramePool.ofAllMemory(host::release);
        }
        return pool;
    }

    @Override
    public Outcome boot(BootOptions options, ConsoleIo console) throws IOException {
        KernelImage kernel = KernelImage.read(options.kernel());
        XenNotes notes = kernel.requirePv();
        byte[] initrd =
                options.initrd().isPresent()
                        ? Files.readAllBytes(options.initrd().get())
                        : new byte[0];
        long pages = options.memoryBytes() >>> Ram.PAGE_SHIFT;
        FramePool frames = pool(options.memoryBytes() + OVERHEAD_BYTES);
        try (Run run = new Run(options, console, frames, pages)) {
            run.build(kernel, notes, initrd);
            return run.toTheEnd();
        } catch (BuildFailed e) {
            throw new BootFailed(e.getMessage(), e);
        } catch (FrameTable.OutOfMemory e) {
            throw new BootFailed(e.getMessage(), e);
        }
    }

    /** One domain from its building to its end. */
    private static final class Run implements AutoCloseable {
        private final BootOptions options;
        private final ConsoleIo console;
        private final long pages;
        private final FrameTable frames;
        private final PageTypes types;
        private final GuestClock clock;
        private final Xenstore store = new Xenstore();
        private final CountDownLatch ended = new CountDownLatch(1);
        private final Tracer tracer;
        private final PrintStream traceOut;

        private Domain domain;
        private Scheduler scheduler;
        private Hypercalls hypercalls;
        private LongConsumer forgetCode = hostBase -> {};
        private volatile boolean left;

        Run(BootOptions options, ConsoleIo console, FramePool pool, long pages)
                throws FrameTable.OutOfMemory, IOException {
            this.options = options;
            this.console = console;
            this.pages = pages;
            frames = new FrameTable(pool, new VcpuTlbs(pool), pages);
            types = new PageTypes(frames);
            clock = options.virtualTime() ? GuestClock.virtual() : GuestClock.live();
            traceOut = traceStream(options);
            tracer = options.trace().isEmpty() ? null : new Tracer(options.trace(), traceOut);
        }

        private static PrintStream traceStream(BootOptions options) throws IOException {
            if (options.traceFile().isEmpty()) {
                return System.err;
            }
            OutputStream file = Files.newOutputStream(options.traceFile().get());
            return new PrintStream(file, false, StandardCharsets.UTF_8);
        }

        void build(KernelImage kernel, XenNotes notes, byte[] initrd) throws BuildFailed {
            // Ports are handed out in order: the store's is 1, the console's 2, as Xen's tools do
            // it.
            int storePort = 1;
            int consolePort = 2;
            BuildRequest request =
                    new BuildRequest(
                            kernel.elf(),
                            notes,
                            initrd,
                            pages,
                            options.commandLine(),
                            storePort,
                            consolePort);
            BuiltDomain built = DomainBuilder.build(types, request);
            VcpuRunner runner = new VcpuRunner(vcpu -> hypercalls.execute(vcpu), tracer);
            scheduler = new Scheduler(runner);
            long sharedInfo = frames.writableFrame(built.sharedInfoMfn());
            domain = new Domain(FIRST_GUEST, options.name(), types, clock, scheduler, sharedInfo);
            domain.onEnd(ended::countDown);
            forgetCode = domain.code()::forget;
            frames.pool().onFree(forgetCode);
            RandomGenerator random =
                    options.virtualTime() ? new SplittableRandom(RANDOM_SEED) : new SecureRandom();
            for (int i = 0; i < options.vcpus(); i++) {
                scheduler.add(domain.addVcpu(random));
            }
            hypercalls = new Hypercalls(domain, console, tracer);
            traceOutside();
            connectXenstore(built, storePort);
            connectConsole(built, consolePort);
            domain.grants().preset(GRANT_CONSOLE, 0, built.consoleMfn());
            domain.grants().preset(GRANT_XENSTORE, 0, built.storeMfn());
            describe(built, storePort, consolePort);
            startVcpu0(built);
        }

        /** Traces what happens on no vCPU's own account. */
        private void traceOutside() {
            if (tracer == null) {
                return;
            }
            if (tracer.wants(TraceTopic.EVENT)) {
                domain.events()
                        .onDelivery(
                                (port, vcpu, masked) ->
                                        emit(new TraceEvent.Delivered(port, vcpu, masked)));
            }
            if (tracer.wants(TraceTopic.XENSTORE)) {
                store.watch("/", path -> emit(new TraceEvent.StoreChanged(path)));
            }
        }

        private void emit(TraceEvent event) {
            tracer.emit(domain.id(), clock.systemTimeNanos(domain.retired()), event);
        }

        private MemorySegment page(long mfn) {
            return Ram.SEGMENT.asSlice(domain.pin(mfn, TlbShootdown.NONE), Ram.PAGE_SIZE);
        }

        private void connectXenstore(BuiltDomain built, int expectedPort) {
            XenstoreRing[] ring = new XenstoreRing[1];
            int port =
                    domain.events().allocateForBackend(() -> serviceStore(ring[0], expectedPort));
            checkPort(port, expectedPort);
            XenstoreConnection connection =
                    store.introduce(
                            domain.id(),
                            () -> domain.post(() -> serviceStore(ring[0], expectedPort)));
            ring[0] = new XenstoreRing(page(built.storeMfn()), connection);
        }

        /** One round; a guest that writes faster than we read waits for the next poll point. */
        private void serviceStore(XenstoreRing ring, int port) {
            if (ring.service()) {
                domain.events().deliver(port);
            }
            if (ring.hasWork()) {
                domain.post(() -> serviceStore(ring, port));
            }
        }

        private void connectConsole(BuiltDomain built, int expectedPort) {
            ConsoleRing[] ring = new ConsoleRing[1];
            int port =
                    domain.events().allocateForBackend(() -> serviceConsole(ring[0], expectedPort));
            checkPort(port, expectedPort);
            ConsoleInput input =
                    new ConsoleInput(
                            INPUT_BYTES,
                            () -> domain.post(() -> serviceConsole(ring[0], expectedPort)));
            ring[0] = new ConsoleRing(page(built.consoleMfn()), console, input);
            console.start(new GuestInput(input));
        }

        private void serviceConsole(ConsoleRing ring, int port) {
            if (ring.service()) {
                domain.events().deliver(port);
            }
            if (ring.hasOutput()) {
                domain.post(() -> serviceConsole(ring, port));
            }
        }

        private static void checkPort(int port, int expected) {
            if (port != expected) {
                throw new IllegalStateException("port %d instead of %d".formatted(port, expected));
            }
        }

        /** Keys of the terminal on their way to the guest. */
        private final class GuestInput implements InputListener {
            private final ConsoleInput input;

            GuestInput(ConsoleInput input) {
                this.input = input;
            }

            @Override
            public void typed(byte[] bytes, int length) {
                int taken = input.offer(bytes, 0, length);
                while (taken < length && !domain.hasEnded()) {
                    // The guest reads slower than the host types or pipes: the reader waits.
                    LockSupport.parkNanos(INPUT_RETRY_NANOS);
                    taken += input.offer(bytes, taken, length - taken);
                }
            }

            @Override
            public void endOfInput() {
                typed(new byte[] {END_OF_INPUT}, 1);
            }

            @Override
            public void leave() {
                left = true;
                ended.countDown();
            }
        }

        private void describe(BuiltDomain built, int storePort, int consolePort) {
            long kib = options.memoryBytes() >>> 10;
            DomainTree.create(
                    store,
                    new DomainTree.Description(
                            domain.id(),
                            domain.name(),
                            domain.uuid(),
                            kib,
                            kib,
                            options.vcpus(),
                            built.storeMfn(),
                            storePort,
                            built.consoleMfn(),
                            consolePort));
        }

        private void startVcpu0(BuiltDomain built) {
            VirtualCpu vcpu = domain.vcpu(0);
            Cpu cpu = vcpu.cpu();
            vcpu.newBasePtr(built.cr3Mfn());
            cpu.rip = built.rip();
            cpu.r[Cpu.RSP] = built.rsp();
            cpu.r[Cpu.RSI] = built.rsi();
            vcpu.kernelSp = built.rsp();
            vcpu.initialised = true;
        }

        Outcome toTheEnd() {
            int threads =
                    options.virtualTime()
                            ? 1
                            : Math.min(options.vcpus(), Runtime.getRuntime().availableProcessors());
            scheduler.start(threads);
            scheduler.online(domain.vcpu(0));
            boolean over = await(options.timeout());
            scheduler.stop();
            if (tracer != null) {
                traceOut.flush();
            }
            return new Outcome(ending(over), options.statistics() ? statistics() : "");
        }

        private boolean await(Optional<Duration> timeout) {
            try {
                if (timeout.isEmpty()) {
                    ended.await();
                    return true;
                }
                return ended.await(timeout.get().toNanos(), TimeUnit.NANOSECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }

        private Outcome.Ending ending(boolean over) {
            if (left) {
                return new Outcome.Left();
            }
            if (!over) {
                return new Outcome.TimedOut();
            }
            return switch (domain.shutdownReason()) {
                case Domain.SHUTDOWN_POWEROFF -> new Outcome.PoweredOff();
                case Domain.SHUTDOWN_REBOOT -> new Outcome.Rebooted();
                default -> new Outcome.Crashed(CrashReport.of(domain));
            };
        }

        private void appendHypercalls(StringBuilder text) {
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

        private String statistics() {
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
            appendHypercalls(text);
            text.append(
                    "blocks decoded %,d, stores into code %,d, events %,d%n"
                            .formatted(
                                    domain.code().decodedBlocks(),
                                    domain.code().storesIntoCode(),
                                    domain.events().delivered()));
            if (options.virtualTime()) {
                text.append("ram %016x%n".formatted(RamHash.of(frames)));
            }
            return text.toString();
        }

        @Override
        public void close() {
            if (domain != null) {
                store.release(domain.id());
            }
            if (traceOut != System.err) {
                traceOut.close();
            }
            frames.releaseAll();
            frames.pool().removeOnFree(forgetCode);
        }
    }
}
