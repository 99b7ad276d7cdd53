// Wrong: does not think of negative counts.
// Told: negative
import org.xenolith.core.lab.BadAddress;
import org.xenolith.core.lab.GuestMemory;
import org.xenolith.core.lab.HypercallHandler;

public final class SumHypercall implements HypercallHandler {
    private static final int EFAULT = 14;
    private static final int E2BIG = 7;

    private static final int WORD = 8;

    @Override
    public long call(GuestMemory memory, long numbers, long count, long result) {
        if (count > MAX_COUNT) {
            return -E2BIG;
        }
        try {
            long sum = 0;
            for (long i = 0; i < count; i++) {
                sum += memory.read64(numbers + i * WORD);
            }
            memory.write64(result, sum);
            return count;
        } catch (BadAddress nowhere) {
            return -EFAULT;
        }
    }
}
