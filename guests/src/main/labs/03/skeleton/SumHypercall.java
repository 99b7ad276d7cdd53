import org.xenolith.core.lab.GuestMemory;
import org.xenolith.core.lab.HypercallHandler;

/**
 * A hypercall that Xen does not have: the sum of some numbers in the guest's memory.
 *
 * <p>The guest passes the address of the first of {@code count} 64-bit numbers, and the address of
 * a 64-bit word for the result. The call returns how many numbers were summed, or a negative error
 * number:
 *
 * <ul>
 *   <li>-7 (E2BIG) when there are more than MAX_COUNT, or when {@code count} is negative;
 *   <li>-14 (EFAULT) when one of the addresses is nowhere, or may not be written.
 * </ul>
 *
 * In case of an error nothing is written. Whatever the guest passes, no exception leaves this
 * class.
 */
public final class SumHypercall implements HypercallHandler {
    @Override
    public long call(GuestMemory memory, long numbers, long count, long result) {
        return -38; // ENOSYS: there is no such hypercall
    }
}
