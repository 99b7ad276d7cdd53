package org.xenolith.core.boot;

import java.nio.file.Path;

/**
 * How a guest's run ended.
 *
 * @param statistics text for the user, empty unless {@link BootOptions#statistics} asked for it
 */
public record Outcome(Ending ending, String statistics) {
    public Outcome(Ending ending) {
        this(ending, "");
    }

    /** The ways a run ends. */
    public sealed interface Ending {}

    /**
     * The guest switched itself off.
     *
     * @param code 0 for {@code SHUTDOWN_poweroff}, or what the guest latched by {@code
     *     SCHEDOP_shutdown_code} and the ABI has no name for: 6 to 255
     */
    public record PoweredOff(int code) implements Ending {
        public PoweredOff() {
            this(0);
        }
    }

    /** The guest asked to be started anew: {@code SHUTDOWN_reboot}. */
    public record Rebooted() implements Ending {}

    /**
     * The guest died: {@code SHUTDOWN_crash}, or it did what no guest survives.
     *
     * @param report for the user: what happened, registers, instruction, backtrace
     */
    public record Crashed(String report) implements Ending {}

    /** The guest was saved to a file, from which it can go on, and is no more. */
    public record Saved(Path file) implements Ending {}

    /** Somebody on the host ended the guest. */
    public record Destroyed() implements Ending {}

    /** The time allowed by {@link BootOptions#timeout} is over. */
    public record TimedOut() implements Ending {}

    /** The user left with {@code Ctrl-]}, or closed the window or pipe that showed the guest. */
    public record Left() implements Ending {}
}
