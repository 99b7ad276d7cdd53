package org.xenolith.cpu.translate;

import org.xenolith.cpu.interp.HotCode;
import org.xenolith.cpu.interp.Translator;
import org.xenolith.cpu.interp.UnitLibrary;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/**
 * Translates hot code on a thread of its own. The queue is bounded: what does not fit goes on in
 * the interpreter and counts anew.
 */
public final class Jit implements Translator {
    /**
     * When and how code is translated.
     *
     * @param threshold entries into a block until it counts as hot; unless {@code atOnce}, four
     *     times as many in the first 1,800 million instructions of a vCPU
     * @param window millions of a vCPU's instructions within which they must come, while it is
     *     young, and likewise four times as many
     * @param atOnce on the vCPU's thread, before it goes on: nothing waits for a compiler
     * @param maxInstructions of a unit
     * @param verifyEvery one entry of so many into a unit is compared with the interpreter, and the
     *     first few; 0 for none
     * @param exact each unit in its exact form, not only those whose quick form was left too often
     * @param kept units that others may enter, see {@link UnitLibrary}; 0 to make each anew
     */
    public record Policy(
            int threshold,
            int window,
            boolean atOnce,
            int maxInstructions,
            int verifyEvery,
            boolean exact,
            int kept) {
        private static final int ANY = Integer.MAX_VALUE;

        public Policy(
                int threshold, int window, boolean atOnce, int maxInstructions, int verifyEvery) {
            this(threshold, window, atOnce, maxInstructions, verifyEvery, false, 0);
        }

        /**
         * For guests. Debian's boot is cold code: with a threshold of 2,000 it took a third longer
         * than in the interpreter, with this one as long. Code that serves pages is flat, and a
         * translation of what runs a few times for each costs more than it ever gives back: without
         * the window two thirds of its instructions were translated, and a page took nearly twice
         * the CPU time.
         *
         * <p>A unit is some 30 KiB of classes and machine code; a guest that serves pages has 300.
         */
        public static final Policy NORMAL = new Policy(16_000, 64, false, 200, 0, false, 2_000);

        /**
         * Translates early, and compares now and then: slow. At once, so that a run in virtual time
         * compares the same entries each time.
         */
        public static final Policy VERIFYING = new Policy(500, ANY, true, 200, 64);

        /** For tests: translate everything when it is first entered. */
        public static final Policy EVERYTHING = new Policy(0, ANY, true, 200, 0);

        /** For tests: as EVERYTHING, without the quick form of floating point. */
        public static final Policy EVERYTHING_EXACT = new Policy(0, ANY, true, 200, 0, true, 0);

        /** For tests: as EVERYTHING, and compare each entry. */
        public static final Policy EVERYTHING_VERIFIED = new Policy(0, ANY, true, 200, 1);
    }

    private static final int QUEUE = 512;

    /**
     * Bytes of bytecode. C1 gives up on larger units with many memory operands ("out of virtual
     * registers"), and they would stay in the JVM's own interpreter until C2 has them; C2 then
     * takes seconds, and inlines no more after 8,000 bytes with what has been inlined.
     */
    private static final int LARGE_METHOD = 2500;

    /**
     * The same for a unit with computed jumps: a bytecode interpreter whose handlers are in several
     * units loses a fourth of its speed. HotSpot never compiles more than 8,000 bytes.
     */
    private static final int LARGEST_METHOD = 8000;

    private static final int MAX_BACK_OFF = 8;

    /**
     * A block that a unit contains must be entered from elsewhere so many times more often: with 16
     * hardly any came to that within the window, with 1 a start of LAMP took 5 % more CPU time.
     */
    private static final int COVERED_FACTOR = 4;

    /**
     * The window is one part in so many of what the vCPU has executed. A start is over soon, and
     * code that a long run enters as often will be entered as often again: of gzip, 6 % of the
     * instructions are in blocks that come 16,000 times in 64 to 256 million.
     */
    private static final int WINDOW_PART = 32;

    /** The window grows to so many times its first length, lest flat code be translated. */
    private static final int WINDOW_GROWTH = 4;

    /**
     * A vCPU that is younger boots, most likely: what Debian's first one does until there is a
     * shell, 1,300 of these in one loop.
     */
    private static final int BOOT_MILLIONS = 1_800;

    /**
     * So many times the entries, in so many times the window, until then. A kernel runs much of its
     * boot for a tenth of a second and never again; by the time HotSpot has compiled it twice it is
     * over, and what is left to do has waited for the compilers.
     */
    private static final int BOOT_FACTOR = 4;

    /** How often units are asked whether they are compiled. */
    private static final long ASK_MILLIS = 2;

    private final Policy policy;
    private final UnitLibrary library;
    private final Rehearsal rehearsal = new Rehearsal();
    private final BlockingQueue<HotCode> queue = new ArrayBlockingQueue<>(QUEUE);
    private final LongAdder units = new LongAdder();
    private final LongAdder instructions = new LongAdder();
    private final LongAdder refused = new LongAdder();
    private final LongAdder stale = new LongAdder();
    private final LongAdder nanos = new LongAdder();
    private final LongAdder failures = new LongAdder();
    private final Map<String, LongAdder> leftOut = new ConcurrentHashMap<>();
    private volatile Throwable lastFailure;

    public Jit(Policy policy) {
        this.policy = policy;
        library = new UnitLibrary(policy.kept);
        if (!policy.atOnce) {
            Thread thread = new Thread(this::work, "translator");
            thread.setDaemon(true);
            thread.start();
        }
    }

