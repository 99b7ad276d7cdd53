// Wrong: takes 2^31 for its own opposite, which it is, and lets it pass.
// Told: 2^31 ahead of what you had taken
import org.xenolith.core.lab.BackendHost;
import org.xenolith.core.lab.Blkif;
import org.xenolith.core.lab.BlockBackend;
import org.xenolith.core.lab.RingPage;

public final class DiskBackend implements BlockBackend {
    private int taken;

    /** A segment, copied. */
    private record Segment(int gref, int first, int last) {
        boolean isInPage() {
            return first <= last && last < Blkif.SECTORS_PER_PAGE;
        }

        int sectors() {
            return last - first + 1;
        }
    }

    @Override
    public void notified(RingPage ring, BackendHost host) {
        int before = taken;
        do {
            int published = ring.getInt(Blkif.REQ_PROD);
            int waiting = published - taken;
            if (waiting == -1 || waiting > Blkif.RING_SIZE) {
                host.close("the producer is " + waiting + " ahead");
                return;
            }
            while (taken != published) {
                serve(ring, host);
                taken++;
            }
            ring.putInt(Blkif.RSP_PROD, taken);
            ring.putInt(Blkif.REQ_EVENT, taken + 1);
        } while (ring.getInt(Blkif.REQ_PROD) != taken);

        int wanted = ring.getInt(Blkif.RSP_EVENT);
        if (taken - wanted >= 0 && wanted - before > 0) {
            host.notifyFrontend();
        }
    }

    private void serve(RingPage ring, BackendHost host) {
        int slot =
                Blkif.SLOTS + Integer.remainderUnsigned(taken, Blkif.RING_SIZE) * Blkif.SLOT_SIZE;
        int operation = ring.getByte(slot + Blkif.OPERATION);
        int count = ring.getByte(slot + Blkif.NR_SEGMENTS);
        long id = ring.getLong(slot + Blkif.ID);
        int status = status(ring, host, slot, operation, count);
        ring.putLong(slot + Blkif.RSP_ID, id);
        ring.putByte(slot + Blkif.RSP_OPERATION, operation);
        ring.putShort(slot + Blkif.RSP_STATUS, status);
    }

    private static int status(RingPage ring, BackendHost host, int slot, int operation, int count) {
        if (operation != Blkif.READ && operation != Blkif.WRITE) {
            return Blkif.EOPNOTSUPP;
        }
        if (count > Blkif.MAX_SEGMENTS) {
            return Blkif.ERROR;
        }
        long sector = ring.getLong(slot + Blkif.SECTOR_NUMBER);
        for (int i = 0; i < count; i++) {
            int at = slot + Blkif.SEGMENTS + i * Blkif.SEGMENT_SIZE;
            Segment segment =
                    new Segment(
                            ring.getInt(at + Blkif.GREF),
                            ring.getByte(at + Blkif.FIRST_SECTOR),
                            ring.getByte(at + Blkif.LAST_SECTOR));
            if (!segment.isInPage()
                    || sector < 0
                    || sector > host.sectors() - segment.sectors()
                    || !host.transfer(
                            operation == Blkif.WRITE,
                            sector,
                            segment.gref,
                            segment.first,
                            segment.last)) {
                return Blkif.ERROR;
            }
            sector += segment.sectors();
        }
        return Blkif.OKAY;
    }
}
