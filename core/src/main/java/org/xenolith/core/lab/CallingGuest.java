package org.xenolith.core.lab;

import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.abi.XenErrno;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.hypercall.Hypercalls;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.mmu.Mmu;

/** A student's hypercall in the dispatcher of a real guest. */
final class CallingGuest implements Hypercalls.Extension {
    /** Words that a handler may touch in one call: four times what a correct one reads. */
    private static final int ACCESSES = 4 * HypercallHandler.MAX_COUNT;

    private final HypercallHandler handler;
    private volatile String complaint;

    CallingGuest(HypercallHandler handler) {
        this.handler = handler;
    }

    /** What is to be said about the handler beside what the guest found; null when nothing is. */
    String complaint() {
        return complaint;
    }

    @Override
    public long call(VirtualCpu vcpu, int number, long a1, long a2, long a3, long a4) {
        if (number != Hypercall.ARCH_7) {
            return -XenErrno.ENOSYS;
        }
        // The vCPU's thread waits meanwhile: nobody else touches the guest's memory.
        Memory memory = new Memory(vcpu.mmu());
        try {
            return StudentCall.within(StudentCall.PATIENCE, () -> handler.call(memory, a1, a2, a3));
        } catch (StudentCall.Endless e) {
            memory.revoke();
            complaint = e.getMessage();
        } catch (TooBusy e) {
            complaint =
                    "The guest asked for a sum of very many numbers, and got it. A guest that may"
                            + " choose the amount of work chooses how long the hypervisor is busy,"
                            + " for all other guests too.";
        } catch (BadAddress e) {
            complaint =
                    "A BadAddress left your method: the guest passed a pointer to nowhere, which is"
                            + " its right. In a hypervisor an exception that nobody expects is the"
                            + " end of all guests; answer -EFAULT.";
        } catch (Exception | Error e) {
            complaint =
                    new StudentClass.Threw(e, handler.getClass().getSimpleName() + ".java")
                            .getMessage();
        }
        vcpu.domain().destroy();
        return -XenErrno.EFAULT;
    }

    /** The handler does not end. */
    private static final class TooBusy extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    private static final class Memory implements GuestMemory {
        private final Mmu mmu;
        private int accesses;
        private volatile boolean revoked;

        Memory(Mmu mmu) {
            this.mmu = mmu;
        }

        void revoke() {
            revoked = true;
        }

        private void count() {
            if (revoked || ++accesses > ACCESSES) {
                throw new TooBusy();
            }
        }

        @Override
        public long read64(long vaddr) {
            count();
            try {
                return mmu.read64(vaddr);
            } catch (GuestFault fault) {
                throw new BadAddress(vaddr);
            }
        }

        @Override
        public void write64(long vaddr, long value) {
            count();
            try {
                mmu.checkWritable(vaddr);
                mmu.checkWritable(vaddr + Long.BYTES - 1);
                mmu.write64(vaddr, value);
            } catch (GuestFault fault) {
                throw new BadAddress(vaddr);
            }
        }
    }
}
