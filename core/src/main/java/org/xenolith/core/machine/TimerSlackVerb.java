package org.xenolith.core.machine;

import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;

import org.xenolith.core.config.GuestConfig;
import org.xenolith.core.control.ControlException;

import java.time.Duration;

/** Lets a running guest's timers come later than before, or on time again. */
final class TimerSlackVerb {
    private TimerSlackVerb() {}

    /** It stays so in the guest's next lives, and is so in its copies. */
    static void perform(Guest guest, JsonObject arguments) throws ControlException {
        Duration slack = slack(arguments);
        if (!guest.domain().clock().isLive()) {
            throw new ControlException(
                    guest.name() + " lives in virtual time, in which timers are always on time.");
        }
        guest.domain().setTimerSlack(slack);
    }

    private static Duration slack(JsonObject arguments) throws ControlException {
        long most = GuestConfig.MOST_TIMER_SLACK.toMillis();
        if (arguments.get("milliseconds") instanceof JsonPrimitive number
                && number.isNumber()
                && number.getAsString().matches("[0-9]{1,9}")
                && number.getAsLong() <= most) {
            return Duration.ofMillis(number.getAsLong());
        }
        throw new ControlException(
                "timer-slack needs 'milliseconds', a whole number from 0 to " + most + ".");
    }
}
