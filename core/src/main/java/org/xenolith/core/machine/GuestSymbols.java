package org.xenolith.core.machine;

import org.xenolith.core.image.Symbols;

import java.io.IOException;
import java.lang.ref.SoftReference;

/**
 * The symbols of a guest's kernel, for those who ask while it runs. They hang on the whole kernel,
 * so they are kept only while the heap has room, and read anew when they are wanted again.
 * Thread-safe.
 */
final class GuestSymbols {
    /** Of a guest whose kernel nobody has. */
    static final GuestSymbols NONE = new GuestSymbols(Symbols.NONE, () -> Symbols.NONE);

    /** Reads them again. */
    @FunctionalInterface
    interface Source {
        /**
         * @return {@link Symbols#NONE} when the kernel is not there any more
         * @throws IOException when it cannot be read
         */
        Symbols read() throws IOException;
    }

    private final Source again;
    private SoftReference<Symbols> kept;

    GuestSymbols(Symbols symbols, Source again) {
        this.kept = new SoftReference<>(symbols);
        this.again = again;
    }

    /** As they are; may read a file. */
    synchronized Symbols get() {
        Symbols symbols = kept.get();
        if (symbols == null) {
            symbols = readAgain();
            kept = new SoftReference<>(symbols);
        }
        return symbols;
    }

    /** The same with their table read, so that no vCPU has to wait for it. */
    Symbols ready() {
        Symbols symbols = get();
        symbols.at(0);
        return symbols;
    }

    private Symbols readAgain() {
        try {
            return again.read();
        } catch (IOException gone) {
            return Symbols.NONE; // addresses without names are better than no answer
        }
    }

    /** As if the heap had needed the room, for tests. */
    synchronized void forget() {
        kept.clear();
    }
}
