package org.xenolith.core.statistics;

import org.xenolith.core.mm.FrameTable;
import org.xenolith.cpu.mmu.MachineMemory;
import org.xenolith.cpu.mmu.Ram;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** One number for all of a domain's memory: two runs that end alike have the same. */
public final class RamHash {
    private RamHash() {}

    /** Hash of the frames in the order of their MFNs, absent ones included by their absence. */
    public static long of(FrameTable frames) {
        CRC32C crc = new CRC32C();
        long hash = 0;
        byte[] page = new byte[Ram.PAGE_SIZE];
        for (long mfn = 0; mfn < frames.limitMfn(); mfn++) {
            long host = frames.frame(mfn);
            if (host != MachineMemory.NO_FRAME) {
                Ram.read(host, page, 0, page.length);
                crc.reset();
                crc.update(ByteBuffer.wrap(page));
                hash = hash * 0x9E3779B97F4A7C15L + (mfn << 32 ^ crc.getValue());
            }
        }
        return hash;
    }
}
