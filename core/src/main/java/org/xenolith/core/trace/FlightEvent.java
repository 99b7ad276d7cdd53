package org.xenolith.core.trace;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/** Trace events as the Flight Recorder keeps them: a type for hypercalls, and one for all else. */
@Category({"Xenolith"})
@StackTrace(false)
abstract class FlightEvent extends Event {
    @Label("Domain")
    int domain;

    @Label("vCPU")
    @Description("-1 for what the host does")
    int vcpu;

    @Label("Kernel Mode")
    boolean kernel;

    @Label("Guest Time")
    @Timespan(Timespan.NANOSECONDS)
    @Description("System time of the domain")
    long guestTime;

    @Label("Guest Function")
    String function;

    /** A hypercall has returned. */
    @Name("org.xenolith.Hypercall")
    @Label("Hypercall")
    static final class OfHypercall extends FlightEvent {
        @Label("Hypercall")
        String hypercall;

        @Label("Operation")
        String operation;

        @Label("Result")
        String result;

        @Label("Cost")
        @Timespan(Timespan.NANOSECONDS)
        long cost;
    }

    /** Anything else has happened. */
    @Name("org.xenolith.Event")
    @Label("Event")
    static final class OfOther extends FlightEvent {
        @Label("Topic")
        String topic;

        @Label("Text")
        String text;
    }
}
