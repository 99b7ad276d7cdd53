package org.xenolith.core.trace;

import org.xenolith.core.domain.StillMemory;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.decode.CodeSize;
import org.xenolith.cpu.decode.Decoder;
import org.xenolith.cpu.decode.Disassembler;
import org.xenolith.cpu.decode.Instruction;

/** The instruction at a vCPU's RIP, disassembled. */
public final class InstructionText {
    private InstructionText() {}

    /**
     * What stands at RIP; says so when that cannot be read or is no instruction. Leaves nothing
     * behind, not even on the page after the instruction.
     */
    public static String at(VirtualCpu vcpu) {
        Cpu cpu = vcpu.cpu();
        StillMemory memory = new StillMemory(vcpu);
        long code = cpu.codeAddress();
        byte[] bytes = new byte[Decoder.MAX_LENGTH];
        int available = 0;
        int value = memory.read8(code);
        while (value >= 0 && available < bytes.length) {
            bytes[available++] = (byte) value;
            value = memory.read8(code + available);
        }
        if (available == 0) {
            return "(cannot be read)";
        }
        Instruction in = new Instruction();
        CodeSize size = cpu.runs32BitCode() ? CodeSize.CODE_32 : CodeSize.CODE_64;
        int length = Decoder.decode(size, bytes, 0, available, in);
        return length > 0 ? Disassembler.disassemble(in, cpu.rip) : "(bad)";
    }
}
