/**
 * The soft MMU: host memory of all guests ({@link org.xenolith.cpu.mmu.Ram}), the per-vCPU TLB, the
 * four-level walk and checked loads and stores. An MFN becomes a host frame in one place only, the
 * {@link org.xenolith.cpu.mmu.MachineMemory} that the platform supplies. SDM vol. 3A, chapter 4.
 */
package org.xenolith.cpu.mmu;
