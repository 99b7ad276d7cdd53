package org.xenolith.cpu.interp;

import java.util.Arrays;

/**
 * A unit that stands in the place of blocks of a page.
 *
 * @param entries where it can be entered, in bytes from the page's start, ascending
 * @param code what it was made of
 * @param reheat entries into one of its blocks until that is translated anew, should a store drop
 *     the unit and leave the block
 */
record InstalledUnit(TranslatedUnit unit, int[] entries, CodeBytes code, int reheat) {
    boolean isEnteredAt(int offset) {
        return Arrays.binarySearch(entries, offset) >= 0;
    }
}
