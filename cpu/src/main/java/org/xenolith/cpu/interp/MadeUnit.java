package org.xenolith.cpu.interp;

import org.xenolith.cpu.mmu.Ram;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.WeakHashMap;

/**
 * A unit with what it was made of: code of its home page, and of pages at certain distances that it
 * calls into. It may stand in the place of blocks of any page that holds the same code, in any
 * domain; {@link UnitOp} sees that the other pages do, too.
 */
final class MadeUnit {
    private static final int PAGE = -Ram.PAGE_SIZE;

    private final TranslatedUnit unit;
    private final int[] entries;
    private final List<UnitPart> parts;
    private final int reheat;
    private final boolean exact;

    /** Where it stands; a page that goes with its domain takes its place here along. */
    private final Set<CodePage> pages = Collections.newSetFromMap(new WeakHashMap<>());

    /** It stands nowhere and shall not again. */
    private boolean discarded;

    /** Generations since it ran; the library's lock guards it. */
    private int age;

    /**
     * @param entries where it can be entered, in bytes from the home page's start, ascending
     * @param parts what it was made of, each page once
     * @param reheat entries into one of its blocks until that is translated anew, should a store
     *     drop the unit and leave the block
     * @param exact without the quick form of floating point
     */
    MadeUnit(TranslatedUnit unit, int[] entries, List<UnitPart> parts, int reheat, boolean exact) {
        this.unit = unit;
        this.entries = entries;
        this.parts = parts;
        this.reheat = reheat;
        this.exact = exact;
    }

    TranslatedUnit unit() {
        return unit;
    }

    int[] entries() {
        return entries;
    }

    List<UnitPart> parts() {
        return parts;
    }

    /** The part in which an entry is. */
    CodeBytes codeAt(int entry) {
        for (UnitPart part : parts) {
            if (part.distance() == distance(entry)) {
                return part.code();
            }
        }
        throw new IllegalArgumentException("no part of the unit is at " + entry);
    }

    /** How far the page of an entry is from the home page, in bytes. */
    static int distance(int entry) {
        return entry & PAGE;
    }

    /** Where an entry is in its page. */
    static int offset(int entry) {
        return entry & ~PAGE;
    }

    int reheat() {
        return reheat;
    }

    /** Whether it needs more than the page in which it is entered. */
    boolean isWide() {
        return parts.size() > 1;
    }

    /** Whether it does without the quick form of floating point. */
    boolean isExact() {
        return exact;
    }

    boolean isEnteredAt(int entry) {
        return Arrays.binarySearch(entries, entry) >= 0;
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
