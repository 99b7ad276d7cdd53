package org.xenolith.cpu;

import org.xenolith.cpu.interp.HotCode;
import org.xenolith.cpu.interp.Translator;
import org.xenolith.cpu.interp.UnitLibrary;

import java.util.ArrayList;
import java.util.List;

/** Translates nothing, and remembers what it was asked for. */
public final class HotRequests implements Translator {
    public static final int THRESHOLD = 100;

    public final List<HotCode> codes = new ArrayList<>();
    private final UnitLibrary library = new UnitLibrary(0);
    private final int threshold;

    public HotRequests() {
        this(THRESHOLD);
    }

    public HotRequests(int threshold) {
        this.threshold = threshold;
    }

    @Override
    public int threshold(int drops, int age) {
        return threshold;
    }

    @Override
    public int window(int drops, int age) {
        return Integer.MAX_VALUE;
    }

    @Override
    public UnitLibrary library() {
        return library;
    }

    @Override
    public boolean request(HotCode code) {
        return codes.add(code);
    }
}
