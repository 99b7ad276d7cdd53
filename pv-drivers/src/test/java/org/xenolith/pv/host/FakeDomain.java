package org.xenolith.pv.host;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import java.util.function.IntConsumer;

/**
 * A frontend's domain in a test: pages that it grants, ports that it offers, and a queue of what
 * was posted, run by {@link #run} on the thread of the test.
 */
public final class FakeDomain implements FrontendDomain {
    /** A page of the guest and how many use its grant now. */
    public static final class Page {
        public final MemorySegment memory = Arena.ofAuto().allocate(GrantedFrame.SIZE, 8);
        public final boolean readOnly;
        public int users;

        private Page(boolean readOnly) {
            this.readOnly = readOnly;
        }
    }

    private final class Port implements EventPort {
        private final int number;
        private final Runnable onEvent;

        Port(int number, Runnable onEvent) {
            this.number = number;
            this.onEvent = onEvent;
        }

        @Override
        public void notifyFrontend() {
            if (bound.get(number) == this) {
                notifications.merge(number, 1, Integer::sum);
            }
        }

        @Override
        public void close() {
            if (bound.remove(number, this)) {
                offered.put(number, true);
            }
        }
    }

    private final Map<Integer, Page> pages = new HashMap<>();
    private final Map<Integer, Boolean> offered = new HashMap<>();
    private final Map<Integer, Port> bound = new HashMap<>();
    private final Map<Integer, Integer> notifications = new HashMap<>();
    private final Queue<Runnable> posted = new ArrayDeque<>();
    private int grants;

    /** What another vCPU does just when the backend asks for a grant. */
    public IntConsumer onGrant = ref -> {};

    @Override
    public int id() {
        return 1;
    }

    // ---- the guest's side

    /** Grants a new page under a reference. */
    public Page grantNew(int ref) {
        Page page = new Page(false);
        pages.put(ref, page);
        return page;
    }

    public Page grantReadOnly(int ref) {
        Page page = new Page(true);
        pages.put(ref, page);
        return page;
    }

    public void revoke(int ref) {
        pages.remove(ref);
    }

    public void offerPort(int port) {
        offered.put(port, true);
    }

    /** The guest notifies the backend. */
    public void send(int port) {
        Port end = bound.get(port);
        if (end != null) {
            end.onEvent.run();
        }
        run();
    }

    public boolean isBound(int port) {
        return bound.containsKey(port);
    }

    /** Times that the backend has notified a port. */
    public int notifications(int port) {
        return notifications.getOrDefault(port, 0);
    }

    /** Uses of grants that have not ended. */
    public int usesUnderWay() {
        return pages.values().stream().mapToInt(page -> page.users).sum();
    }

    /** Uses of grants that were begun so far. */
    public int usesBegun() {
        return grants;
    }

    /** How much of what was posted waits to be run. */
    public int posted() {
        synchronized (posted) {
            return posted.size();
        }
    }

    /** Runs what was posted, and what that posts. */
    public void run() {
        Runnable work;
        while ((work = next()) != null) {
            work.run();
        }
    }

    private Runnable next() {
        synchronized (posted) {
            return posted.poll();
        }
    }

    // ---- the backend's side

    @Override
    public GrantedFrame grant(int ref, boolean writable) {
        onGrant.accept(ref);
        Page page = pages.get(ref);
        if (page == null || writable && page.readOnly) {
            return null;
        }
        page.users++;
        grants++;
        return new GrantedFrame() {
            private boolean open = true;

            @Override
            public MemorySegment memory() {
                if (!open) {
                    throw new IllegalStateException("grant " + ref + " used after its end");
                }
                return writable ? page.memory : page.memory.asReadOnly();
            }

            @Override
            public void close() {
                if (open) {
                    open = false;
                    page.users--;
                }
            }
        };
    }

    @Override
    public EventPort bind(int port, Runnable onEvent) {
        if (offered.remove(port) == null) {
            return null;
        }
        Port end = new Port(port, onEvent);
        bound.put(port, end);
        return end;
    }

    @Override
    public void post(Runnable work) {
        synchronized (posted) {
            posted.add(work);
        }
    }
}
