package org.xenolith.core.event;

/** Numbers of virtual interrupts. public/xen.h, {@code VIRQ_*}. */
public final class Virq {
    public static final int TIMER = 0;
    public static final int DEBUG = 1;
    public static final int CONSOLE = 2;
    public static final int XENOPROF = 7;
    public static final int XENPMU = 13;

    /** {@code NR_VIRQS}: numbers from 0 that a guest may bind, whether or not they have a name. */
    static final int COUNT = 24;

    private Virq() {}

    static boolean exists(int virq) {
        return virq >= 0 && virq < COUNT;
    }

    /** Whether each vCPU binds its own; the others are global, and bound on vCPU 0. */
    static boolean isPerVcpu(int virq) {
        return virq == TIMER || virq == DEBUG || virq == XENOPROF || virq == XENPMU;
    }

    /** Name as in public/xen.h, or the number. */
    public static String name(int virq) {
        return switch (virq) {
            case TIMER -> "VIRQ_TIMER";
            case DEBUG -> "VIRQ_DEBUG";
            case CONSOLE -> "VIRQ_CONSOLE";
            case XENOPROF -> "VIRQ_XENOPROF";
            case XENPMU -> "VIRQ_XENPMU";
            default -> Integer.toString(virq);
        };
    }
}
