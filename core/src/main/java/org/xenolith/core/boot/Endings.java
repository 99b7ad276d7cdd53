package org.xenolith.core.boot;

/** How guests ended, as part of a sentence that begins with a guest's name. */
public final class Endings {
    private Endings() {}

    public static String inWords(Outcome.Ending ending) {
        return switch (ending) {
            case Outcome.PoweredOff(int code) ->
                    code == 0 ? "powered off" : "powered off with code " + code;
            case Outcome.Rebooted _ -> "rebooted";
            case Outcome.Crashed(String report) -> "crashed (" + firstLine(report) + ")";
            case Outcome.Saved saved -> "was saved to " + saved.file();
            case Outcome.Destroyed _ -> "was destroyed";
            case Outcome.Left _, Outcome.TimedOut _ -> "was stopped";
        };
    }

    /** Whether something is wrong with a guest that ended so. */
    public static boolean isFailure(Outcome.Ending ending) {
        return switch (ending) {
            case Outcome.PoweredOff(int code) -> code != 0;
            case Outcome.Crashed _, Outcome.TimedOut _ -> true;
            case Outcome.Rebooted _, Outcome.Saved _, Outcome.Destroyed _ -> false;
            case Outcome.Left _ -> false;
        };
    }

    private static String firstLine(String report) {
        String line = report.lines().findFirst().orElse("");
        return line.endsWith(".") ? line.substring(0, line.length() - 1) : line;
    }
}
