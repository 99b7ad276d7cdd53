package org.xenolith.cpu.translate;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.interp.HotCode;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Units that HotSpot is to compile before a vCPU enters them. For one thread. */
final class Rehearsal {
    /**
     * With so many, no other hot block is asked for; those that were kept back come on top of them.
     */
    private static final int MOST = 16;

    private final List<FreshUnit> units = new ArrayList<>();

    /** Made when needed: nothing may be translated at all. */
    private Cpu idle;

    boolean isEmpty() {
        return units.isEmpty();
    }

    boolean isFull() {
        return units.size() >= MOST;
    }

    void add(FreshUnit unit) {
        if (idle == null) {
            idle = IdleProcessor.create();
        }
        unit.begin(idle);
        units.add(unit);
    }

    /**
     * Keeps a hot block back if it stands in one of the units: it may need none of its own.
     *
     * @return whether it does
     */
    boolean keepBack(HotCode code) {
        for (FreshUnit unit : units) {
            if (unit.contains(code)) {
                unit.keepBack(code);
                return true;
            }
        }
        return false;
    }

    /**
     * Takes out those that are compiled, or will not be soon.
     *
     * @param failed is told what a unit throws: it is taken out, too, and {@link
     *     FreshUnit#isBroken}
     */
    List<FreshUnit> takeReady(Consumer<Throwable> failed) {
        List<FreshUnit> ready = units.stream().filter(unit -> isReady(unit, failed)).toList();
        units.removeAll(ready);
        return ready;
    }

    private boolean isReady(FreshUnit unit, Consumer<Throwable> failed) {
        try {
            return unit.isReady(idle);
        } catch (RuntimeException | Error defect) {
            failed.accept(defect);
            unit.giveUp();
            return true;
        }
    }
}
