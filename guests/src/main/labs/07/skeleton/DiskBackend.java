import org.xenolith.core.lab.BackendHost;
import org.xenolith.core.lab.Blkif;
import org.xenolith.core.lab.BlockBackend;
import org.xenolith.core.lab.RingPage;

/**
 * The half of a disk driver that lives outside the guest.
 *
 * <p>At each event: take all requests, do them, answer each in the slot where it was, publish the
 * answers, and notify the frontend if it wants to be.
 */
public final class DiskBackend implements BlockBackend {
    /** How many requests we have taken so far. */
    private int taken;

    @Override
    public void notified(RingPage ring, BackendHost host) {
        int published = ring.getInt(Blkif.REQ_PROD);
        // From taken to published there are requests.
    }
}
