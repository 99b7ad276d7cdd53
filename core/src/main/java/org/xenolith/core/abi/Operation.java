package org.xenolith.core.abi;

import static org.xenolith.core.abi.Hypercall.CALLBACK_OP;
import static org.xenolith.core.abi.Hypercall.CONSOLE_IO;
import static org.xenolith.core.abi.Hypercall.EVENT_CHANNEL_OP;
import static org.xenolith.core.abi.Hypercall.GRANT_TABLE_OP;
import static org.xenolith.core.abi.Hypercall.MEMORY_OP;
import static org.xenolith.core.abi.Hypercall.MMUEXT_OP;
import static org.xenolith.core.abi.Hypercall.MMU_UPDATE;
import static org.xenolith.core.abi.Hypercall.PHYSDEV_OP;
import static org.xenolith.core.abi.Hypercall.SCHED_OP;
import static org.xenolith.core.abi.Hypercall.SET_SEGMENT_BASE;
import static org.xenolith.core.abi.Hypercall.VCPU_OP;
import static org.xenolith.core.abi.Hypercall.VM_ASSIST;
import static org.xenolith.core.abi.Hypercall.XEN_VERSION;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A sub-operation: one of the commands that a hypercall chooses among. What traces and references
 * know of it; the handlers have the numbers in their own switches, and a test compares the two.
 *
 * @param hypercall {@code __HYPERVISOR_*}
 * @param command its number there
 * @param name as in Xen's header
 * @param argument what its pointer leads to; {@link WireStruct#NONE} when that is not shown
 */
public record Operation(int hypercall, int command, String name, WireStruct argument) {
    private static final String RESERVATION =
            "extent_start@0:8 nr_extents@8:8 extent_order@16:4 domid@24:2";

    private static final List<Operation> ALL =
            List.of(
                    op(MMU_UPDATE, 0, "MMU_NORMAL_PT_UPDATE", "ptr@0:8 val@8:8"),
                    op(MMU_UPDATE, 1, "MMU_MACHPHYS_UPDATE", "ptr@0:8 val@8:8"),
                    op(MMU_UPDATE, 2, "MMU_PT_UPDATE_PRESERVE_AD", "ptr@0:8 val@8:8"),
                    op(MMU_UPDATE, 3, "MMU_PT_UPDATE_NO_TRANSLATE", "ptr@0:8 val@8:8"),
                    op(MEMORY_OP, 0, "XENMEM_increase_reservation", RESERVATION),
                    op(MEMORY_OP, 1, "XENMEM_decrease_reservation", RESERVATION),
                    op(MEMORY_OP, 2, "XENMEM_maximum_ram_page", ""),
                    op(MEMORY_OP, 3, "XENMEM_current_reservation", "domid@0:2"),
                    op(MEMORY_OP, 4, "XENMEM_maximum_reservation", "domid@0:2"),
                    op(MEMORY_OP, 6, "XENMEM_populate_physmap", RESERVATION),
                    op(MEMORY_OP, 9, "XENMEM_memory_map", "nr_entries@0:4 buffer@8:8"),
                    op(
                            MEMORY_OP,
                            12,
                            "XENMEM_machphys_mapping",
                            "v_start@0:8 v_end@8:8 max_mfn@16:8"),
                    op(XEN_VERSION, 0, "XENVER_version", ""),
                    op(XEN_VERSION, 1, "XENVER_extraversion", ""),
                    op(XEN_VERSION, 2, "XENVER_compile_info", ""),
                    op(XEN_VERSION, 3, "XENVER_capabilities", ""),
                    op(XEN_VERSION, 4, "XENVER_changeset", ""),
                    op(XEN_VERSION, 5, "XENVER_platform_parameters", "virt_start@0:8"),
                    op(XEN_VERSION, 6, "XENVER_get_features", "submap_idx@0:4 submap@4:4"),
                    op(XEN_VERSION, 7, "XENVER_pagesize", ""),
                    op(XEN_VERSION, 8, "XENVER_guest_handle", ""),
                    op(XEN_VERSION, 9, "XENVER_commandline", ""),
                    op(XEN_VERSION, 10, "XENVER_build_id", ""),
                    op(CONSOLE_IO, 0, "CONSOLEIO_write", ""),
                    op(CONSOLE_IO, 1, "CONSOLEIO_read", ""),
                    op(
                            GRANT_TABLE_OP,
                            0,
                            "GNTTABOP_map_grant_ref",
                            "host_addr@0:8 flags@8:4 ref@12:4 dom@16:2 status@18:2 handle@20:4"),
                    op(
                            GRANT_TABLE_OP,
                            1,
                            "GNTTABOP_unmap_grant_ref",
                            "host_addr@0:8 handle@16:4 status@20:2"),
                    op(
                            GRANT_TABLE_OP,
                            2,
                            "GNTTABOP_setup_table",
                            "dom@0:2 nr_frames@4:4 status@8:2 frame_list@16:8"),
                    op(
                            GRANT_TABLE_OP,
                            5,
                            "GNTTABOP_copy",
                            "source@0:8 source_dom@8:2 dest@16:8 dest_dom@24:2 len@32:2 flags@34:2"
                                    + " status@36:2"),
                    op(
                            GRANT_TABLE_OP,
                            6,
                            "GNTTABOP_query_size",
                            "dom@0:2 nr_frames@4:4 max_nr_frames@8:4 status@12:2"),
                    op(GRANT_TABLE_OP, 8, "GNTTABOP_set_version", "version@0:4"),
                    op(GRANT_TABLE_OP, 10, "GNTTABOP_get_version", "dom@0:2 version@4:4"),
                    op(GRANT_TABLE_OP, 12, "GNTTABOP_cache_flush", ""),
                    op(VM_ASSIST, 0, "VMASST_CMD_enable", ""),
                    op(VM_ASSIST, 1, "VMASST_CMD_disable", ""),
                    op(VCPU_OP, 0, "VCPUOP_initialise", ""),
                    op(VCPU_OP, 1, "VCPUOP_up", ""),
                    op(VCPU_OP, 2, "VCPUOP_down", ""),
                    op(VCPU_OP, 3, "VCPUOP_is_up", ""),
                    op(VCPU_OP, 4, "VCPUOP_get_runstate_info", ""),
                    op(VCPU_OP, 5, "VCPUOP_register_runstate_memory_area", "addr@0:8"),
                    op(VCPU_OP, 6, "VCPUOP_set_periodic_timer", "period_ns@0:8"),
                    op(VCPU_OP, 7, "VCPUOP_stop_periodic_timer", ""),
                    op(VCPU_OP, 8, "VCPUOP_set_singleshot_timer", "timeout_abs_ns@0:8"),
                    op(VCPU_OP, 9, "VCPUOP_stop_singleshot_timer", ""),
                    op(VCPU_OP, 10, "VCPUOP_register_vcpu_info", "mfn@0:8 offset@8:4"),
                    op(VCPU_OP, 11, "VCPUOP_send_nmi", ""),
                    op(VCPU_OP, 13, "VCPUOP_register_vcpu_time_memory_area", "addr@0:8"),
                    op(SET_SEGMENT_BASE, 0, "SEGBASE_FS", ""),
                    op(SET_SEGMENT_BASE, 1, "SEGBASE_GS_USER", ""),
                    op(SET_SEGMENT_BASE, 2, "SEGBASE_GS_KERNEL", ""),
                    op(SET_SEGMENT_BASE, 3, "SEGBASE_GS_USER_SEL", ""),
                    ext(0, "MMUEXT_PIN_L1_TABLE", "mfn@8:8"),
                    ext(1, "MMUEXT_PIN_L2_TABLE", "mfn@8:8"),
                    ext(2, "MMUEXT_PIN_L3_TABLE", "mfn@8:8"),
                    ext(3, "MMUEXT_PIN_L4_TABLE", "mfn@8:8"),
                    ext(4, "MMUEXT_UNPIN_TABLE", "mfn@8:8"),
                    ext(5, "MMUEXT_NEW_BASEPTR", "mfn@8:8"),
                    ext(6, "MMUEXT_TLB_FLUSH_LOCAL", ""),
                    ext(7, "MMUEXT_INVLPG_LOCAL", "linear_addr@8:8"),
                    ext(8, "MMUEXT_TLB_FLUSH_MULTI", "vcpumask@16:8"),
                    ext(9, "MMUEXT_INVLPG_MULTI", "linear_addr@8:8 vcpumask@16:8"),
                    ext(10, "MMUEXT_TLB_FLUSH_ALL", ""),
                    ext(11, "MMUEXT_INVLPG_ALL", "linear_addr@8:8"),
                    ext(12, "MMUEXT_FLUSH_CACHE", ""),
                    ext(13, "MMUEXT_SET_LDT", "linear_addr@8:8 nr_ents@16:4"),
                    ext(15, "MMUEXT_NEW_USER_BASEPTR", "mfn@8:8"),
                    ext(16, "MMUEXT_CLEAR_PAGE", "mfn@8:8"),
                    ext(17, "MMUEXT_COPY_PAGE", "mfn@8:8 src_mfn@16:8"),
                    ext(18, "MMUEXT_FLUSH_CACHE_GLOBAL", ""),
                    ext(19, "MMUEXT_MARK_SUPER", "mfn@8:8"),
                    ext(20, "MMUEXT_UNMARK_SUPER", "mfn@8:8"),
                    op(SCHED_OP, 0, "SCHEDOP_yield", ""),
                    op(SCHED_OP, 1, "SCHEDOP_block", ""),
                    op(SCHED_OP, 2, "SCHEDOP_shutdown", "reason@0:4"),
                    op(SCHED_OP, 3, "SCHEDOP_poll", "ports@0:8 nr_ports@8:4 timeout@16:8"),
                    op(SCHED_OP, 4, "SCHEDOP_remote_shutdown", "domain_id@0:2 reason@4:4"),
                    op(SCHED_OP, 5, "SCHEDOP_shutdown_code", "reason@0:4"),
                    op(CALLBACK_OP, 0, "CALLBACKOP_register", "type@0:2 flags@2:2 address@8:8"),
                    op(CALLBACK_OP, 1, "CALLBACKOP_unregister", "type@0:2"),
                    op(
                            EVENT_CHANNEL_OP,
                            0,
                            "EVTCHNOP_bind_interdomain",
                            "remote_dom@0:2 remote_port@4:4 local_port@8:4"),
                    op(EVENT_CHANNEL_OP, 1, "EVTCHNOP_bind_virq", "virq@0:4 vcpu@4:4 port@8:4"),
                    op(EVENT_CHANNEL_OP, 3, "EVTCHNOP_close", "port@0:4"),
                    op(EVENT_CHANNEL_OP, 4, "EVTCHNOP_send", "port@0:4"),
                    op(
                            EVENT_CHANNEL_OP,
                            5,
                            "EVTCHNOP_status",
                            "dom@0:2 port@4:4 status@8:4 vcpu@12:4"),
                    op(
                            EVENT_CHANNEL_OP,
                            6,
                            "EVTCHNOP_alloc_unbound",
                            "dom@0:2 remote_dom@2:2 port@4:4"),
                    op(EVENT_CHANNEL_OP, 7, "EVTCHNOP_bind_ipi", "vcpu@0:4 port@4:4"),
                    op(EVENT_CHANNEL_OP, 8, "EVTCHNOP_bind_vcpu", "port@0:4 vcpu@4:4"),
                    op(EVENT_CHANNEL_OP, 9, "EVTCHNOP_unmask", "port@0:4"),
                    op(EVENT_CHANNEL_OP, 10, "EVTCHNOP_reset", "dom@0:2"),
                    op(PHYSDEV_OP, 6, "PHYSDEVOP_set_iopl", "iopl@0:4"),
                    op(PHYSDEV_OP, 7, "PHYSDEVOP_set_iobitmap", ""));

    private static Operation op(int hypercall, int command, String name, String layout) {
        return new Operation(hypercall, command, name, WireStruct.of(layout));
    }

    private static Operation ext(int command, String name, String layout) {
        return op(MMUEXT_OP, command, name, layout);
    }

    private static final Operation[][] BY_NUMBER = byNumber();

    private static Operation[][] byNumber() {
        Operation[][] table = new Operation[Hypercall.COUNT][];
        for (Operation operation : ALL) {
            Operation[] row = table[operation.hypercall()];
            int length = operation.command() + 1;
            row =
                    row == null
                            ? new Operation[length]
                            : Arrays.copyOf(row, Math.max(row.length, length));
            row[operation.command()] = operation;
            table[operation.hypercall()] = row;
        }
        return table;
    }

    /** All that this hypervisor knows, by hypercall and number. */
    public static List<Operation> all() {
        return ALL;
    }

    /** Whether a hypercall chooses among commands. */
    public static boolean has(int hypercall) {
        return hypercall >= 0 && hypercall < BY_NUMBER.length && BY_NUMBER[hypercall] != null;
    }

    /** The command of a hypercall; empty when there is none of that number. */
    public static Optional<Operation> find(int hypercall, int command) {
        if (!has(hypercall)) {
            return Optional.empty();
        }
        Operation[] row = BY_NUMBER[hypercall];
        return command < 0 || command >= row.length
                ? Optional.empty()
                : Optional.ofNullable(row[command]);
    }
}
