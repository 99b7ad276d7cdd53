package org.xenolith.core.domain;

/**
 * The caches that CPUID tells of, in the order of leaf 4. There are none, but programs go by them:
 * PyPy sizes its nursery and complains without, OpenBLAS its blocks, and glibc, where it copies
 * with REP MOVSB, does so up to three quarters of the last one, and only up to 16 KiB if it knows
 * none, which takes some 40 times as long here. The sizes are the same on every machine, so that
 * runs can be repeated. SDM vol. 2, CPUID, leaf 4.
 */
enum CpuidCache {
    L1_DATA(1, 1, 32 << 10, 8),
    L1_CODE(2, 1, 32 << 10, 8),
    L2(3, 2, 1 << 20, 16),
    L3(3, 3, 32 << 20, 16);

    private static final int LINE = 64;
    private static final int LEVEL_SHIFT = 5;
    private static final int SELF_INITIALIZING = 1 << 8;
    private static final int WAYS_SHIFT = 22;
    private static final int EXTENDED_SIZE_SHIFT = 16;
    private static final int EXTENDED_16_WAYS = 8 << 12;

    private final int kind;
    private final int level;
    private final int sizeBytes;
    private final int ways;

    CpuidCache(int kind, int level, int sizeBytes, int ways) {
        this.kind = kind;
        this.level = level;
        this.sizeBytes = sizeBytes;
        this.ways = ways;
    }

    /** EAX of leaf 4, for a cache that no other vCPU shares. */
    int kindAndLevel() {
        return kind | level << LEVEL_SHIFT | SELF_INITIALIZING;
    }

    /** EBX of leaf 4, for one partition. */
    int waysAndLine() {
        return ways - 1 << WAYS_SHIFT | LINE - 1;
    }

    int sets() {
        return sizeBytes / ways / LINE;
    }

    /** ECX of leaf 0x80000006, for a second level of 16 ways. */
    int extended() {
        return sizeBytes >>> 10 << EXTENDED_SIZE_SHIFT | EXTENDED_16_WAYS | LINE;
    }
}
