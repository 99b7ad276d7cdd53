package org.xenolith.core.trace;

import org.xenolith.core.abi.Hypercall;

/**
 * Something that happened in a domain and can be watched. The one definition: each way to show
 * events reads these. Made only while somebody watches the topic.
 */
public sealed interface TraceEvent {
    TraceTopic topic();

    /** A hypercall has returned; {@code rip} is behind its instruction. */
    record Hypercalled(int number, long a1, long a2, long a3, long a4, long result, long rip)
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
