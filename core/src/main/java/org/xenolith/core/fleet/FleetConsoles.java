package org.xenolith.core.fleet;

import org.xenolith.core.config.GuestConfig;
import org.xenolith.devices.console.ConsoleSink;
import org.xenolith.devices.console.PrefixingSink;
import org.xenolith.devices.console.TextOnlySink;
import org.xenolith.devices.terminal.ConsoleIo;
import org.xenolith.devices.terminal.InputListener;

import java.util.List;

/**
 * One terminal for the output of many guests: whole lines, each behind its guest's name, and text
 * only. Nobody types there: {@code vmm console} is for that.
 */
public final class FleetConsoles {
    private final ConsoleSink terminal;
    private final boolean coloured;
    private final int width;

    private FleetConsoles(ConsoleSink terminal, boolean coloured, int width) {
        this.terminal = terminal;
        this.coloured = coloured;
        this.width = width;
    }

    /**
     * @param terminal gets the lines
     * @param coloured whether names have colours, which only a terminal shows
     */
    public static FleetConsoles on(
            ConsoleSink terminal, boolean coloured, List<GuestConfig> guests) {
        int width = guests.stream().mapToInt(guest -> guest.name().length()).max().orElse(0);
        return new FleetConsoles(terminal, coloured, width);
    }

    /** Consoles that show nothing here. */
    public static FleetConsoles silent() {
        return new FleetConsoles(ConsoleSink.NONE, false, 0);
    }

    /**
     * A guest's console.
     *
     * @param number selects the colour
     */
    Line line(String name, int number) {
        String padded = name + " ".repeat(Math.max(0, width - name.length()) + 1);
        return new Line(
                coloured
                        ? PrefixingSink.coloured(padded, number, terminal)
                        : new PrefixingSink(padded + "| ", terminal),
                coloured);
    }

    /** A guest's part of the terminal. */
    static final class Line implements ConsoleIo {
        private final PrefixingSink lines;
        private final ConsoleSink text;
        private volatile ConsoleWatch watch;

        private Line(PrefixingSink lines, boolean colours) {
            this.lines = lines;
            text = new TextOnlySink(colours, lines);
        }

        /** Sets who looks for something in what the guest says, before it runs. */
        void watch(ConsoleWatch watcher) {
            watch = watcher;
        }

        @Override
        public void write(byte[] bytes, int offset, int length) {
            text.write(bytes, offset, length);
            ConsoleWatch watcher = watch;
            if (watcher != null) {
                watcher.hear(bytes, offset, length);
            }
        }

        @Override
        public int room() {
            return text.room();
        }

        @Override
        public void whenRoom(Runnable again) {
            text.whenRoom(again);
        }

        @Override
        public void start(InputListener listener) {}

        /** The guest has ended: a line that it did not finish is ended for it. */
        void finish() {
            lines.finish();
        }
    }
}
