package org.xenolith.cpu.interp;

/** A block that runs often, and its page as it was when that was noticed. */
public final class HotCode {
    private final CodePage page;
    private final Block block;
    private final byte[] bytes;

    HotCode(CodePage page, Block block, byte[] bytes) {
        this.page = page;
        this.block = block;
        this.bytes = bytes;
    }

    /** The whole page; not to be changed. */
    public byte[] bytes() {
        return bytes;
    }

    /** Where the block starts, in bytes from the page's start. */
    public int start() {
        return block.start;
    }

    /** Whether the block was dropped meanwhile: its translation would be in vain. */
    public boolean isStale() {
        return !block.isValid();
    }

    /**
     * Puts a unit in the place of the block, if its code is still what {@link #bytes} says.
     *
     * @param ranges of the page that the unit was made of: pairs of first byte and byte behind the
     *     last
     * @return whether it will run
     */
    public boolean install(TranslatedUnit unit, int[] ranges) {
        return page.install(new UnitOp(block, unit, CodeBytes.of(ranges, bytes)));
    }
}
