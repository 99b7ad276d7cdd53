package org.xenolith.cpu.decode;

/**
 * The first column of an opcode line, taken apart; its grammar stands at {@link OpcodeTable}.
 *
 * @param prefix {@link #ANY}, {@link #NONE}, {@link #P66}, {@link #F3} or {@link #F2}
 * @param rexW whether REX.W must be set
 * @param opcode index of the opcode: the map times 256, plus the last opcode byte
 * @param opcodes number of consecutive opcodes the line covers: 8 for {@code +r}, else 1
 * @param firstModRm lowest value of the part of ModRM that belongs to the opcode
 * @param lastModRm highest value of it
 * @param modRm which part that is
 */
record Encoding(
        int prefix,
        boolean rexW,
        int opcode,
        int opcodes,
        int firstModRm,
        int lastModRm,
        ModRmPart modRm) {
    /**
     * Values of {@link #prefix}; those from NONE on are also the selectors of {@link OpcodeIndex}.
     */
    static final int ANY = -1, NONE = 0, P66 = 1, F3 = 2, F2 = 3;

    /** Maps, shifted so that an opcode byte fits below. */
    static final int MAP_0F = 0x100, MAP_0F38 = 0x200, MAP_0F3A = 0x300;

    /** How much of ModRM selects the instruction. */
    enum ModRmPart {
        /** There is no ModRM byte. */
        ABSENT,
        /** None of it: {@code /r}. */
        OPERANDS_ONLY,
        /** ModRM.reg: {@code /0} to {@code /7}. */
        REG,
        /** The whole byte. */
        WHOLE
    }

    static Encoding parse(String text) {
        return new Parser(text).parse();
    }

    /** Lines of higher rank take their slots from lines of lower rank. */
    int rank() {
        int modRmRank = modRm.ordinal() * 16;
        int narrowness = firstModRm == lastModRm ? 8 : 0;
        return modRmRank
                + narrowness
                + (prefix == ANY ? 0 : 4)
                + (rexW ? 2 : 0)
                + (opcodes == 1 ? 1 : 0);
    }

    private static final class Parser {
        private final String[] words;
        private int next;

        Parser(String text) {
            words = text.split(" ");
        }

        Encoding parse() {
            int prefix = prefix();
            boolean rexW = accept("REX.W");
            int map = map();
            String opcodeWord = words[next++];
            int opcode = map | hexByte(opcodeWord);
            int opcodes = opcodeWord.endsWith("+r") ? 8 : 1;
            String word = next < words.length ? words[next] : "";
            if (word.equals("/r")) {
                return new Encoding(prefix, rexW, opcode, opcodes, 0, 7, ModRmPart.OPERANDS_ONLY);
            }
            if (word.startsWith("/")) {
                int first = word.charAt(1) - '0';
                int last = word.charAt(word.length() - 1) - '0';
                return new Encoding(prefix, rexW, opcode, opcodes, first, last, ModRmPart.REG);
            }
            if (isModRm(word)) {
                int first = hexByte(word);
                int last = word.endsWith("+i") ? first + 7 : first;
                return new Encoding(prefix, rexW, opcode, opcodes, first, last, ModRmPart.WHOLE);
            }
            return new Encoding(prefix, rexW, opcode, opcodes, 0, 0, ModRmPart.ABSENT);
        }

        private int prefix() {
            if (accept("NP")) {
                return NONE;
            }
            if (accept("66")) {
                return P66;
            }
            if (accept("F3")) {
                return F3;
            }
            return accept("F2") ? F2 : ANY;
        }

        private int map() {
            if (!accept("0F")) {
                return 0;
            }
            if (accept("38")) {
                return MAP_0F38;
            }
            return accept("3A") ? MAP_0F3A : MAP_0F;
        }

        private boolean accept(String word) {
            boolean found = next < words.length && words[next].equals(word);
            next += found ? 1 : 0;
            return found;
        }

        /** A byte in capital hexadecimal digits, unlike {@code ib}; perhaps with {@code +i}. */
        private static boolean isModRm(String word) {
            int length = word.endsWith("+i") ? word.length() - 2 : word.length();
            return length == 2 && isHexDigit(word.charAt(0)) && isHexDigit(word.charAt(1));
        }

        private static boolean isHexDigit(char c) {
            return c >= '0' && c <= '9' || c >= 'A' && c <= 'F';
        }

        private static int hexByte(String word) {
            return Integer.parseInt(word, 0, 2, 16);
        }
    }
}
