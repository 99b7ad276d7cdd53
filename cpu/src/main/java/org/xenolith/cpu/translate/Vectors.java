package org.xenolith.cpu.translate;

import org.xenolith.cpu.interp.Binding;

/** MMX and SSE. */
final class Vectors {
    private Vectors() {}

    static Translations.Entry find(Binding b) {
        return null;
    }
}
