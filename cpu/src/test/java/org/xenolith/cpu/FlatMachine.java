package org.xenolith.cpu;

import org.xenolith.cpu.interp.CodeCache;
import org.xenolith.cpu.interp.Translator;
import org.xenolith.cpu.mmu.MachineMemory;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;

import java.util.HashMap;
import java.util.Map;

/**
 * A machine for tests: frames of the pool handed out in order, MFN = host frame number, page tables
 * built here, no platform to speak of.
 */
public final class FlatMachine implements MachineMemory, Platform {
    /** Xen's segments for 64-bit guests. public/arch-x86/xen-x86_64.h. */
    public static final int FLAT_RING3_CS64 = 0xe033, FLAT_RING3_SS64 = 0xe02b;

    public static final int FLAT_RING3_CS32 = 0xe023;

    /** More descriptors, by selector. */
    public final Map<Integer, Long> descriptors = new HashMap<>();

    private static long nextFrame = 1;

    public final CodeCache code = new CodeCache();
    public final long root;
    public final Cpu cpu;

    /** How often a locked access has asked for the siblings to be stopped. */
    public int busLocks;

    /** What siblings do meanwhile. */
    public Runnable whileBusIsLocked = () -> {};

    /** MFN of a frame that counts as a page table: refuses each store. */
    public long pageTable = NO_FRAME;

    /** Whether ports may be used. */
    public boolean portsAllowed = true;

    /** How often a port was read. */
    public int portReads;

    /** How often PAUSE was executed. */
    public int pauses;

    public FlatMachine() {
        this(TestTier.ofTests());
    }

    /** A machine whose hot code is translated as {@code tier} says. */
    public FlatMachine(TestTier tier) {
        this(tier.translator());
    }

    /**
     * @param translator of hot code, or null
     */
    public FlatMachine(Translator translator) {
        code.translateWith(translator);
        root = newFrame();
        cpu = newCpu();
    }

    /** Lets a vCPU run 32-bit code in Xen's flat segments. */
    public static void enter32BitCode(Cpu cpu) {
        cpu.selectors[0] = FLAT_RING3_SS64;
        cpu.selectors[1] = FLAT_RING3_CS32;
        cpu.selectors[2] = FLAT_RING3_SS64;
        cpu.selectors[3] = FLAT_RING3_SS64;
        cpu.run32BitCode();
    }

    /** A further vCPU on the same memory and the same tables. */
    public Cpu newCpu() {
        Cpu added = new Cpu(this, this, code);
        added.mmu().setRoot(root);
        return added;
    }

    /** MFN of a zeroed frame. */
    public static synchronized long newFrame() {
        long mfn = nextFrame++;
        Ram.fill(mfn << Ram.PAGE_SHIFT, Ram.PAGE_SIZE, 0);
        return mfn;
    }

    /** Maps fresh frames, writable and executable. */
    public void map(long vaddr, long bytes) {
        long end = vaddr + bytes + Ram.PAGE_SIZE - 1 & Ram.PAGE_MASK;
        for (long page = vaddr & Ram.PAGE_MASK; page < end; page += Ram.PAGE_SIZE) {
            if (!Pte.isPresent(cpu.mmu().pte(page))) {
                mapFrame(page, newFrame(), Pte.PRESENT | Pte.WRITABLE | Pte.USER);
            }
        }
    }

    /** Sets the L1 entry of a page, building tables as needed; drops the page from the TLB. */
    public void mapFrame(long vaddr, long mfn, long flags) {
        long table = root;
        for (int level = 4; level > 1; level--) {
            long at = (table << Ram.PAGE_SHIFT) + Pte.index(vaddr, level) * 8L;
            long entry = Ram.getLong(at);
            if (!Pte.isPresent(entry)) {
                entry = newFrame() << Ram.PAGE_SHIFT | Pte.PRESENT | Pte.WRITABLE | Pte.USER;
                Ram.putLong(at, entry);
            }
            table = Pte.mfn(entry);
        }
        Ram.putLong(
                (table << Ram.PAGE_SHIFT) + Pte.index(vaddr, 1) * 8L,
                mfn << Ram.PAGE_SHIFT | flags);
        cpu.mmu().dropPage(vaddr);
    }

