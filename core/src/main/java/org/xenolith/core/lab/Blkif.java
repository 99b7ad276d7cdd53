package org.xenolith.core.lab;

/**
 * Where things stand in the page of a block ring: lab 7. public/io/ring.h and public/io/blkif.h,
 * for 64-bit guests. All numbers are offsets in bytes, unless said otherwise.
 */
public final class Blkif {
    /** How many requests the frontend has published since the beginning; wraps at 2^32. */
    public static final int REQ_PROD = 0;

    /** The backend wants an event when REQ_PROD gets there. */
    public static final int REQ_EVENT = 4;

    /** How many responses the backend has published. */
    public static final int RSP_PROD = 8;

    /** The frontend wants an event when RSP_PROD gets there. */
    public static final int RSP_EVENT = 12;

    /** The first slot. Request n is in slot n % RING_SIZE, and so is response n. */
    public static final int SLOTS = 64;

    /** Bytes of a slot. */
    public static final int SLOT_SIZE = 112;

    /** Number of slots. */
    public static final int RING_SIZE = 32;

    // ---- in a request

    /** One byte: READ, WRITE, or what this backend does not know. */
    public static final int OPERATION = 0;

    /** One byte: how many segments follow, MAX_SEGMENTS at most. */
    public static final int NR_SEGMENTS = 1;

    /** 64 bits that the response repeats. */
    public static final int ID = 8;

    /** 64 bits: the first sector on the disk. */
    public static final int SECTOR_NUMBER = 16;

    /** The first segment. The sectors of all segments follow each other on the disk. */
    public static final int SEGMENTS = 24;

    /** Bytes of a segment. */
    public static final int SEGMENT_SIZE = 8;

    /** In a segment, 32 bits: reference of the granted page. */
    public static final int GREF = 0;

    /** In a segment, one byte: first sector in the page, 0 to 7. */
    public static final int FIRST_SECTOR = 4;

    /** In a segment, one byte: last sector in the page, FIRST_SECTOR to 7. */
    public static final int LAST_SECTOR = 5;

    public static final int MAX_SEGMENTS = 11;
    public static final int SECTORS_PER_PAGE = 8;

    public static final int READ = 0;
    public static final int WRITE = 1;

    // ---- in a response

    /** 64 bits, from the request. */
    public static final int RSP_ID = 0;

    /** One byte, from the request. */
    public static final int RSP_OPERATION = 8;

    /** 16 bits: OKAY, ERROR or EOPNOTSUPP. */
    public static final int RSP_STATUS = 10;

    public static final int OKAY = 0;
    public static final int ERROR = -1;

    /** There is no such operation. */
    public static final int EOPNOTSUPP = -2;

    private Blkif() {}
}
