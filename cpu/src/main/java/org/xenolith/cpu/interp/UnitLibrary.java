package org.xenolith.cpu.interp;

import org.xenolith.cpu.mmu.Ram;

import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/**
 * Units by what they were made of. Code that stands in another page as well, of the same guest or
 * of another one, runs in the unit that is there: guests of one image share what was translated and
 * compiled for the first of them.
 *
 * <p>It holds a limited number of units. When another one is added, one that has not run for long
 * goes, here and wherever it stands, and with it its class and what the JVM compiled of it. Time is
 * counted in units that are added.
 */
public final class UnitLibrary {
    private static final MadeUnit[] NONE = {};

    /**
     * How finely the time since a unit ran is told: parts of the time in which all are replaced.
     */
    private static final int GENERATIONS = 8;

    /**
     * Of units that begin alike, so many are found, the newest. Each is compared with memory when
     * such a block is decoded: a guest that makes hundreds must not slow down its neighbours.
     */
    private static final int MOST_CANDIDATES = 16;

    private final int capacity;

    /** By entry and first byte there: a few candidates each. Arrays are replaced, not changed. */
    private final Map<Integer, MadeUnit[]> byEntry = new ConcurrentHashMap<>();

    /** The older of two of the same age stands first. */
    private final List<MadeUnit> units = new LinkedList<>();

    /** Made when the first domain asks: there is no memory before. */
    private CodePages pages;

    private long added;
    private final LongAdder reused = new LongAdder();
    private final LongAdder cold = new LongAdder();

    /**
     * @param capacity units to hold; 0 shares nothing and drops nothing
     */
    public UnitLibrary(int capacity) {
        this.capacity = capacity;
    }

    /** The decoded code of all whose units are held here; of its own for who shares nothing. */
    synchronized CodePages pages() {
        if (capacity == 0) {
            return new CodePages();
        }
        if (pages == null) {
            pages = new CodePages();
        }
        return pages;
    }

    /** How often a page took a unit that had been made of another one, or of itself before. */
    public long reused() {
        return reused.sum();
    }

    /** Units that went to make room for others. */
    public long cold() {
        return cold.sum();
    }

    /** Units that are held now. */
    public synchronized int size() {
        return units.size();
    }

    private static int key(int start, int first) {
        return (first & 0xff) << Ram.PAGE_SHIFT | start;
    }

    /**
     * A unit that can be entered at an address of a page that holds its code.
     *
     * @param start from the page's start
     * @param exact only one without the quick form of floating point
     * @return null if there is none
     */
    MadeUnit find(long hostBase, int start, boolean exact) {
        if (byEntry.isEmpty()) {
            return null;
        }
        for (MadeUnit made :
                byEntry.getOrDefault(key(start, Ram.getByte(hostBase + start)), NONE)) {
            if ((made.isExact() || !exact) && made.code().matches(hostBase)) {
                return made;
            }
        }
        return null;
    }

    /** A page took what {@link #find} had found. */
    void countReused() {
        reused.increment();
    }

    /** Adds a unit that was just made. */
    synchronized void add(MadeUnit made) {
        if (capacity == 0) {
            return;
        }
        for (int start : made.entries()) {
            byEntry.merge(
                    key(start, made.code().at(start)), new MadeUnit[] {made}, UnitLibrary::join);
        }
        units.add(made);
        added++;
        if (added % Math.max(capacity / GENERATIONS, 1) == 0) {
            units.forEach(MadeUnit::growOlder);
        }
        if (units.size() > capacity) {
            discardOldest();
        }
    }

    private static MadeUnit[] join(MadeUnit[] some, MadeUnit[] more) {
        int kept = Math.min(some.length, MOST_CANDIDATES - more.length);
        MadeUnit[] all = Arrays.copyOf(more, more.length + kept);
        System.arraycopy(some, 0, all, more.length, kept);
        return all;
    }

    private void discardOldest() {
        MadeUnit oldest = Collections.max(units, Comparator.comparingInt(MadeUnit::age));
        cold.increment();
        units.remove(oldest);
        removeKeys(oldest);
        for (CodePage page : oldest.discard()) {
            page.dropCold(oldest);
        }
    }

    /**
     * No page that does not have it already shall take the unit: it was not quick. In the others it
     * stays until it has not run for long.
     */
    synchronized void hide(MadeUnit made) {
        removeKeys(made);
    }

    private void removeKeys(MadeUnit made) {
        for (int start : made.entries()) {
            byEntry.computeIfPresent(
                    key(start, made.code().at(start)), (key, some) -> without(some, made));
        }
    }

    private static MadeUnit[] without(MadeUnit[] some, MadeUnit made) {
        MadeUnit[] rest =
                Arrays.stream(some).filter(other -> other != made).toArray(MadeUnit[]::new);
        return rest.length == 0 ? null : rest;
    }
}
