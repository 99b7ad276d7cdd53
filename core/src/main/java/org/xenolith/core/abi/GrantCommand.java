package org.xenolith.core.abi;

/** Commands, records and status codes of {@code grant_table_op}. public/grant_table.h. */
public final class GrantCommand {
    public static final int MAP_GRANT_REF = 0;
    public static final int UNMAP_GRANT_REF = 1;
    public static final int SETUP_TABLE = 2;
    public static final int COPY = 5;
    public static final int QUERY_SIZE = 6;
    public static final int SET_VERSION = 8;
    public static final int GET_STATUS_FRAMES = 9;
    public static final int GET_VERSION = 10;
    public static final int CACHE_FLUSH = 12;

    /** The command is the low 12 bits; above them real Xen keeps where to go on. */
    public static final int CMD_MASK = 0xfff;

    public static final int GNTST_OKAY = 0;
    public static final int GNTST_GENERAL_ERROR = -1;
    public static final int GNTST_BAD_DOMAIN = -2;
    public static final int GNTST_BAD_GNTREF = -3;
    public static final int GNTST_BAD_HANDLE = -4;
    public static final int GNTST_BAD_VIRT_ADDR = -5;
    public static final int GNTST_PERMISSION_DENIED = -8;
    public static final int GNTST_BAD_PAGE = -9;
    public static final int GNTST_BAD_COPY_ARG = -10;
    public static final int GNTST_EAGAIN = -12;
    public static final int GNTST_NO_SPACE = -13;

    /** {@code struct gnttab_map_grant_ref}. */
    public static final class Map {
        public static final int SIZE = 32;
        public static final int HOST_ADDR = 0;
        public static final int FLAGS = 8;
        public static final int REF = 12;
        public static final int DOM = 16;
        public static final int STATUS = 18;
        public static final int HANDLE = 20;
        public static final int DEV_BUS_ADDR = 24;

        public static final int GNTMAP_DEVICE_MAP = 1;
        public static final int GNTMAP_HOST_MAP = 2;
        public static final int GNTMAP_READONLY = 4;
        public static final int GNTMAP_APPLICATION_MAP = 8;
        public static final int GNTMAP_CONTAINS_PTE = 16;

        private Map() {}
    }

    /** {@code struct gnttab_unmap_grant_ref}. */
    public static final class Unmap {
        public static final int SIZE = 24;
        public static final int HOST_ADDR = 0;
        public static final int DEV_BUS_ADDR = 8;
        public static final int HANDLE = 16;
        public static final int STATUS = 20;

        private Unmap() {}
    }

    /** {@code struct gnttab_setup_table}. */
    public static final class SetupTable {
        public static final int SIZE = 24;
        public static final int DOM = 0;
        public static final int NR_FRAMES = 4;
        public static final int STATUS = 8;
        public static final int FRAME_LIST = 16;

        private SetupTable() {}
    }

    /** {@code struct gnttab_copy}. */
    public static final class Copy {
        public static final int SIZE = 40;
        public static final int SOURCE = 0;
        public static final int DEST = 16;
        public static final int LEN = 32;
        public static final int FLAGS = 34;
        public static final int STATUS = 36;

        /** In a source or destination: a reference (u32) or a frame number (u64). */
        public static final int REF_OR_GMFN = 0;

        public static final int DOMID = 8;
        public static final int OFFSET = 10;

        public static final int SOURCE_GREF = 1;
        public static final int DEST_GREF = 2;

        private Copy() {}
    }

    /** {@code struct gnttab_query_size}. */
    public static final class QuerySize {
        public static final int SIZE = 16;
        public static final int DOM = 0;
        public static final int NR_FRAMES = 4;
        public static final int MAX_NR_FRAMES = 8;
        public static final int STATUS = 12;

        private QuerySize() {}
    }

    /** {@code struct gnttab_get_version}. */
    public static final class GetVersion {
        public static final int DOM = 0;
        public static final int VERSION = 4;

        private GetVersion() {}
    }

    private GrantCommand() {}
}
