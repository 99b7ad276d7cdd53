package org.xenolith.core.mm;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Notes what must be dropped, in words, and looks at the domain at that very moment. */
final class RecordedShootdown implements TlbShootdown {
    final List<String> drops = new ArrayList<>();

    /** Called with each drop before anything else happens. */
    Consumer<String> atDrop = drop -> {};

    /** Whether siblings have caught up. */
    boolean settled = true;

    private void dropped(String drop) {
        drops.add(drop);
        atDrop.accept(drop);
    }

    @Override
    public void dropPage(long vaddr) {
        dropped("page %#x".formatted(vaddr));
    }

    @Override
    public void flushAll() {
        dropped("all");
    }

    @Override
    public void dropRoot(long l4Mfn) {
        dropped("root %#x".formatted(l4Mfn));
    }

    @Override
    public void dropTable(long l3Mfn) {
        dropped("table %#x".formatted(l3Mfn));
    }

    @Override
    public void dropWrites(long hostBase) {
        dropped("writes %#x".formatted(hostBase));
    }

    @Override
    public void dropFrame(long hostBase) {
        dropped("frame %#x".formatted(hostBase));
    }

    @Override
    public long stamp() {
        return 0;
    }

    @Override
    public boolean isSettled(long stamp) {
        return settled;
    }

    @Override
    public void awaitSettled(long stamp) {
        throw new AssertionError("waited with the lock held");
    }

    @Override
    public void flushLocal() {
        throw new AssertionError("a flush that no guest asked for");
    }

    @Override
    public void flush(long vcpus) {
        throw new AssertionError("a flush that no guest asked for");
    }

    @Override
    public void stopSiblings() {
        throw new AssertionError("siblings stopped with the lock held");
    }

    @Override
    public void letSiblingsGo() {}
}
