package org.xenolith.core.machine;

import com.google.gson.JsonObject;

import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.control.ControlException;
import org.xenolith.cpu.mmu.Ram;

import java.io.IOException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Has a copy of a running guest begin. What can be known before is asked before: the guest stands
 * only for a copy that is made.
 *
 * <p>Thread-safe.
 */
final class ForkVerb {
    /** How long the guest's kernel may take to suspend itself; Linux gives up after 20 s. */
    private static final Duration PATIENCE = Duration.ofSeconds(40);

    private final Host host;
    private final CopyKeeper keeper;

    /** Names of those that are being made. */
    private final Set<String> beginning = ConcurrentHashMap.newKeySet();

    ForkVerb(Host host, CopyKeeper keeper) {
        this.host = host;
        this.keeper = keeper;
    }

    /** Returns the copy, which runs. */
    Guest perform(Guest guest, JsonObject arguments) throws ControlException {
        ForkRequest request = ForkRequest.parse(arguments);
        if (!beginning.add(request.name())) {
            throw taken(request.name());
        }
        try {
            if (host.guest(request.name()).isPresent()
                    || host.waiting(request.name()).isPresent()) {
                throw taken(request.name());
            }
            requireReady(guest);
            return fork(guest, CopyPlan.of(guest.configuration(), request));
        } catch (IOException e) {
            throw cannot(guest, FileSentence.of(e));
        } catch (BootFailed | IllegalArgumentException e) {
            throw cannot(guest, e.getMessage());
        } finally {
            beginning.remove(request.name());
        }
    }

    private static ControlException taken(String name) {
        return new ControlException("There is a guest that is called '%s'.".formatted(name));
    }

    private static ControlException cannot(Guest guest, String why) {
        return new ControlException("%s cannot be copied: %s.".formatted(guest.name(), why));
    }

    private void requireReady(Guest guest) {
        if (!guest.tree().saysItSuspends()) {
            throw new BootFailed(
                    "its kernel has not said that it suspends itself when asked"
                        + " (control/feature-suspend in xenstore); Linux says so when it boots");
        }
        long pages = guest.domain().frames().reservation().currentPages();
        if (host.pool().freeFrames() < pages) {
            throw new BootFailed(
                    "this process has room for %d MiB more, and the copy needs %d;"
                                    .formatted(
                                            mebibytes(host.pool().freeFrames()), mebibytes(pages))
                            + " XENOLITH_JAVA_OPTIONS=-Dxenolith.pool=BYTES makes more");
        }
    }

    private static long mebibytes(long pages) {
        return pages << Ram.PAGE_SHIFT >> 20;
    }

    private Guest fork(Guest guest, BootOptions options) throws IOException {
        try (ForkPoint point = guest.fork(PATIENCE)) {
            return keeper.begin(guest, options, console -> point.copy(options, console));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BootFailed("this process ends", e);
        }
    }
}