    @Override
    public int threshold(int drops, int age) {
        return policy.threshold * factor(age) << Math.min(drops, MAX_BACK_OFF);
    }

    private int factor(int age) {
        return age < BOOT_MILLIONS && !policy.atOnce ? BOOT_FACTOR : 1;
    }

    @Override
    public int window(int drops, int age) {
        long grown = Math.min(age / WINDOW_PART, (long) policy.window * WINDOW_GROWTH);
        long window = Math.max((long) policy.window * factor(age), grown);
        window <<= Math.min(drops, MAX_BACK_OFF);
        return (int) Math.min(window, Integer.MAX_VALUE);
    }

    @Override
    public int verifyEvery() {
        return policy.verifyEvery;
    }

    @Override
    public UnitLibrary library() {
        return library;
    }

    @Override
    public boolean request(HotCode code) {
        if (policy.atOnce) {
            translate(code);
            return true;
        }
        return queue.offer(code);
    }

    private void work() {
        try {
            while (true) {
                translateNext();
                installCompiled();
            }
        } catch (InterruptedException e) {
            // Nobody interrupts it: a daemon ends with its process.
            Thread.currentThread().interrupt();
        }
    }

    /** In a method of its own, lest a guest's page be held while the next block is waited for. */
    private void translateNext() throws InterruptedException {
        HotCode code = next();
        if (code != null) {
            guard(() -> translate(code));
        }
    }

    /** The next hot block; null if there is none, or no room, and units are to be asked. */
    private HotCode next() throws InterruptedException {
        if (rehearsal.isEmpty()) {
            return queue.take();
        }
        if (rehearsal.isFull()) {
            Thread.sleep(ASK_MILLIS);
            return null;
        }
        return queue.poll(ASK_MILLIS, TimeUnit.MILLISECONDS);
    }

    private void installCompiled() {
        for (FreshUnit unit : rehearsal.takeReady(this::failed)) {
            if (!unit.isBroken()) {
                guard(() -> install(unit));
            }
            unit.keptBack().forEach(code -> guard(() -> translate(code)));
        }
    }

    /**
     * A defect of the translator, or what it had no memory for, costs a guest its speed, not its
     * life, and the thread, which is the only one, goes on with the next block.
     */
    void guard(Runnable work) {
        try {
            work.run();
        } catch (RuntimeException | Error defect) {
            failed(defect);
        }
    }

    private void failed(Throwable defect) {
        failures.increment();
        lastFailure = defect;
    }

    private void translate(HotCode code) {
        if (code.isStale()) {
            stale.increment();
            return;
        }
        if (code.enterKnown() || rehearsal.keepBack(code)) {
            return;
        }
        long start = System.nanoTime();
        FreshUnit unit = make(code);
        nanos.add(System.nanoTime() - start);
        if (unit == null) {
            refused.increment();
        } else if (policy.atOnce) {
            install(unit);
        } else {
            rehearsal.add(unit);
        }
    }

    /** Null if the first instruction of the block has no translation. */
    private FreshUnit make(HotCode code) {
        int[] busy = code.busy();
        int[] executed = policy.atOnce ? null : code.executed();
        boolean exact = policy.exact || code.isRough();
        int limit = policy.maxInstructions;
        Region region = Region.of(code.bytes(), code.start(), limit, busy, executed);
        while (region != null) {
            int count = Math.min(limit, region.instructionCount());
            int allowed = allowedLength(region);
            if (region.tablesLength() > allowed) {
                // Half the jumps with half the targets: a fourth of it.
                limit = count / 2;
            } else {
                byte[] classFile = UnitBuilder.classFile(region, exact);
                int length = UnitBuilder.codeLength(classFile);
                if (length <= allowed) {
                    UnitBuilder.initialiseWhatIsCalled(classFile);
                    return new FreshUnit(code, region, UnitBuilder.define(classFile), exact);
                }
                limit = count * allowed / length * 9 / 10;
            }
            region = Region.of(code.bytes(), code.start(), limit, busy, executed);
        }
        return null;
    }

    private void install(FreshUnit unit) {
        Region region = unit.region();
        if (unit.install(Math.max(policy.threshold * COVERED_FACTOR, 1))) {
            units.increment();
            instructions.add(region.instructionCount());
            region.leftOut().forEach(this::countLeftOut);
        } else {
            stale.increment();
        }
    }

    private void countLeftOut(String mnemonic) {
        leftOut.computeIfAbsent(mnemonic, name -> new LongAdder()).increment();
    }

    private static int allowedLength(Region region) {
        return region.computedTargets().isEmpty() ? LARGE_METHOD : LARGEST_METHOD;
    }

    /** Units translated so far. */
    public long units() {
        return units.sum();
    }

    /** Guest instructions in them. */
    public long instructions() {
        return instructions.sum();
    }

    /** Blocks whose first instruction has no translation. */
    public long refused() {
        return refused.sum();
    }

    /** How often an instruction that has no translation ends a unit, by mnemonic. */
    public Map<String, Long> leftOut() {
        Map<String, Long> counts = new TreeMap<>();
        leftOut.forEach((mnemonic, count) -> counts.put(mnemonic, count.sum()));
        return counts;
    }

    /** Requests for code that had changed before its unit was there. */
    public long stale() {
        return stale.sum();
    }

    /** Blocks on which the translator broke; 0 unless it has a defect. */
    public long failures() {
        return failures.sum();
    }

    /** What broke it last, or null. */
    public Throwable lastFailure() {
        return lastFailure;
    }

    /** Time spent in translation, in nanoseconds. */
    public long nanos() {
        return nanos.sum();
    }
}
