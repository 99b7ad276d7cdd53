/**
 * A domain's machine memory: host frames and their lifetime, the frame table with Xen's page types
 * and reference counts, and the hypercalls that change page tables and reservations. Implements the
 * memory part of public/xen.h and public/memory.h; depends on {@code org.xenolith.cpu.mmu} and the
 * ABI constants only.
 *
 * <pre>
 * hypercalls    MmuUpdate, UpdateVaMapping, MmuExtOps, DescriptorTables, MemoryOps
 * changes       EntryUpdates, EmulatedStores, GrantedMappings
 * types         PageTypes, TableValidation, EntryReferences, EntryRules, Descriptors
 * in pieces     PausableTables, TableWork, UnfinishedTables, KeptTables
 * frames        FrameTable, FrameInfo; MemoryReservation, XenFrames, GrantWindow, MfnRange,
 *               MachineToPhysical, SavedFrames
 * host frames   FramePool, HostPages
 * TLBs          TlbShootdown, VcpuTlbs; TableLinks says what a change makes stale
 * </pre>
 *
 * <p>Locking: {@link org.xenolith.core.mm.FrameTable#lock} of the domain guards all types, counts
 * and page-table changes, and is held for a limited number of tables at a time; inside it come
 * {@link org.xenolith.core.mm.VcpuTlbs} and then {@link org.xenolith.core.mm.FramePool}. Nobody
 * waits for another vCPU while holding any of them.
 */
package org.xenolith.core.mm;
