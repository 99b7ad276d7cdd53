package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.cpu.mmu.StoreWatch;

import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.LongAdder;

/**
 * Decoded code by host frame, and the watch over stores into it. No TLB holds a write tag for a
 * frame with live blocks, so each store into one comes here.
 *
 * <p>When the first block of a frame is decoded, siblings may still hold a write tag. They get a
 * message and drop it at their next poll point, then {@link #writesDropped} compares the blocks
 * with memory: a store that slipped through in between is found there. A store that is reported
 * while a sibling decodes its bytes finds no block yet; so each block is compared with memory once
 * it can be found. x86 asks no more of cross-modifying code.
 */
public final class CodeCache implements StoreWatch {
    private static final int SPARING = 1000;

    /**
     * How much the blocks of a domain may weigh, {@link CodeWeight}: some 130 MB of heap. Each byte
     * of a page may begin a block, which a hostile guest turns into 6.5 MB for 4 KiB. Debian's boot
     * decodes 60,500 blocks; a LAMP guest that serves pages has 151,000, which weigh 2.2 million.
     */
    private static final long MAX_WEIGHT = 4_000_000;

    /** Its own, or those of all domains with the same translator. */
    private CodePages pages = new CodePages();

    /** Where it has decoded blocks since room was made last. */
    private final Set<CodePage> used = ConcurrentHashMap.newKeySet();

    private final List<Cpu> cpus = new CopyOnWriteArrayList<>();
    private final LongAdder decodedBlocks = new LongAdder();
    private final LongAdder storesIntoCode = new LongAdder();
    private final LongAdder unitsDropped = new LongAdder();
    private final LongAdder roomMade = new LongAdder();
    private final CodeWeight weight;
    private Translator translator;

    /** Null for a domain that has the heap to itself, and at last. */
    private volatile CodeShare share;

    private CodeBudget budget;

    public CodeCache() {
        this(MAX_WEIGHT);
    }

    CodeCache(long maxWeight) {
        weight = new CodeWeight(maxWeight);
    }

    /** Adds a vCPU, which may write to frames whose code is cached here. */
    public void register(Cpu cpu) {
        cpus.add(cpu);
    }

    /**
     * Shares the heap with other domains, and the code of frames that it has in common with those
     * that are translated likewise, before anything runs and until {@link #end}.
     */
    public void shareHeap(CodeBudget with) {
        if (translator != null) {
            pages = translator.library().pages();
        }
        budget = with;
        share = with.join(this);
    }

    /** Nothing runs any more: nothing is kept, whoever still refers to this. */
    public void end() {
        CodeShare last = share;
        if (last != null) {
            share = null;
            budget.leave(last);
        }
        dropAll();
    }

    /**
     * Says who translates hot blocks, before anything runs.
     *
     * @param wanted null for none: everything is interpreted
     */
    public void translateWith(Translator wanted) {
        translator = wanted;
    }

    /**
     * Whether one entry into a block may be counted for several: there is nobody to count for, or
     * many entries are asked for.
     */
    public boolean isCountingSparing() {
        return translator == null || translator.threshold(0, 0) >= SPARING;
    }

    /** One entry into a unit of so many is compared with the interpreter; 0 for none. */
    public int verifyEvery() {
        return translator == null ? 0 : translator.verifyEvery();
    }

    /** Hands a block over for translation, or lets it count anew. */
    void hot(Cpu cpu, CodePage page, Block block) {
        boolean translated = translator != null && page.isTranslated();
        if (translated && !isSoonEnough(cpu, page, block)) {
            beginCounting(cpu, page, block);
            return;
        }
        block.heat = Block.COLD;
        block.covered = false;
        if (!translated) {
            return;
        }
        // Its heat no longer says so; other units of the page want to know while it waits.
        block.busy = true;
        byte[] bytes = new byte[Ram.PAGE_SIZE];
        Ram.read(page.hostBase(), bytes, 0, Ram.PAGE_SIZE);
        if (!translator.request(new HotCode(page, block, bytes, translator.library()))) {
            beginCounting(cpu, page, block);
        }
    }

    private void beginCounting(Cpu cpu, CodePage page, Block block) {
        int now = now(cpu);
        block.beginCounting(translator.threshold(page.drops(), now), now);
    }

