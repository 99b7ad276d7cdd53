package org.xenolith.core.fleet;

import sun.misc.Signal;
import sun.misc.SignalHandler;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Ctrl-C, SIGTERM and a closed terminal as calls, from creation to {@link #close}. A shutdown hook
 * would not do: it cannot hear a second signal, and the exit status would be the signal's.
 */
public final class StopSignals implements AutoCloseable {
    private static final String HANGUP = "HUP";
    private static final List<String> NAMES = List.of("INT", "TERM", HANGUP);

    private final Map<Signal, SignalHandler> before = new HashMap<>();

    private StopSignals() {}

    /**
     * @param action called for each signal, on a thread of its own
     */
    public static StopSignals onEach(Runnable action) {
        StopSignals signals = new StopSignals();
        for (String name : NAMES) {
            Signal signal = new Signal(name);
            SignalHandler before = Signal.handle(signal, _ -> action.run());
            if (name.equals(HANGUP) && before == SignalHandler.SIG_IGN) {
                Signal.handle(
                        signal, before); // started by nohup(1), and meant to outlive its terminal
            } else {
                signals.before.put(signal, before);
            }
        }
        return signals;
    }

    /** The signals do what they did before. */
    @Override
    public void close() {
        before.forEach(Signal::handle);
    }
}
