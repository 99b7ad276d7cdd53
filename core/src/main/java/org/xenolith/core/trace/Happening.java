package org.xenolith.core.trace;

import org.xenolith.core.image.Symbols;

/**
 * A trace event with its place and time.
 *
 * @param nanos the domain's system time
 * @param vcpu on which it happened, {@link #OUTSIDE} for none
 * @param kernel whether the guest's kernel was running there
 * @param symbols of the guest's kernel
 */
public record Happening(
        long nanos, int domId, int vcpu, boolean kernel, Symbols symbols, TraceEvent event) {
    /** On no vCPU: the host did it. */
    public static final int OUTSIDE = -1;

    /** The function of the guest's kernel that caused it, {@code name+0x12}; empty for none. */
    public String function() {
        return switch (event) {
            case TraceEvent.Hypercalled call -> issuer(call);
            case TraceEvent.Faulted fault -> symbols.at(fault.rip());
            case TraceEvent.Bounced bounced -> symbols.at(bounced.rip());
            case TraceEvent.Interrupted trap -> symbols.at(trap.rip());
            case TraceEvent.Upcalled upcall -> symbols.at(upcall.rip());
            case TraceEvent.Delivered _,
                    TraceEvent.GrantUsed _,
                    TraceEvent.RingPushed _,
                    TraceEvent.Retyped _,
                    TraceEvent.Scheduled _,
                    TraceEvent.Descheduled _,
                    TraceEvent.Executed _,
                    TraceEvent.StoreChanged _ ->
                    "";
        };
    }

    /** Who called the stub, if a stub it was. */
    private String issuer(TraceEvent.Hypercalled call) {
        String at = symbols.at(call.rip());
        return Symbols.isHypercallStub(at) && call.caller() != 0 ? symbols.at(call.caller()) : at;
    }
}