    /**
     * Whether the entries came within the time that the translator allows: what runs now and then
     * for hours gets many, and is not where the time goes. Each vCPU has a time of its own:
     * counting that another one began is begun anew.
     */
    private boolean isSoonEnough(Cpu cpu, CodePage page, Block block) {
        int now = now(cpu);
        int age = now - block.since;
        return age >= 0 && age <= translator.window(page.drops(), now);
    }

    private static int now(Cpu cpu) {
        return (int) (cpu.retired() / 1_000_000);
    }

    /** A unit was left too often because its quick form of floating point was not quick. */
    void dropRough(CodePage page, MadeUnit made) {
        translator.library().hide(made);
        page.dropRough(made);
    }

    /** Blocks decoded so far. */
    public long decodedBlocks() {
        return decodedBlocks.sum();
    }

    /** Stores into frames with decoded code so far. */
    public long storesIntoCode() {
        return storesIntoCode.sum();
    }

    /** Units whose code has changed, or whose frame was given away, so far. */
    public long unitsDropped() {
        return unitsDropped.sum();
    }

    /** How often all blocks were dropped to make room so far, in the domain or for others. */
    public long roomMade() {
        return roomMade.sum();
    }

    /** What the code takes up on the heap, in bytes, as far as that is counted. */
    public long heapBytes() {
        return weight.sum() * CodeWeight.BYTES;
    }

    CodeWeight weight() {
        return weight;
    }

    /** Instructions that all its vCPUs have executed; any thread. */
    long retired() {
        long sum = 0;
        for (Cpu cpu : cpus) {
            sum += cpu.retired();
        }
        return sum;
    }

    CodePage page(long hostBase) {
        return pages.page(hostBase);
    }

    /** The owner has decoded from the frame: from now on stores into it are seen. */
    void add(CodePage page, Block block, Cpu cpu) {
        if (weight.isTooMuch()) {
            makeRoom();
        }
        CodeShare mine = share;
        if (mine != null) {
            budget.grown(mine);
        }
        Mmu owner = cpu.mmu();
        boolean translated = translator != null && page.isTranslated();
        if (translated) {
            beginCounting(cpu, page, block);
        }
        // A domain that has not decoded here may hold write tags though others have.
        boolean first = used.add(page);
        first |= page.add(block, weight, translated ? translator.library() : null);
        decodedBlocks.increment();
        if (first) {
            for (Cpu other : cpus) {
                Mmu mmu = other.mmu();
                if (mmu == owner) {
                    mmu.dropWrites(page.hostBase());
                } else {
                    mmu.mailbox().postDropWrites(page.hostBase());
                }
            }
        }
    }

    private synchronized void makeRoom() {
        // A sibling that had come to the same may have done it.
        if (weight.isTooMuch()) {
            dropForRoom();
        }
    }

    /** Makes room for this domain or for others; any thread. */
    void dropForRoom() {
        roomMade.increment();
        dropAll();
    }

    /**
     * Drops all its blocks, as stores into them would: a vCPU inside one leaves behind its current
     * instruction, and what runs is soon decoded again. Blocks that jumps of a vCPU have led to are
     * let go of when it comes to its next poll point, or at once if it sleeps.
     */
    private synchronized void dropAll() {
        for (Iterator<CodePage> i = used.iterator(); i.hasNext(); ) {
            CodePage page = i.next();
            i.remove(); // first: what a vCPU adds meanwhile has it here again
            page.makeRoom(weight);
        }
        cpus.forEach(cpu -> cpu.mmu().mailbox().postForgetFetches());
        weight.remainsForgotten();
    }

    @Override
    public boolean watches(long hostBase) {
        CodePage page = pages.pageIfAny(hostBase);
        return page != null && page.hasBlocks();
    }

    @Override
    public void stored(long host, int length) {
        CodePage page = pages.pageIfAny(host & Ram.PAGE_MASK);
        if (page != null && page.hasBlocks()) {
            storesIntoCode.increment();
            int from = (int) (host & Ram.PAGE_OFFSET);
            unitsDropped.add(page.stored(from, from + length));
        }
    }

    @Override
    public void writesDropped(long hostBase) {
        CodePage page = pages.pageIfAny(hostBase);
        if (page != null && page.hasBlocks()) {
            unitsDropped.add(page.verify());
        }
    }

    @Override
    public void forget(long hostBase) {
        CodePage page = pages.pageIfAny(hostBase);
        if (page != null && page.hasBlocks()) {
            unitsDropped.add(page.stored(0, Ram.PAGE_SIZE));
        }
    }
}
