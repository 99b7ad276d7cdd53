package org.xenolith.cpu.interp;

/** A block that runs often, and its page as it was when that was noticed. */
public final class HotCode {
    private final CodePage page;
    private final Block block;
    private final byte[] bytes;
    private final UnitLibrary library;

    HotCode(CodePage page, Block block, byte[] bytes, UnitLibrary library) {
        this.page = page;
        this.block = block;
        this.bytes = bytes;
        this.library = library;
    }

    /** The whole page; not to be changed. */
    public byte[] bytes() {
        return bytes;
    }

    /** Where the block starts, in bytes from the page's start. */
    public int start() {
        return block.start;
    }

    /**
     * Where other blocks of the page start that run often too, as of now: targets of indirect
     * jumps.
     */
    public int[] busy() {
        return page.busyStarts();
    }

    /**
     * Where blocks of the page start, as of now, in ascending order: what is not among them, and is
     * reached by a branch, has never been executed.
     */
    public int[] executed() {
        return page.starts();
    }

    /** Whether both are of the same page. */
    public boolean isNear(HotCode other) {
        return page == other.page;
    }

    /** Whether a unit was dropped because its quick form of floating point was left too often. */
    public boolean isRough() {
        return block.rough;
    }

    /**
     * Whether a translation would be in vain: the block was dropped meanwhile, has a unit, or
     * stands in the unit of another one.
     */
    public boolean isStale() {
        return !block.isValid() || block.covered || block.entry != block.plain;
    }

    /**
     * Puts a unit in the place of the block that was made of the same code elsewhere.
     *
     * @return whether there is one: nothing is left to translate
     */
    public boolean enterKnown() {
        return page.enterKnown(block, library);
    }

    /**
     * Puts a unit in the place of the block and of those at its other entries, if its code is still
     * what {@link #bytes} says.
     *
     * @param entries of the unit, from the page's start, ascending
     * @param ranges of the page that the unit was made of: pairs of first byte and byte behind the
     *     last
     * @param covered where blocks start that the unit contains, too; they count anew, up to {@code
     *     heat}, as does the block itself if the unit came too late
     * @param exact without the quick form of floating point
     * @return whether it will run
     */
    public boolean install(
            TranslatedUnit unit,
            int[] entries,
            int[] ranges,
            int[] covered,
            int heat,
            boolean exact) {
        CodeBytes code = CodeBytes.of(ranges, bytes);
        MadeUnit made = new MadeUnit(unit, entries, code, heat, exact);
        boolean installed = page.install(block, made);
        if (installed) {
            page.cool(covered, heat);
            library.add(made);
        } else {
            page.countAnew(block, heat);
        }
        return installed;
    }
}
