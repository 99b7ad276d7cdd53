package org.xenolith.core.explain;

/** Texts as Markdown, for docs/reference, and as lines for a terminal. */
public final class ReferencePage {
    private static final int WIDTH = 100;
    private static final int TERMINAL_WIDTH = 80;

    private ReferencePage() {}

    /** The page of a kind. */
    public static String markdown(Reference reference, Kind kind) {
        StringBuilder page = new StringBuilder();
        page.append("# ").append(kind.title()).append("\n\n");
        page.append(
                wrap(
                        "Made from core/src/main/resources/org/xenolith/core/explain/"
                                + kind.file()
                                + ".txt; `vmm explain NAME` prints the same. Numbers and names are"
                                + " those of Xen's public headers, xen/include/public.",
                        "",
                        WIDTH));
        for (Entry entry : reference.of(kind)) {
            append(page, entry);
        }
        return page.toString();
    }

    private static void append(StringBuilder page, Entry entry) {
        page.append("\n## ").append(entry.name()).append("\n\n");
        if (!entry.form().isEmpty()) {
            page.append("`").append(entry.form()).append("`, ");
        }
        if (!entry.number().isEmpty()) {
            page.append(entry.number()).append("\n\n");
        }
        page.append(wrap(entry.what(), "", WIDTH));
        page.append("\n").append(wrap("*Why:* " + entry.why(), "", WIDTH));
        page.append("\n").append(wrap("*Hardware instead:* " + entry.hardware(), "", WIDTH));
        page.append("\n*Here:* `").append(entry.code()).append("`\n");
    }

    /** A text for a terminal. */
    public static String plain(Entry entry) {
        StringBuilder text = new StringBuilder();
        text.append(entry.name()).append("\n");
        String line = entry.kind().singular();
        line += entry.number().isEmpty() ? "" : ", " + entry.number();
        text.append(wrap(line + ".", "  ", TERMINAL_WIDTH));
        if (!entry.form().isEmpty()) {
            text.append("\n").append(wrap(entry.form(), "  ", TERMINAL_WIDTH));
        }
        text.append("\n").append(wrap(entry.what(), "  ", TERMINAL_WIDTH));
        text.append("\n").append(wrap("Why: " + entry.why(), "  ", TERMINAL_WIDTH));
        text.append("\n")
                .append(wrap("Hardware instead: " + entry.hardware(), "  ", TERMINAL_WIDTH));
        text.append("\n  Here: org.xenolith.").append(entry.code()).append("\n");
        return text.toString();
    }

    private static String wrap(String text, String indent, int width) {
        StringBuilder lines = new StringBuilder();
        StringBuilder line = new StringBuilder(indent);
        for (String word : text.split(" ")) {
            if (line.length() > indent.length() && line.length() + 1 + word.length() > width) {
                lines.append(line).append("\n");
                line = new StringBuilder(indent);
            }
            line.append(line.length() > indent.length() ? " " : "").append(word);
        }
        return lines.append(line).append("\n").toString();
    }
}
