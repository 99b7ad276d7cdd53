package org.xenolith.cpu.interp;

import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * What the decoded code of all domains of a process may take up on the heap. Each of them has a
 * limit of its own, {@link CodeCache}, but a hundred idle ones would keep as much as a hundred that
 * work.
 *
 * <p>When the sum is too much, whoever has the largest {@linkplain CodeShare#claim claim} makes
 * room first: it loses all its blocks, and decodes again what it still runs.
 */
public final class CodeBudget {
    /**
     * A third of the heap. What a vCPU, a device and a unit keep is little beside decoded code, and
     * the collector stops all guests: it comes seldom while what lives is less than half.
     */
    private static final int PART_OF_HEAP = 3;

    /** Room is made for this part of the limit at once: making some takes milliseconds. */
    private static final int ROOM_PART = 8;

    /**
     * What a domain may add until it looks at the sum: half a megabyte, some thousand blocks. They
     * take milliseconds to decode, the sum over a thousand domains some microseconds.
     */
    private static final long LOOK_AFTER = 16_384;

    private static final CodeBudget OF_PROCESS =
            new CodeBudget(
                    Runtime.getRuntime().maxMemory() / PART_OF_HEAP / CodeWeight.BYTES,
                    LOOK_AFTER,
                    System::nanoTime);

    private final long limit;
    private final long lookAfter;
    private final LongSupplier nanoTime;
    private final List<CodeShare> shares = new CopyOnWriteArrayList<>();

    /** Held by who looks; others that come to it meanwhile go on. */
    private final ReentrantLock looking = new ReentrantLock();

    /**
     * @param limit what all code may weigh, {@link CodeWeight}
     * @param lookAfter what a domain may add until it looks at the sum
     */
    CodeBudget(long limit, long lookAfter, LongSupplier nanoTime) {
        this.limit = limit;
        this.lookAfter = lookAfter;
        this.nanoTime = nanoTime;
    }

    /** That of all domains of the process. */
    public static CodeBudget ofProcess() {
        return OF_PROCESS;
    }

    /** Its code counts from now on. */
    CodeShare join(CodeCache code) {
        CodeShare share = new CodeShare(code, nanoTime.getAsLong());
        shares.add(share);
        return share;
    }

    /** Its code counts no more. */
    void leave(CodeShare share) {
        shares.remove(share);
    }

    /** Looks at the sum if the domain has added enough since it looked last. */
    void grown(CodeShare share) {
        if (share.hasAdded(lookAfter) && looking.tryLock()) {
            try {
                look();
            } finally {
                looking.unlock();
            }
        }
    }

    void look() {
        long now = nanoTime.getAsLong();
        shares.forEach(share -> share.measurePace(now));
        if (sum() > limit) {
            makeRoom();
        }
    }

    private long sum() {
        long sum = 0;
        for (CodeShare share : shares) {
            sum += share.weight();
        }
        return sum;
    }

    private void makeRoom() {
        List<CodeShare.Claim> claims =
                shares.stream()
                        .map(CodeShare::claim)
                        .sorted(Comparator.comparingLong(CodeShare.Claim::size).reversed())
                        .toList();
        long wanted = limit - limit / ROOM_PART;
        for (CodeShare.Claim claim : claims) {
            if (sum() <= wanted) {
                break;
            }
            claim.share().makeRoom();
        }
        shares.forEach(CodeShare::beginGrowth);
    }
}
