/* A bytecode interpreter with one indirect jump for all opcodes. */
#include <stdint.h>

enum opcode { SET, ADD, SUB, XOR, SHIFT_LEFT, SHIFT_RIGHT, MULTIPLY, AND, OR, COPY, DECREMENT, STORE, LOAD, JUMP_IF, STOP };

struct instruction {
    uint8_t opcode, to, a, b;
    int32_t constant;
};

/* Runs rounds of a program that mixes a random number into 256 words; returns a digest of them. */
static uint32_t run_bytecode(uint32_t rounds)
{
    static uint32_t memory[256];
    const struct instruction program[] = {
        {SET, 0, 0, 0, (int32_t)rounds}, {SET, 1, 0, 0, 1}, {SET, 2, 0, 0, 0x1234567}, {SET, 7, 0, 0, 255},
        /* 4: */ {MULTIPLY, 2, 2, 0, 1664525}, {ADD, 2, 2, 1, 0}, {SHIFT_RIGHT, 4, 2, 0, 7}, {XOR, 3, 3, 4, 0},
        {AND, 5, 4, 7, 0}, {LOAD, 6, 5, 0, 0}, {ADD, 6, 6, 3, 0}, {STORE, 6, 5, 0, 0},
        {AND, 4, 2, 1, 0}, {JUMP_IF, 4, 0, 0, 16}, {SUB, 3, 3, 2, 0}, {SHIFT_LEFT, 3, 3, 0, 1},
        /* 16: */ {COPY, 4, 3, 0, 0}, {OR, 4, 4, 0, 3}, {ADD, 3, 3, 4, 0}, {DECREMENT, 0, 0, 0, 0},
        {JUMP_IF, 0, 0, 0, 4}, {STOP, 0, 0, 0, 0},
    };
    uint32_t r[8] = {0};
    uint32_t sum = 0;

    for (const struct instruction *i = program;; i++) {
        switch ((enum opcode)i->opcode) {
        case SET: r[i->to] = i->constant; break;
        case ADD: r[i->to] = r[i->a] + r[i->b]; break;
        case SUB: r[i->to] = r[i->a] - r[i->b]; break;
        case XOR: r[i->to] = r[i->a] ^ r[i->b]; break;
        case SHIFT_LEFT: r[i->to] = r[i->a] << i->constant; break;
        case SHIFT_RIGHT: r[i->to] = r[i->a] >> i->constant; break;
        case MULTIPLY: r[i->to] = r[i->a] * (uint32_t)i->constant; break;
        case AND: r[i->to] = r[i->a] & r[i->b]; break;
        case OR: r[i->to] = r[i->a] | (uint32_t)i->constant; break;
        case COPY: r[i->to] = r[i->a]; break;
        case DECREMENT: r[i->to]--; break;
        case STORE: memory[r[i->a] & 255] = r[i->to]; break;
        case LOAD: r[i->to] = memory[r[i->a] & 255]; break;
        case JUMP_IF:
            if (r[i->to])
                i = program + i->constant - 1;
            break;
        case STOP:
            for (int k = 0; k < 256; k++)
                sum = sum * 31 + memory[k];
            return sum + r[3];
        }
    }
}
