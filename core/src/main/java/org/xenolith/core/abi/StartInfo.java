package org.xenolith.core.abi;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * What a PV guest finds at the address in RSI when it starts: {@code struct start_info},
 * public/xen.h, x86-64 ABI.
 *
 * @param nrPages guest frames the domain has
 * @param sharedInfoMaddr machine address, not a frame number
 * @param flags {@code SIF_*}
 * @param ptBase linear address of the L4 table
 * @param nrPtFrames frames of the initial tables that map the kernel
 * @param mfnList linear address of the p2m list
 * @param modStart linear address of the initrd, or its PFN with {@link #SIF_MOD_START_PFN}; 0 for
 *     none
 * @param modLen bytes
 */
public record StartInfo(
        long nrPages,
        long sharedInfoMaddr,
        int flags,
        long storeMfn,
        int storeEvtchn,
        long consoleMfn,
        int consoleEvtchn,
        long ptBase,
        long nrPtFrames,
        long mfnList,
        long modStart,
        long modLen,
        String cmdLine,
        long firstP2mPfn,
        long nrP2mFrames) {
    public static final int SIZE = 1168;
    public static final String MAGIC_VALUE = "xen-3.0-x86_64";

    public static final int SIF_PRIVILEGED = 1;
    public static final int SIF_INITDOMAIN = 1 << 1;
    public static final int SIF_MOD_START_PFN = 1 << 3;
    public static final int SIF_VIRT_P2M_4TOOLS = 1 << 4;

    public static final int MAGIC = 0;
    public static final int MAGIC_BYTES = 32;
    public static final int NR_PAGES = 32;
    public static final int SHARED_INFO = 40;
    public static final int FLAGS = 48;
    public static final int STORE_MFN = 56;
    public static final int STORE_EVTCHN = 64;
    public static final int CONSOLE_MFN = 72;
    public static final int CONSOLE_EVTCHN = 80;
    public static final int PT_BASE = 88;
    public static final int NR_PT_FRAMES = 96;
    public static final int MFN_LIST = 104;
    public static final int MOD_START = 112;
    public static final int MOD_LEN = 120;
    public static final int CMD_LINE = 128;

    /** Bytes of the command line with its terminator. {@code MAX_GUEST_CMDLINE}. */
    public static final int CMD_LINE_BYTES = 1024;

    public static final int FIRST_P2M_PFN = 1152;
    public static final int NR_P2M_FRAMES = 1160;

    private static final ValueLayout.OfLong LE_LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt LE_INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Whether a command line fits, in the bytes the guest will see. */
    public static boolean fits(String cmdLine) {
        return cmdLine.getBytes(StandardCharsets.UTF_8).length < CMD_LINE_BYTES;
    }

    /** Writes the record at {@code at}; the page is zero before. */
    public void writeTo(MemorySegment memory, long at) {
        writeText(memory, at + MAGIC, MAGIC_VALUE);
        memory.set(LE_LONG, at + NR_PAGES, nrPages);
        memory.set(LE_LONG, at + SHARED_INFO, sharedInfoMaddr);
        memory.set(LE_INT, at + FLAGS, flags);
        memory.set(LE_LONG, at + STORE_MFN, storeMfn);
        memory.set(LE_INT, at + STORE_EVTCHN, storeEvtchn);
        memory.set(LE_LONG, at + CONSOLE_MFN, consoleMfn);
        memory.set(LE_INT, at + CONSOLE_EVTCHN, consoleEvtchn);
        memory.set(LE_LONG, at + PT_BASE, ptBase);
        memory.set(LE_LONG, at + NR_PT_FRAMES, nrPtFrames);
        memory.set(LE_LONG, at + MFN_LIST, mfnList);
        memory.set(LE_LONG, at + MOD_START, modStart);
        memory.set(LE_LONG, at + MOD_LEN, modLen);
        writeText(memory, at + CMD_LINE, cmdLine);
        memory.set(LE_LONG, at + FIRST_P2M_PFN, firstP2mPfn);
        memory.set(LE_LONG, at + NR_P2M_FRAMES, nrP2mFrames);
    }

    /** Reads the record back, as a guest would. */
    public static StartInfo readFrom(MemorySegment memory, long at) {
        return new StartInfo(
                memory.get(LE_LONG, at + NR_PAGES),
                memory.get(LE_LONG, at + SHARED_INFO),
                memory.get(LE_INT, at + FLAGS),
                memory.get(LE_LONG, at + STORE_MFN),
                memory.get(LE_INT, at + STORE_EVTCHN),
                memory.get(LE_LONG, at + CONSOLE_MFN),
                memory.get(LE_INT, at + CONSOLE_EVTCHN),
                memory.get(LE_LONG, at + PT_BASE),
                memory.get(LE_LONG, at + NR_PT_FRAMES),
                memory.get(LE_LONG, at + MFN_LIST),
                memory.get(LE_LONG, at + MOD_START),
                memory.get(LE_LONG, at + MOD_LEN),
                readText(memory, at + CMD_LINE, CMD_LINE_BYTES),
                memory.get(LE_LONG, at + FIRST_P2M_PFN),
                memory.get(LE_LONG, at + NR_P2M_FRAMES));
    }

    private static void writeText(MemorySegment memory, long at, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, at, bytes.length);
        memory.set(ValueLayout.JAVA_BYTE, at + bytes.length, (byte) 0);
    }

    private static String readText(MemorySegment memory, long at, int limit) {
        byte[] bytes = new byte[limit];
        MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, at, bytes, 0, limit);
        int length = 0;
        while (length < limit && bytes[length] != 0) {
            length++;
        }
        return new String(bytes, 0, length, StandardCharsets.UTF_8);
    }
}
