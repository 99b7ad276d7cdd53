package org.xenolith.core.build;

import org.xenolith.core.abi.Hypercall;
import org.xenolith.cpu.mmu.Ram;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The page of stubs for kernels that call the hypervisor through one: stub n, of 32 bytes, makes
 * hypercall n. public/xen.h and the HYPERCALL_PAGE note, public/elfnote.h.
 */
final class HypercallPage {
    private static final int STUB_BYTES = 32;

    // SDM vol. 2: PUSH r64 (REX.B for r11), MOV r32 imm32, SYSCALL, POP, RET, INT3.
    private static final byte[] PUSH_RCX = {0x51};
    private static final byte[] PUSH_R11 = {0x41, 0x53};
    private static final byte[] PUSH_RAX = {0x50};
    private static final byte MOV_EAX = (byte) 0xb8;
    private static final byte[] SYSCALL = {0x0f, 0x05};
    private static final byte[] POP_R11 = {0x41, 0x5b};
    private static final byte[] POP_RCX = {0x59};
    private static final byte[] RET = {(byte) 0xc3};
    private static final byte INT3 = (byte) 0xcc;

    private HypercallPage() {}

    /** Content of the page. */
    static byte[] bytes() {
        byte[] page = new byte[Ram.PAGE_SIZE];
        Arrays.fill(page, INT3);
        ByteBuffer out = ByteBuffer.wrap(page).order(ByteOrder.LITTLE_ENDIAN);
        for (int number = 0; number < Ram.PAGE_SIZE / STUB_BYTES; number++) {
            out.position(number * STUB_BYTES);
            out.put(PUSH_RCX).put(PUSH_R11);
            if (number == Hypercall.IRET) {
                // It does not come back: the frame holds what rax was.
                out.put(PUSH_RAX).put(MOV_EAX).putInt(number).put(SYSCALL);
            } else {
                out.put(MOV_EAX).putInt(number).put(SYSCALL).put(POP_R11).put(POP_RCX).put(RET);
            }
        }
        return page;
    }
}
