package org.xenolith.pv.xenbus;

import org.xenolith.pv.host.FrontendDomain;
import org.xenolith.pv.host.Store;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * The backend of one device as the store sees it.
 *
 * <pre>
 *              offer               frontend 3 or 4            frontend 6, or gone
 *   (attach) ---------> InitWait ------------------> Connected ------------------> Closed --> end
 *                          ^                             |                            |  if !online
 *                          |                             | fault, detach              |
 *                          |        frontend 1           v                            |
 *                          +----------------------- Closing ------- frontend 6 -------+
 *                          +----------------------- Closed  <-------------------------+
 * </pre>
 *
 * The frontend's state is a hint that may be stale, jump, or be a lie: each look at it is judged
 * against our own state alone. Whatever a frontend does, this device closes at worst. All looks
 * happen on threads that may touch the domain's memory, since connecting does.
 */
public final class XenbusBackend {
    private static final int EINVAL = 22;
    private static final int MAX_REASON = 200;

    private final XenbusDevice device;
    private final FrontendDomain domain;
    private final Store store;
    private final BackendDriver driver;
    private final LogLimit log;
    private final AtomicBoolean lookIsDue = new AtomicBoolean();
    private final CompletableFuture<Void> ended = new CompletableFuture<>();

    // Guarded by this object.
    private XenbusState state = XenbusState.INITIALISING;
    private boolean online = true;
    private Store.Watch watch;

    /** Null while there is none; it stays until it is released. */
    private BackendConnection connection;

    private boolean disconnecting;

    /** Set while the device {@linkplain #standBy stands by}; completes when nothing is in use. */
    private CompletableFuture<Void> standing;

    /** The frontend is connected and will not say so again: the next look connects to it. */
    private boolean reconnects;

    private XenbusBackend(
            XenbusDevice device,
            FrontendDomain domain,
            Store store,
            BackendDriver driver,
            LogLimit log) {
        this.device = device;
        this.domain = domain;
        this.store = store;
        this.driver = driver;
        this.log = log;
    }

    /**
     * Serves a device whose two directories the toolstack has made.
     *
     * @param log takes lines about this device, not more than a few
     */
    public static XenbusBackend attach(
            XenbusDevice device,
            FrontendDomain domain,
            Store store,
            BackendDriver driver,
            Consumer<String> log) {
        return attach(device, domain, store, driver, log, System::nanoTime);
    }

    static XenbusBackend attach(
            XenbusDevice device,
            FrontendDomain domain,
            Store store,
            BackendDriver driver,
            Consumer<String> log,
            LongSupplier nanoTime) {
        XenbusBackend backend =
                new XenbusBackend(device, domain, store, driver, new LogLimit(log, nanoTime));
        synchronized (backend) {
            backend.offer();
            backend.watch = store.watch(device.frontend() + "/state", backend::lookSoon);
        }
        return backend;
    }

    /**
     * Serves a device of a restored domain, whose directories in the store say how far it was when
     * the domain was saved.
     *
     * @param log as for {@link #attach}
     */
    public static XenbusBackend goOn(
            XenbusDevice device,
            FrontendDomain domain,
            Store store,
            BackendDriver driver,
            Consumer<String> log) {
        LogLimit limited = new LogLimit(log, System::nanoTime);
        XenbusBackend backend = new XenbusBackend(device, domain, store, driver, limited);
        synchronized (backend) {
            backend.state = XenbusState.parse(store.read(device.backend() + "/state"));
            backend.reconnects = backend.state == XenbusState.CONNECTED;
            backend.watch = store.watch(device.frontend() + "/state", backend::lookSoon);
        }
        return backend;
    }

    public XenbusDevice device() {
        return device;
    }

    /**
     * Completes when the device is gone for good and nothing uses what is behind it any more.
     * Dependents run on a guest's thread unless they are asynchronous.
     */
    public CompletableFuture<Void> ended() {
        return ended;
    }

    public synchronized XenbusState state() {
        return state;
    }

    /**
     * Asks the frontend to let go of the device, as {@code xl block-detach} does. A disk that is
     * mounted stays until it is not.
     *
     * @return {@link #ended}
     */
    public CompletableFuture<Void> detach() {
        synchronized (this) {
            if (online && !ended.isDone()) {
                online = false;
                store.write(device.backend() + "/online", "0");
                if (state != XenbusState.CLOSED) {
                    setState(XenbusState.CLOSING);
                }
            }
        }
        lookSoon();
        return ended;
    }

    /**
     * Whether the device can {@linkplain #standBy stand by}: it is not on its way to the end, with
     * the frontend still at work.
     */
    public synchronized boolean isSteady() {
        return connection == null ? online : state == XenbusState.CONNECTED && !disconnecting;
    }

