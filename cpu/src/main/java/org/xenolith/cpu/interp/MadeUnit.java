package org.xenolith.cpu.interp;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.WeakHashMap;

/**
 * A unit with what it was made of. It may stand in the place of blocks of any page that holds the
 * same code, in any domain.
 */
final class MadeUnit {
    private final TranslatedUnit unit;
    private final int[] entries;
    private final CodeBytes code;
    private final int reheat;
    private final boolean exact;

    /** Where it stands; a page that goes with its domain takes its place here along. */
    private final Set<CodePage> pages = Collections.newSetFromMap(new WeakHashMap<>());

    /** It stands nowhere and shall not again. */
    private boolean discarded;

    /** Generations since it ran; the library's lock guards it. */
    private int age;

    /**
     * @param entries where it can be entered, in bytes from the page's start, ascending
     * @param code what it was made of
     * @param reheat entries into one of its blocks until that is translated anew, should a store
     *     drop the unit and leave the block
     * @param exact without the quick form of floating point
     */
    MadeUnit(TranslatedUnit unit, int[] entries, CodeBytes code, int reheat, boolean exact) {
        this.unit = unit;
        this.entries = entries;
        this.code = code;
        this.reheat = reheat;
        this.exact = exact;
    }

    TranslatedUnit unit() {
        return unit;
    }

    int[] entries() {
        return entries;
    }

    CodeBytes code() {
        return code;
    }

    int reheat() {
        return reheat;
    }

    /** Whether it does without the quick form of floating point. */
    boolean isExact() {
        return exact;
    }

    boolean isEnteredAt(int offset) {
        return Arrays.binarySearch(entries, offset) >= 0;
    }

    int age() {
        return age;
    }

    /** Another generation has gone by. */
    void growOlder() {
        age = unit.ran ? 0 : age + 1;
        unit.ran = false;
    }

    /**
     * The page is about to put it in the place of blocks.
     *
     * @return false if it must not
     */
    synchronized boolean standIn(CodePage page) {
        return !discarded && (pages.contains(page) || pages.add(page));
    }

    /** The page has let go of it. */
    synchronized void leave(CodePage page) {
        pages.remove(page);
    }

    /**
     * From now on no page takes it.
     *
     * @return the pages it stands in, to be told
     */
    synchronized List<CodePage> discard() {
        discarded = true;
        return List.copyOf(pages);
    }
}
