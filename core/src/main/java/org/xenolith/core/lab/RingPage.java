package org.xenolith.core.lab;

/**
 * A page that a guest shares with a backend. The guest may change it at any moment: what was read
 * twice may have been two different things.
 */
public interface RingPage {
    int getByte(int offset);

    int getInt(int offset);

    long getLong(int offset);

    void putByte(int offset, int value);

    void putShort(int offset, int value);

    void putInt(int offset, int value);

    void putLong(int offset, long value);
}
