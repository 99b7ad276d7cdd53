package org.xenolith.cpu.interp;

/** A block that runs often, and its page as it was when that was noticed. */
public final class HotCode {
    private final CodePage page;
    private final Block block;
    private final byte[] bytes;
    private final int[] busy;

    HotCode(CodePage page, Block block, byte[] bytes, int[] busy) {
        this.page = page;
        this.block = block;
        this.bytes = bytes;
        this.busy = busy;
    }

    /** The whole page; not to be changed. */
    public byte[] bytes() {
        return bytes;
    }

    /** Where the block starts, in bytes from the page's start. */
    public int start() {
        return block.start;
    }

    /** Where other blocks of the page start that run often too: targets of indirect jumps. */
    public int[] busy() {
        return busy;
    }

    /**
     * Whether a translation would be in vain: the block was dropped meanwhile, or stands in the
     * unit of another one.
     */
    public boolean isStale() {
        return !block.isValid() || block.covered;
    }

    /**
     * Puts a unit in the place of the block, if its code is still what {@link #bytes} says.
     *
     * @param ranges of the page that the unit was made of: pairs of first byte and byte behind the
     *     last
     * @param covered where blocks start that the unit contains, too; they count anew, up to {@code
     *     heat}
     * @return whether it will run
     */
    public boolean install(TranslatedUnit unit, int[] ranges, int[] covered, int heat) {
        boolean installed = page.install(new UnitOp(block, unit, CodeBytes.of(ranges, bytes)));
        if (installed) {
            page.cool(covered, heat);
        }
        return installed;
    }
}
