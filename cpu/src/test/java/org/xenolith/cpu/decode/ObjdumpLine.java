package org.xenolith.cpu.decode;

import static java.util.Map.entry;

import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * One instruction as {@code objdump -d -w -M intel --insn-width=16} prints it.
 *
 * @param vaddr the address in the left column
 * @param bytes the instruction
 * @param text what objdump calls it, brought to the disassembler's spelling
 */
record ObjdumpLine(long vaddr, byte[] bytes, String text) {
    /** Prefixes that objdump writes as words although they change nothing we show. */
    private static final Set<String> SILENT_PREFIXES =
            Set.of(
                    "cs",
                    "ds",
                    "es",
                    "ss",
                    "fs",
                    "gs",
                    "data16",
                    "data32",
                    "addr16",
                    "addr32",
                    "bnd",
                    "notrack",
                    "xacquire",
                    "xrelease");

    private static final Set<String> REPEATS = Set.of("rep", "repz", "repnz");

    private static final Set<String> REPEATABLE =
            Set.of("movs", "cmps", "stos", "lods", "scas", "ins", "outs");

    /** objdump's name on the left is our name on the right. */
    private static final Map<String, String> ALIASES =
            Map.ofEntries(
                    entry("tzcnt", "bsf"),
                    entry("lzcnt", "bsr"),
                    entry("rdsspd", "nop"),
                    entry("rdsspq", "nop"),
                    entry("sal", "shl"),
                    entry("leavew", "leave"),
                    entry("pushw", "push"),
                    entry("popw", "pop"),
                    entry("sysretd", "sysret"));

    private static final Pattern COMMENT = Pattern.compile("\\s*(#.*|<.*)$");
    private static final Pattern BRANCH = Pattern.compile("^(j\\w+|call|loop\\w*) ([0-9a-f]+)$");
    private static final Pattern BELOW_RIP = Pattern.compile("(?<=[re]ip)\\+0x(f{8}[0-9a-f]{8})");

    /** Sizes of branches, which Intel's 64-bit mode lacks, and of images in memory. */
    private static final Pattern SIZE_OF_NAME =
            Pattern.compile(
                    "^(jmp|call|ret|enter|[sl][gi]dt|fldenv|fn?stenv|fn?save|frstor)[wd](?= |$)");

    /** A SIB byte that names neither base nor index. */
    private static final Pattern NO_REGISTERS =
            Pattern.compile("(\\w\\w:)?\\[eiz\\*\\d([+-])0x(\\w+)]");

    /** Of short branches objdump does not cut the target to 16 bits; the processor does. */
    private static final Pattern TARGET = Pattern.compile("^((?:j\\w+|loop\\w*) )0x(\\w+)$");

    /** The one load of 16 bytes whose width objdump leaves out. */
    private static final Pattern UNSIZED = Pattern.compile("^(lddqu \\w+,)");

    /** Selectors are 16 bits wide, whatever objdump calls the register they come from. */
    private static final Pattern SELECTOR =
            Pattern.compile("^(mov [c-gs]s,|(?:lar|lsl) \\w+,)(?:(r\\d+)d?|[er](\\w\\w))$");

    /** Returns the instruction in {@code line}, or null if the line holds none. */
    static ObjdumpLine parse(String line, CodeSize size) {
        String[] columns = line.split("\t");
        if (columns.length < 3 || !columns[0].endsWith(":")) {
            return null;
        }
        String address = columns[0].strip();
        byte[] bytes = HexFormat.ofDelimiter(" ").parseHex(columns[1].strip());
        long vaddr = Long.parseUnsignedLong(address, 0, address.length() - 1, 16);
        String text = normalize(columns[2]);
        if (size == CodeSize.CODE_32) {
            text = normalize32(text, columns[2]);
        }
        return new ObjdumpLine(vaddr, bytes, text);
    }

    /** The mnemonic without lock and repeat prefixes. */
    String mnemonic() {
        return mnemonicOf(text);
    }

    static String mnemonicOf(String text) {
        String[] words = text.split(" ");
        boolean prefixed =
                words.length > 1 && (words[0].equals("lock") || REPEATS.contains(words[0]));
        return words[prefixed ? 1 : 0];
    }

    private static String normalize(String printed) {
        String text = COMMENT.matcher(printed.strip()).replaceFirst("").strip();
        String[] words = text.split("\\s+");
        int first = 0;
        String kept = "";
        while (first < words.length - 1 && isPrefix(words[first])) {
            if (words[first].equals("lock") || REPEATS.contains(words[first])) {
                kept = words[first] + " ";
            }
            first++;
        }
        StringBuilder rest = new StringBuilder(ALIASES.getOrDefault(words[first], words[first]));
        for (int i = first + 1; i < words.length; i++) {
            rest.append(' ').append(words[i]);
        }
        if (REPEATS.contains(kept.strip()) && !REPEATABLE.contains(words[first])) {
            kept = "";
        }
        if (rest.toString().equals("xchg ax,ax")) {
            return "nop";
        }
        String normal = BRANCH.matcher(rest).replaceFirst("$1 0x$2");
        normal = BELOW_RIP.matcher(normal).replaceFirst(match -> negative(match.group(1)));
        normal = SELECTOR.matcher(normal).replaceFirst(ObjdumpLine::wordRegister);
        normal = normal.replace("OWORD PTR", "XMMWORD PTR");
        normal = UNSIZED.matcher(normal).replaceFirst("$1XMMWORD PTR ");
        return kept + normal.replaceAll("\\+[re]iz\\*\\d", "");
    }

    /** What objdump spells in its own way in 32-bit code. */
    private static String normalize32(String text, String printed) {
        String normal = SIZE_OF_NAME.matcher(text).replaceFirst("$1");
        normal = NO_REGISTERS.matcher(normal).replaceFirst(ObjdumpLine::absolute);
        if (printed.contains("data16 ")) {
            normal = TARGET.matcher(normal).replaceFirst(ObjdumpLine::lowWord);
        }
        // The prefix is both, a hint about the target and the segment that the pointer is in.
        return printed.contains("notrack ") ? normal.replace(" PTR [", " PTR ds:[") : normal;
    }

    private static String absolute(MatchResult address) {
        String segment = address.group(1) == null ? "ds:" : address.group(1);
        int displacement = Integer.parseUnsignedInt(address.group(3), 16);
        boolean minus = address.group(2).equals("-");
        return segment + "0x" + Integer.toHexString(minus ? -displacement : displacement);
    }

    private static String lowWord(MatchResult branch) {
        long target = Long.parseUnsignedLong(branch.group(2), 16);
        return branch.group(1) + "0x" + Long.toHexString(target & 0xffff);
    }

    private static String wordRegister(MatchResult selector) {
        boolean numbered = selector.group(2) != null;
        return selector.group(1) + (numbered ? selector.group(2) + "w" : selector.group(3));
    }

    private static String negative(String digits) {
        return "-0x" + Long.toHexString(-Long.parseUnsignedLong(digits, 16));
    }

    private static boolean isPrefix(String word) {
        return SILENT_PREFIXES.contains(word)
                || word.startsWith("rex")
                || word.equals("lock")
                || REPEATS.contains(word);
    }
}
