package org.xenolith.core.abi;

/** Commands and records of {@code memory_op}. public/memory.h, {@code XENMEM_*}. */
public final class MemoryCommand {
    public static final int INCREASE_RESERVATION = 0;
    public static final int DECREASE_RESERVATION = 1;
    public static final int MAXIMUM_RAM_PAGE = 2;
    public static final int CURRENT_RESERVATION = 3;
    public static final int MAXIMUM_RESERVATION = 4;
    public static final int MACHPHYS_MFN_LIST = 5;
    public static final int POPULATE_PHYSMAP = 6;
    public static final int MEMORY_MAP = 9;
    public static final int EXCHANGE = 11;
    public static final int MACHPHYS_MAPPING = 12;

    /** The command is the low 6 bits; above them real Xen keeps where to go on. */
    public static final int CMD_MASK = 0x3f;

    /** {@code struct xen_memory_reservation}. */
    public static final class Reservation {
        public static final int SIZE = 32;
        public static final int EXTENT_START = 0;
        public static final int NR_EXTENTS = 8;
        public static final int EXTENT_ORDER = 16;
        public static final int MEM_FLAGS = 20;
        public static final int DOMID = 24;

        private Reservation() {}
    }

    /** {@code struct xen_memory_exchange}: two reservations and a count. */
    public static final class Exchange {
        public static final int SIZE = 72;
        public static final int IN = 0;
        public static final int OUT = 32;
        public static final int NR_EXCHANGED = 64;

        private Exchange() {}
    }

    /** {@code struct xen_memory_map}. */
    public static final class MemoryMap {
        public static final int NR_ENTRIES = 0;
        public static final int BUFFER = 8;

        /** {@code struct e820entry}, packed. */
        public static final int E820_SIZE = 20;

        public static final int E820_RAM = 1;

        private MemoryMap() {}
    }

    /** {@code struct xen_machphys_mapping}. */
    public static final class MachphysMapping {
        public static final int SIZE = 24;
        public static final int V_START = 0;
        public static final int V_END = 8;
        public static final int MAX_MFN = 16;

        private MachphysMapping() {}
    }

    /** {@code struct xen_machphys_mfn_list}. */
    public static final class MachphysMfnList {
        public static final int MAX_EXTENTS = 0;
        public static final int EXTENT_START = 8;
        public static final int NR_EXTENTS = 16;

        private MachphysMfnList() {}
    }

    private MemoryCommand() {}
}
