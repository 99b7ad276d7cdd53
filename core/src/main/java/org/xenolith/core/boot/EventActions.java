package org.xenolith.core.boot;

import org.xenolith.core.config.GuestConfig;
import org.xenolith.core.config.GuestConfig.Action;

/** What becomes of a guest that ended by itself: xl.cfg(5), Event Actions. */
public record EventActions(Action onPoweroff, Action onReboot, Action onCrash) {
    /** Of a guest of which nothing is said. */
    public static final EventActions STANDARD =
            new EventActions(Action.DESTROY, Action.RESTART, Action.DESTROY);

    public static EventActions of(GuestConfig guest) {
        return new EventActions(guest.onPoweroff(), guest.onReboot(), guest.onCrash());
    }

    public EventActions withOnReboot(Action other) {
        return new EventActions(onPoweroff, other, onCrash);
    }

    /** What its owner wants to happen now. */
    public Action after(Outcome.Ending ending) {
        return switch (ending) {
            case Outcome.PoweredOff _ -> onPoweroff;
            case Outcome.Rebooted _ -> onReboot;
            case Outcome.Crashed _ -> onCrash;
            // Whoever saves, destroys, stops or leaves a guest does not want it back here.
            case Outcome.Saved _, Outcome.Destroyed _ -> Action.DESTROY;
            case Outcome.Left _, Outcome.TimedOut _ -> Action.DESTROY;
        };
    }
}
