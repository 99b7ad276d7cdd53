package org.xenolith.cpu;

/**
 * An architectural exception raised while an instruction executes. It carries no stack trace: the
 * guest's state, which is that before the instruction, is what a handler needs.
 */
public final class GuestFault extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Error code bits of a page fault. SDM vol. 3A, 4.7. */
    public static final int PF_PRESENT = 1;

    public static final int PF_WRITE = 2;
    public static final int PF_USER = 4;
    public static final int PF_RESERVED = 8;
    public static final int PF_FETCH = 16;

    private final int vector;
    private final int errorCode;
    private final long address;

    private GuestFault(int vector, int errorCode, long address) {
        super(null, null, false, false);
        this.vector = vector;
        this.errorCode = errorCode;
        this.address = address;
    }

    /** A fault without error code, or with error code 0 where the vector pushes one. */
    public static GuestFault of(int vector) {
        return new GuestFault(vector, 0, 0);
    }

    /** A fault with a selector-style error code. SDM vol. 3A, 6.13. */
    public static GuestFault of(int vector, int errorCode) {
        return new GuestFault(vector, errorCode, 0);
    }

    /**
     * A page fault.
     *
     * @param vaddr linear address of the first byte that could not be accessed (CR2)
     * @param errorCode {@code PF_*} bits; the user bit is added by whoever delivers the fault
     */
    public static GuestFault pageFault(long vaddr, int errorCode) {
        return new GuestFault(Vector.PAGE_FAULT, errorCode, vaddr);
    }

    /**
     * A non-canonical access: #SS(0) when the address is formed with RSP or RBP as base, else
     * #GP(0); the interpreter, which knows the operand, turns one into the other. SDM vol. 1,
     * 3.3.7.1.
     */
    public static GuestFault nonCanonical(long vaddr) {
        return new GuestFault(Vector.GENERAL_PROTECTION, 0, vaddr);
    }

    public int vector() {
        return vector;
    }

    public int errorCode() {
        return errorCode;
    }

    /** CR2 of a page fault, the address of a non-canonical access, else 0. */
    public long address() {
        return address;
    }

    @Override
    public String getMessage() {
        return "vector %d error %#x address %#x".formatted(vector, errorCode, address);
    }
}
