package org.xenolith.cpu.mmu;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;

/** Makes copies of {@link SlotAccess}, each of which HotSpot profiles and compiles by itself. */
public final class SlotAccessCopy {
    private static final byte[] CLASS_FILE = classFile();

    private SlotAccessCopy() {}

    /**
     * A hidden class with the methods of {@link SlotAccess}. It is unloaded when nobody refers to
     * it any more.
     *
     * @return what finds its methods
     */
    public static MethodHandles.Lookup create() {
        try {
            return MethodHandles.lookup().defineHiddenClass(CLASS_FILE, true);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException("a class cannot be defined beside this one", e);
        }
    }

    private static byte[] classFile() {
        String name = SlotAccess.class.getSimpleName() + ".class";
        try (InputStream file = SlotAccess.class.getResourceAsStream(name)) {
            return file.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
