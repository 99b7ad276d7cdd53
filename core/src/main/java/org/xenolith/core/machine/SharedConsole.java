package org.xenolith.core.machine;

import org.xenolith.core.control.Verbs;
import org.xenolith.core.xenstore.DomainTree;
import org.xenolith.devices.console.ConsoleLog;
import org.xenolith.devices.console.ConsoleSink;
import org.xenolith.devices.terminal.ConsoleIo;
import org.xenolith.devices.terminal.InputListener;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A guest's console with several at it: the terminal that started the guest, and whoever attaches
 * from elsewhere. All see what the guest prints, each may type.
 */
public final class SharedConsole implements ConsoleIo {
    private record Viewer(ConsoleSink sink, Runnable sendAway) {}

    private final ConsoleIo first;

    /** What an attacher is shown of the past. */
    private final ConsoleLog history = new ConsoleLog(DomainTree.CONSOLE_LIMIT_BYTES);

    /** Who has seen all of {@link #history}, and is to see what comes; both change in one step. */
    private final List<Viewer> viewers = new ArrayList<>();

    private boolean ended;
    private volatile InputListener listener;

    /**
     * @param first the console that is there from the start
     */
    public SharedConsole(ConsoleIo first) {
        this.first = first;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        first.write(bytes, offset, length);
        synchronized (viewers) {
            history.write(bytes, offset, length);
            for (Viewer viewer : viewers) {
                viewer.sink.write(bytes, offset, length);
            }
        }
    }

    @Override
    public int room() {
        return first.room();
    }

    @Override
    public void whenRoom(Runnable again) {
        first.whenRoom(again);
    }

    @Override
    public void start(InputListener newListener) {
        listener = newListener;
        first.start(newListener);
    }

    /**
     * Shows the guest to one more.
     *
     * @param sink takes what it is given at once
     * @param sendAway called when the guest is gone, now if it is
     */
    Verbs.Attachment attach(ConsoleSink sink, Runnable sendAway) {
        Viewer viewer = new Viewer(sink, sendAway);
        boolean late;
        synchronized (viewers) {
            byte[] past = history.text().getBytes(StandardCharsets.ISO_8859_1);
            sink.write(past, 0, past.length);
            late = ended;
            if (!late) {
                viewers.add(viewer);
            }
        }
        if (late) {
            sendAway.run();
        }
        InputListener keys = listener;
        return new Verbs.Attachment() {
            @Override
            public InputListener keys() {
                return keys;
            }

            @Override
            public void close() {
                synchronized (viewers) {
                    viewers.remove(viewer);
                }
            }
        };
    }

    /** The guest has ended, and all it printed is here: attachers are sent away. */
    void end() {
        List<Viewer> left;
        synchronized (viewers) {
            ended = true;
            left = List.copyOf(viewers);
            viewers.clear();
        }
        left.forEach(viewer -> viewer.sendAway.run());
        history.close();
    }
}
