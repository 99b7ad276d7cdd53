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

    /** The one load of 16 bytes whose width objdump leaves out. */
    private static final Pattern UNSIZED = Pattern.compile("^(lddqu \\w+,)");

    /** Selectors are 16 bits wide, whatever objdump calls the register they come from. */
    private static final Pattern SELECTOR =
            Pattern.compile("^(mov [c-gs]s,|(?:lar|lsl) \\w+,)(?:(r\\d+)d?|[er](\\w\\w))$");

    /** Returns the instruction in {@code line}, or null if the line holds none. */
    static ObjdumpLine parse(String line) {
        String[] columns = line.split("\t");
        if (columns.length < 3 || !columns[0].endsWith(":")) {
            return null;
        }
        String address = columns[0].strip();
        byte[] bytes = HexFormat.ofDelimiter(" ").parseHex(columns[1].strip());
        long vaddr = Long.parseUnsignedLong(address, 0, address.length() - 1, 16);
        return new ObjdumpLine(vaddr, bytes, normalize(columns[2]));
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
