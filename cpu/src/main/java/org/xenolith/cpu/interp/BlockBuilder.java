package org.xenolith.cpu.interp;

import java.util.Arrays;
import org.xenolith.cpu.decode.Decoder;
import org.xenolith.cpu.decode.Instruction;
import org.xenolith.cpu.decode.OpcodeRow;
import org.xenolith.cpu.mmu.Ram;

/** Decodes straight-line code into blocks. One per vCPU: it keeps its work space. */
final class BlockBuilder {
    private final Instruction[] instructions = new Instruction[Block.MAX_INSTRUCTIONS];
    private final int[] starts = new int[Block.MAX_INSTRUCTIONS];
    private final byte[] code = new byte[Block.MAX_INSTRUCTIONS * Decoder.MAX_LENGTH];

    BlockBuilder() {
        for (int i = 0; i < instructions.length; i++) {
            instructions[i] = new Instruction();
        }
    }

    /**
     * The block at an offset of a page.
     *
     * @return null when its first instruction does not end in the page
     */
    Block build(CodePage page, int offset) {
        int available = Math.min(code.length, Ram.PAGE_SIZE - offset);
        Ram.read(page.hostBase() + offset, code, 0, available);
        int count = 0;
        int at = 0;
        boolean ended = false;
        while (!ended && count < Block.MAX_INSTRUCTIONS) {
            Instruction in = instructions[count];
            int length = Decoder.decode(code, at, available - at, in);
            if (length == Decoder.NEED_MORE) {
                break;
            }
            if (length == Decoder.TOO_LONG) {
                in.row = null;
                in.length = Decoder.MAX_LENGTH + 1;
            }
            starts[count++] = offset + at;
            at += in.length;
            ended = endsBlock(in.row);
        }
        return count == 0 ? null : link(page, offset, count, at);
    }

    private Block link(CodePage page, int offset, int count, int length) {
        boolean[] dead = FlagLiveness.dead(instructions, count);
        Op first = null;
        Op last = null;
        for (int i = 0; i < count; i++) {
            Op op = OpFactory.bind(new Binding(instructions[i], page, starts[i], dead[i]));
            op.start = starts[i];
            op.end = starts[i] + instructions[i].length;
            op.position = i;
            op.placeInner();
            if (last == null) {
                first = op;
            } else {
                last.link(op);
            }
            last = op;
        }
        last.link(new Leave(last.end, count));
        int codeEnd = Math.min(offset + length, Ram.PAGE_SIZE);
        byte[] bytes = Arrays.copyOf(code, codeEnd - offset);
        return new Block(first, offset, codeEnd, count, bytes);
    }

    private static boolean endsBlock(OpcodeRow row) {
        return row == null || row.has(OpcodeRow.ENDS_BLOCK);
    }

    /** A block of the single instruction in {@code bytes}, which may end in the next page. */
    Block buildOne(CodePage page, int offset, byte[] bytes) {
        Instruction in = new Instruction();
        int length = Decoder.decode(bytes, 0, bytes.length, in);
        if (length < 0) {
            in.row = null;
            in.length = Decoder.MAX_LENGTH + 1;
        }
        Op op = OpFactory.bind(new Binding(in, page, offset, false));
        op.start = offset;
        op.end = offset + in.length;
        op.position = 0;
        op.placeInner();
        op.link(new Leave(op.end, 1));
        return new Block(op, offset, Ram.PAGE_SIZE, 1, new byte[0]);
    }
}
