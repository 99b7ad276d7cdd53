package org.xenolith.core.machine;

import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.devices.terminal.ConsoleIo;

import java.io.IOException;

/** Who has copies of running guests begin, as somebody asks for them, and follows them. */
public interface CopyKeeper {
    /** Has none. */
    CopyKeeper NONE =
            (_, _, _) -> {
                throw new BootFailed("nobody here looks after copies of guests");
            };

    /** Makes a copy that does not run yet. */
    interface Making {
        Guest of(ConsoleIo console) throws IOException;
    }

    /**
     * Has a copy made, starts it, and sees to it, on a thread of its own, that it ends as its
     * options want it.
     *
     * @param original stands still meanwhile
     * @param options of the copy, for its later starts too
     * @param making called at most once
     * @return the copy, which runs
     * @throws IOException if it cannot be made; nothing of it is left then
     * @throws BootFailed the same
     */
    Guest begin(Guest original, BootOptions options, Making making) throws IOException;
}
