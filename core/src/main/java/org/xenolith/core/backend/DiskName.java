package org.xenolith.core.backend;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A disk of a guest by name and by Xen's number for it: {@code xvda} is 51712, {@code xvda1} 51713,
 * {@code xvdb} 51728; from {@code xvdq} on, and for partitions above 15, numbers are "extended".
 * docs/man/xen-vbd-interface of Xen.
 */
public record DiskName(String name, int number) {
    private static final Pattern XVD = Pattern.compile("xvd([a-z]{1,2})([1-9][0-9]{0,2})?");
    private static final int XVD_MAJOR = 202;
    private static final int CLASSIC_DISKS = 16, CLASSIC_PARTITIONS = 16;
    private static final int EXTENDED = 1 << 28, EXTENDED_PARTITIONS = 256;
    private static final int LETTERS = 26;

    /** The n-th disk, from 0: xvda, xvdb, ... */
    public static DiskName ofIndex(int index) {
        StringBuilder letters = new StringBuilder();
        for (int rest = index + 1; rest > 0; rest = (rest - 1) / LETTERS) {
            letters.insert(0, (char) ('a' + (rest - 1) % LETTERS));
        }
        return parse("xvd" + letters);
    }

    /**
     * @throws IllegalArgumentException when the text names no disk, with a sentence
     */
    public static DiskName parse(String text) {
        Matcher matcher = XVD.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    "\"%s\" is no disk of a Xen guest: write xvda, xvdb or xvda1".formatted(text));
        }
        int disk = 0;
        for (char letter : matcher.group(1).toCharArray()) {
            disk = disk * LETTERS + letter - 'a' + 1;
        }
        disk--;
        int partition = matcher.group(2) == null ? 0 : Integer.parseInt(matcher.group(2));
        if (partition >= EXTENDED_PARTITIONS) {
            throw new IllegalArgumentException(text + ": a disk has at most 255 partitions");
        }
        boolean classic = disk < CLASSIC_DISKS && partition < CLASSIC_PARTITIONS;
        return new DiskName(
                text,
                classic
                        ? XVD_MAJOR << 8 | disk * CLASSIC_PARTITIONS | partition
                        : EXTENDED | disk * EXTENDED_PARTITIONS | partition);
    }
}
