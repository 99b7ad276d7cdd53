package org.xenolith.core.fleet;

import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.machine.ForkPoint;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;

/**
 * Members of a fleet that begin as copies of another one, when that says that it is ready. If it
 * never does, or cannot be copied, they boot as it did.
 */
final class Copies {
    /** How long the kernel may take to suspend itself. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Fleet fleet;
    private final Member parent;
    private final ConsoleWatch ready;
    private final Duration wait;
    private final List<Member> copies = new ArrayList<>();

    /**
     * @param ready hears what the parent says
     * @param wait after which it is told, once, that nobody has heard it
     */
    Copies(Fleet fleet, Member parent, ConsoleWatch ready, Duration wait) {
        this.fleet = fleet;
        this.parent = parent;
        this.ready = ready;
        this.wait = wait;
    }

    void add(Member copy) {
        copies.add(copy);
    }

    Member parent() {
        return parent;
    }

    /** The parent has ended, or the fleet has been stopped: nobody need wait any more. */
    void giveUp() {
        ready.giveUp();
    }

    /**
     * Waits for the parent and starts the copies. Who has what it wrote in an earlier run of the
     * fleet goes on from that, and boots at once.
     *
     * @param follow is told of each once, and whether it has begun
     */
    void run(BiConsumer<Member, Boolean> follow) {
        List<Member> left = new ArrayList<>();
        for (Member copy : copies) {
            if (copy.hasOverlay()) {
                follow.accept(copy, copy.start());
            } else {
                left.add(copy);
            }
        }
        if (!left.isEmpty()) {
            runLeft(left, follow);
        }
    }

    private void runLeft(List<Member> left, BiConsumer<Member, Boolean> follow) {
        try {
            if (!ready.isOver(wait)) {
                fleet.say(
                        "vmm: %s until %s says '%s', its fork-when."
                                .formatted(together(left, "waits", "wait"), parent.name(), ready));
            }
            if (ready.await() && !fleet.isStopping()) {
                copyAndAdmit(left, follow);
            }
            if (!left.isEmpty() && !fleet.isStopping()) {
                fleet.say(
                        "vmm: %s."
                                .formatted(
                                        together(left, "boots by itself", "boot by themselves")));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally { // the fleet waits for each of them
            left.forEach(member -> follow.accept(member, member.start()));
        }
    }

    /** What one member does, or several do. */
    private static String together(List<Member> members, String does, String severalDo) {
        String first = members.getFirst().name();
        return members.size() == 1
                ? first + " " + does
                : "%s to %s %s".formatted(first, members.getLast().name(), severalDo);
    }

    private void copyAndAdmit(List<Member> left, BiConsumer<Member, Boolean> follow)
            throws InterruptedException {
        Admission admission = new Admission(fleet.host()::queueForProcessors);
        try {
            copyAll(left, follow, admission);
            admission.admit(fleet::isStopping);
        } finally {
            admission.admitAtOnce();
        }
    }

    /** Takes those from the list that have begun, or cannot at all. */
    private void copyAll(List<Member> left, BiConsumer<Member, Boolean> follow, Admission admission)
            throws InterruptedException {
        long start = System.nanoTime();
        int begun = 0;
        try (ForkPoint point = parent.fork(PATIENCE)) {
            while (!left.isEmpty() && !fleet.isStopping() && !point.isOver()) {
                Member next = left.getFirst();
                boolean started = next.startFrom(point);
                left.removeFirst();
                if (started) {
                    admission.add(next::goOn);
                    begun++;
                }
                follow.accept(next, started);
                admission.look();
            }
        } catch (IOException | BootFailed e) {
            cannotCopy(e.getMessage());
            return;
        } catch (RuntimeException | Error defect) {
            cannotCopy(defect.toString());
            return;
        }
        tellBegun(begun, Duration.ofNanos(System.nanoTime() - start));
    }

    private void tellBegun(int begun, Duration within) {
        if (begun > 0) {
            String copies = begun == 1 ? "1 copy" : begun + " copies";
            fleet.say(
                    "vmm: %s of %s began within %d ms."
                            .formatted(copies, parent.name(), within.toMillis()));
        }
    }

    private void cannotCopy(String why) {
        fleet.say(
                "vmm: %s cannot be copied: %s.".formatted(parent.name(), Member.withoutStop(why)));
    }
}