    /** Host offset behind a mapped address. */
    public long host(long vaddr) {
        return Pte.mfn(cpu.mmu().pte(vaddr)) << Ram.PAGE_SHIFT | vaddr & Ram.PAGE_OFFSET;
    }

    /**
     * Copies bytes in, page by page, without the CPU noticing more than a store by another device.
     */
    public void load(long vaddr, byte[] bytes) {
        cpu.mmu().copyTo(vaddr, bytes, 0, bytes.length);
    }

    // ---- MachineMemory
    // -----------------------------------------------------------------------------------

    @Override
    public long frame(long mfn) {
        return mfn > 0 && mfn << Ram.PAGE_SHIFT < Ram.sizeBytes()
                ? mfn << Ram.PAGE_SHIFT
                : NO_FRAME;
    }

    @Override
    public long writableFrame(long mfn) {
        return frame(mfn);
    }

    @Override
    public long hypervisorEntry(int slot) {
        return 0;
    }

    @Override
    public boolean emulatesStores(long mfn) {
        return mfn == pageTable;
    }

    @Override
    public boolean emulateStore(long maddr, int size, long value) {
        return false;
    }

    @Override
    public CasResult emulateCompareAndSet(long maddr, int size, long expected, long value) {
        return CasResult.REFUSED;
    }

    @Override
    public void lockBus() {
        busLocks++;
        whileBusIsLocked.run();
    }

    // ---- Platform
    // ----------------------------------------------------------------------------------------

    @Override
    public void cpuid(Cpu c) {
        boolean one = (int) c.r[Cpu.RAX] == 1;
        c.r[Cpu.RAX] = one ? 0x106ca : 1;
        c.r[Cpu.RBX] = one ? 0x800 : 0x756e6547;
        c.r[Cpu.RCX] = one ? 0 : 0x6c65746eL;
        c.r[Cpu.RDX] = one ? 0x0700_8111L : 0x49656e69L;
    }

    @Override
    public long timeStampCounter(Cpu c) {
        return c.retired();
    }

    @Override
    public long readMsr(Cpu c, int index) {
        throw GuestFault.of(Vector.GENERAL_PROTECTION);
    }

    @Override
    public void writeMsr(Cpu c, int index, long value) {
        throw GuestFault.of(Vector.GENERAL_PROTECTION);
    }

    @Override
    public long readControl(Cpu c, int number) {
        return 0;
    }

    @Override
    public void writeControl(Cpu c, int number, long value) {}

    @Override
    public long readDebug(Cpu c, int number) {
        return 0;
    }

    @Override
    public void writeDebug(Cpu c, int number, long value) {}

    @Override
    public void requirePort(Cpu c, int port, int size) {
        if (!portsAllowed) {
            throw GuestFault.of(Vector.GENERAL_PROTECTION);
        }
    }

    @Override
    public int portIn(Cpu c, int port, int size) {
        requirePort(c, port, size);
        portReads++;
        return -1;
    }

    @Override
    public void portOut(Cpu c, int port, int size, int value) {
        requirePort(c, port, size);
    }

    @Override
    public void setInterrupts(Cpu c, boolean enabled) {}

    @Override
    public void flushCaches(Cpu c) {}

    @Override
    public long descriptor(Cpu c, int selector) {
        return switch (selector | 3) {
            case FLAT_RING3_CS64 -> 0x00af_fb00_0000_ffffL;
            case FLAT_RING3_SS64 -> 0x00cf_f300_0000_ffffL;
            case FLAT_RING3_CS32 -> 0x00cf_fb00_0000_ffffL;
            default -> descriptors.getOrDefault(selector | 3, 0L);
        };
    }

    @Override
    public void pause(Cpu c) {
        pauses++;
    }

    @Override
    public long random(Cpu c) {
        return 4;
    }
}
