package org.xenolith.core.trace;

import org.xenolith.core.abi.Hypercall;

/**
 * Something that happened in a domain and can be watched. The one definition: each way to show
 * events reads these. Made only while somebody watches the topic.
 */
public sealed interface TraceEvent {
    TraceTopic topic();

    /**
     * A hypercall has returned.
     *
     * @param argument what its pointer led to, in quadwords; empty when that is not shown
     * @param rip behind its instruction
     * @param caller what a hypercall stub returns to, if {@code rip} is in one; 0 when not known
     * @param nanos host time that it took; 0 in virtual time
     */
    record Hypercalled(
            int number,
            long a1,
            long a2,
            long a3,
            long a4,
            long[] argument,
            long result,
            long rip,
            long caller,
            long nanos)
            implements TraceEvent {
        @Override
        public TraceTopic topic() {
            return topicOf(number);
        }
    }

    /** The processor raised an exception, before anybody handled it. */
    record Faulted(int vector, int errorCode, long address, long rip, long rsp)
            implements TraceEvent {
        @Override
        public TraceTopic topic() {
            return TraceTopic.FAULT;
        }
    }

    /** An exception goes to the guest's kernel: a bounce frame stands on its stack. */
    record Bounced(int vector, long rip, long handler) implements TraceEvent {
        @Override
        public TraceTopic topic() {
            return TraceTopic.FAULT;
        }
    }

    /** INT n, INT3 or INT1 was executed; {@code rip} is behind it. */
    record Interrupted(int vector, long rip) implements TraceEvent {
        @Override
        public TraceTopic topic() {
            return TraceTopic.FAULT;
        }
    }

    /** The guest's event callback is about to run. */
    record Upcalled(long rip) implements TraceEvent {
        @Override
        public TraceTopic topic() {
            return TraceTopic.EVENT;
        }
    }

    /** A port became pending, bound to a vCPU. */
    record Delivered(int port, int vcpu, boolean masked) implements TraceEvent {
        @Override
        public TraceTopic topic() {
            return TraceTopic.EVENT;
        }
    }

    /** A grant of this domain began or ceased to be used, by another domain or a backend. */
    record GrantUsed(int ref, long mfn, boolean write, boolean begins) implements TraceEvent {
        @Override
        public TraceTopic topic() {
            return TraceTopic.GRANT;
        }
    }

    /**
     * Something was put into a ring of a device.
     *
     * @param byFrontend whether the guest did, or the backend
     * @param amount slots, or bytes where the ring is one of bytes
     */
    record RingPushed(String device, String ring, boolean byFrontend, int amount)
            implements TraceEvent {
        @Override
        public TraceTopic topic() {
            return TraceTopic.RING;
        }
    }

    /** A frame became a page table or descriptor page, or is none any more; {@code FrameType}. */
    record Retyped(long mfn, int from, int to) implements TraceEvent {
        @Override
        public TraceTopic topic() {
            return TraceTopic.PAGE;
        }
    }

    /** A vCPU was given a host thread. */
    record Scheduled() implements TraceEvent {
        @Override
        public TraceTopic topic() {
            return TraceTopic.SCHEDULE;
        }
    }

    /** A vCPU gave its host thread back. */
    record Descheduled(String state, long instructions) implements TraceEvent {
        @Override
        public TraceTopic topic() {
            return TraceTopic.SCHEDULE;
        }
    }

    /** An instruction is about to run. */
    record Executed(long rip, String text) implements TraceEvent {
        @Override
        public TraceTopic topic() {
            return TraceTopic.INSTRUCTION;
        }
    }

    /** A node of xenstore, or something below it, changed. */
    record StoreChanged(String path) implements TraceEvent {
        @Override
        public TraceTopic topic() {
            return TraceTopic.XENSTORE;
        }
    }

    /** The hypercall iret, which has no result; {@code rip} is behind its instruction. */
    static Hypercalled iret(long rip) {
        return new Hypercalled(Hypercall.IRET, 0, 0, 0, 0, new long[0], 0, rip, 0, 0);
    }

    /** The topic under which a hypercall is shown when not all hypercalls are. */
    static TraceTopic topicOf(int number) {
        return switch (number) {
            case Hypercall.MMU_UPDATE,
                    Hypercall.MMUEXT_OP,
                    Hypercall.UPDATE_VA_MAPPING,
                    Hypercall.SET_GDT,
                    Hypercall.UPDATE_DESCRIPTOR,
                    Hypercall.MEMORY_OP ->
                    TraceTopic.MMU;
            case Hypercall.GRANT_TABLE_OP -> TraceTopic.GRANT;
            case Hypercall.EVENT_CHANNEL_OP -> TraceTopic.EVENT;
            default -> TraceTopic.HYPERCALL;
        };
    }
}
