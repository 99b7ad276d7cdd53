package org.xenolith.devices.p9;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Semaphore;

/**
 * How many of the process's descriptors folders may hold for their clients: half, and one client an
 * eighth, so that disks and networks of others find some whatever a client does.
 */
final class DescriptorBudget {
    private static final Path LIMITS = Path.of("/proc/self/limits");
    private static final String OPEN_FILES = "Max open files";
    private static final int ASSUMED_LIMIT = 4096;
    private static final int MOST_OF_ONE = 16384;

    /** Of this process. */
    static final DescriptorBudget OF_PROCESS = new DescriptorBudget(limit());

    private final Semaphore all;
    private final int ofOne;

    /**
     * @param limit descriptors that the process may have
     */
    DescriptorBudget(int limit) {
        all = new Semaphore(limit / 2);
        ofOne = Math.min(limit / 8, MOST_OF_ONE);
    }

    /** How many one client may hold. */
    int ofOne() {
        return ofOne;
    }

    /**
     * @throws P9Error when all are in use
     */
    void take() {
        if (!all.tryAcquire()) {
            throw new P9Error(Errno.EMFILE);
        }
    }

    void give() {
        all.release();
    }

    /** The soft limit, which the JVM has raised to the hard one. */
    private static int limit() {
        try {
            for (String line : Files.readAllLines(LIMITS)) {
                if (line.startsWith(OPEN_FILES)) {
                    String soft = line.substring(OPEN_FILES.length()).strip().split(" +")[0];
                    return soft.equals("unlimited")
                            ? Integer.MAX_VALUE
                            : (int) Math.min(Long.parseLong(soft), Integer.MAX_VALUE);
                }
            }
        } catch (IOException | NumberFormatException e) {
            // Some limit is better than none.
        }
        return ASSUMED_LIMIT;
    }
}