    /**
     * Lets go of the domain without a word to the frontend, so that the domain can be saved:
     * requests under way are answered, what comes later waits in the rings. Until {@link #resume},
     * or {@link #goOn} in another process, nothing is looked at.
     *
     * @return completes, in work that is posted to the domain, when nothing of it is in use
     */
    public synchronized CompletableFuture<Void> standBy() {
        if (standing == null) {
            standing = new CompletableFuture<>();
            if (connection == null) {
                standing.complete(null);
            } else if (!disconnecting) {
                disconnecting = true;
                reconnects = true;
                connection.handOver(() -> released(() -> {}));
            }
        }
        return standing;
    }

    /** Goes on with the frontend after {@link #standBy}. */
    public void resume() {
        synchronized (this) {
            standing = null;
        }
        lookSoon();
    }

    /**
     * Ends the device of a domain that has ended and whose vCPUs run no more: its memory is not
     * touched again.
     *
     * @return {@link #ended}
     */
    public synchronized CompletableFuture<Void> abandon() {
        online = false;
        if (connection == null) {
            finish();
        } else {
            connection.abandon(() -> ended.complete(null));
            watch.close();
        }
        return ended;
    }

    // ---- looking at the frontend

    private void lookSoon() {
        if (!lookIsDue.getAndSet(true)) {
            domain.post(this::look);
        }
    }

    private void look() {
        lookIsDue.set(false);
        synchronized (this) {
            step();
        }
    }

    private void step() {
        if (disconnecting || standing != null || ended.isDone()) {
            return;
        }
        if (reconnects) {
            reconnects = false;
            connect();
        }
        XenbusState frontend = XenbusState.parse(store.read(device.frontend() + "/state"));
        switch (frontend) {
            case INITIALISING -> restart();
            case INITIALISED, CONNECTED -> {
                if (state == XenbusState.INIT_WAIT) {
                    connect();
                }
            }
            // A block frontend says so and goes on while its disk is in use.
            case CLOSING -> {
                if (state != XenbusState.CLOSED) {
                    setState(XenbusState.CLOSING);
                }
            }
            case CLOSED -> disconnectThen(this::closed);
            case UNKNOWN -> disconnectThen(this::finish);
            case INIT_WAIT, RECONFIGURING, RECONFIGURED -> {
                if (state != XenbusState.CLOSING) {
                    fatal("the frontend is in state " + frontend.ordinal());
                }
            }
        }
    }

    /** The frontend starts, for the first time or again. */
    private void restart() {
        if (!online) {
            disconnectThen(this::finish);
        } else if (state != XenbusState.INIT_WAIT) {
            disconnectThen(this::offer);
        }
    }

    private void offer() {
        Map<String, String> keys = new LinkedHashMap<>();
        driver.offer().forEach((key, value) -> keys.put(device.backend() + "/" + key, value));
        keys.put(device.backend() + "/hotplug-status", "connected");
        store.write(keys);
        setState(XenbusState.INIT_WAIT);
    }

    private void closed() {
        if (online) {
            setState(XenbusState.CLOSED);
        } else {
            finish();
        }
    }

    private void finish() {
        setState(XenbusState.CLOSED);
        watch.close();
        ended.complete(null);
    }

    private void setState(XenbusState next) {
        if (state != next) {
            state = next;
            store.write(device.backend() + "/state", next.text());
        }
    }

    // ---- connecting

    private void connect() {
        ConnectionReports reports = new ConnectionReports();
        try {
            connection =
                    driver.connect(
                            new ConnectRequest(
                                    device,
                                    domain,
                                    new FrontendKeys(store, device.frontend()),
                                    reports));
        } catch (FrontendRefused refused) {
            fatal(refused.getMessage());
            return;
        }
        reports.of = connection;
        Map<String, String> keys = new LinkedHashMap<>();
        connection.properties().forEach((k, v) -> keys.put(device.backend() + "/" + k, v));
        store.write(keys);
        connection.start();
        setState(XenbusState.CONNECTED);
    }

    private void disconnectThen(Runnable next) {
        if (connection == null) {
            next.run();
            return;
        }
        disconnecting = true;
        connection.disconnect(() -> released(next));
    }

    private synchronized void released(Runnable next) {
        connection = null;
        disconnecting = false;
        next.run();
        if (standing != null) {
            standing.complete(null);
        }
        // What the frontend did meanwhile was not looked at.
        step();
    }

    /** The frontend broke the rules: says so where Xen's tools look, and closes. */
    private void fatal(String why) {
        String reason = why.length() > MAX_REASON ? why.substring(0, MAX_REASON) : why;
        log.say(device + ": " + reason + "; the device closes");
        store.write(device.error(), EINVAL + " " + reason);
        setState(XenbusState.CLOSING);
    }

    private synchronized void failed(BackendConnection broken, String why) {
        if (connection == broken && !disconnecting && !ended.isDone()) {
            fatal(why);
            disconnectThen(() -> {});
        }
    }

    private final class ConnectionReports implements ConnectRequest.Reports {
        /** Whose reports these are; set before the connection starts, hence before it can fail. */
        private volatile BackendConnection of;

        @Override
        public void fail(String why) {
            // The caller holds locks of its own.
            domain.post(() -> failed(of, why));
        }

        @Override
        public void say(String line) {
            log.say(device + ": " + line);
        }
    }
}
