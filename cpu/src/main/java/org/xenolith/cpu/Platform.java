package org.xenolith.cpu;

/**
 * What a vCPU asks of the machine around it: everything that is not computation on registers and
 * memory. Methods run on the thread of the calling vCPU, see the state before the instruction, and
 * may throw {@link GuestFault}.
 */
public interface Platform {
    /**
     * Executes CPUID: reads EAX and ECX, writes EAX, EBX, ECX, EDX zero-extended. SDM vol. 2,
     * CPUID.
     */
    void cpuid(Cpu cpu);

    /** Time-stamp counter at this instant. */
    long timeStampCounter(Cpu cpu);

    /** Model-specific register {@code index}, for RDMSR. */
    long readMsr(Cpu cpu, int index);

    void writeMsr(Cpu cpu, int index, long value);

    /**
     * Control register for MOV from CRn.
     *
     * @param number 0, 2, 3, 4 or 8
     */
    long readControl(Cpu cpu, int number);

    void writeControl(Cpu cpu, int number, long value);

    long readDebug(Cpu cpu, int number);

    void writeDebug(Cpu cpu, int number, long value);

    /**
     * Checks that an I/O port may be used, for instructions that touch memory, too: the port comes
     * first. SDM vol. 1, 19.5.
     *
     * @param size 1, 2 or 4 bytes
     * @throws GuestFault #GP when it may not
     */
    void requirePort(Cpu cpu, int port, int size);

    /**
     * Reads an I/O port, if it may be used.
     *
     * @param size 1, 2 or 4 bytes
     * @return zero-extended value
     */
    int portIn(Cpu cpu, int port, int size);

    void portOut(Cpu cpu, int port, int size, int value);

    /**
     * CLI or STI. The processor keeps no interrupt flag of its own.
     *
     * @param enabled whether it was STI
     */
    void setInterrupts(Cpu cpu, boolean enabled);

    /** WBINVD: everything in the caches is to be in memory. */
    void flushCaches(Cpu cpu);

    /**
     * The descriptor that a selector names in the guest's GDT or LDT, for LAR, LSL, VERR, VERW and
     * segment loads.
     *
     * @return the 8 bytes, or 0 when the selector is null, out of range or not present in any table
     */
    long descriptor(Cpu cpu, int selector);

    /** PAUSE was executed: the guest may be waiting for another vCPU. */
    void pause(Cpu cpu);

    /** Hardware random number for RDRAND. */
    long random(Cpu cpu);
}
