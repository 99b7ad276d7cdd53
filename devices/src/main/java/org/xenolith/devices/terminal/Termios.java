package org.xenolith.devices.terminal;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Terminal settings: {@code struct termios}, glibc's {@code <bits/termios-struct.h>}, x86-64.
 *
 * @param bytes the struct as the C library wrote it
 */
record Termios(byte[] bytes) {
    static final int SIZE = 60;

    // Offsets of the fields used.
    private static final int C_IFLAG = 0;
    private static final int C_CFLAG = 8;
    private static final int C_LFLAG = 12;
    private static final int C_CC = 17;

    // <bits/termios-c_iflag.h>
    private static final int IGNBRK = 0x1;
    private static final int BRKINT = 0x2;
    private static final int PARMRK = 0x8;
    private static final int ISTRIP = 0x20;
    private static final int INLCR = 0x40;
    private static final int IGNCR = 0x80;
    private static final int ICRNL = 0x100;
    private static final int IXON = 0x400;

    // <bits/termios-c_cflag.h>
    private static final int CSIZE = 0x30;
    private static final int CS8 = 0x30;
    private static final int PARENB = 0x100;

    // <bits/termios-c_lflag.h>
    private static final int ISIG = 0x1;
    private static final int ICANON = 0x2;
    private static final int ECHO = 0x8;
    private static final int ECHONL = 0x40;
    private static final int IEXTEN = 0x8000;

    // <bits/termios-c_cc.h>
    private static final int VTIME = 5;
    private static final int VMIN = 6;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

    /**
     * These settings with every key passed on at once and unseen by the host, as cfmakeraw(3) does.
     * Output processing stays as it was: a guest that ends its lines with a bare line feed still
     * prints straight columns.
     */
    Termios raw() {
        byte[] copy = bytes.clone();
        MemorySegment termios = MemorySegment.ofArray(copy);
        int translations = IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON;
        clear(termios, C_IFLAG, translations);
        clear(termios, C_LFLAG, ISIG | ICANON | ECHO | ECHONL | IEXTEN);
        clear(termios, C_CFLAG, CSIZE | PARENB);
        termios.set(INT, C_CFLAG, termios.get(INT, C_CFLAG) | CS8);
        copy[C_CC + VMIN] = 1;
        copy[C_CC + VTIME] = 0;
        return new Termios(copy);
    }

    boolean echoes() {
        return (MemorySegment.ofArray(bytes).get(INT, C_LFLAG) & ECHO) != 0;
    }

    boolean turnsKeysIntoSignals() {
        return (MemorySegment.ofArray(bytes).get(INT, C_LFLAG) & ISIG) != 0;
    }

    private static void clear(MemorySegment termios, int offset, int flags) {
        termios.set(INT, offset, termios.get(INT, offset) & ~flags);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Termios(byte[] theirs) && Arrays.equals(bytes, theirs);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }
}
