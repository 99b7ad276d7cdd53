package org.xenolith.core.image;

import org.xenolith.devices.console.Escaped;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * What a kernel tells a Xen domain builder about itself.
 *
 * <p>Taken from the notes of owner "Xen" (PT_NOTE segments, else SHT_NOTE sections), or from the
 * {@code __xen_guest} section that kernels had before there were notes.
 *
 * @see <a
 *     href="https://xenbits.xen.org/docs/unstable/hypercall/x86_64/include,public,elfnote.h.html">
 *     public/elfnote.h</a>
 */
public final class XenNotes {
    private static final String OWNER = "Xen";
    private static final String LEGACY_SECTION = "__xen_guest";
    private static final int NAMESZ = 0, DESCSZ = 4, TYPE = 8, HEADER_BYTES = 12;
    private static final String REQUIRED_XEN_VERSION = "xen-3.0";
    private static final int PAGE_SHIFT = 12;

    /** Of a text that a note has; those that are known are words. */
    private static final int MAX_TEXT_BYTES = 1024;

    /** Of one of Xen's notes: numbers and short texts. */
    private static final int MAX_DESC_BYTES = 4096;

    /**
     * How the kernel recognises a PTE that holds a machine frame, for those who move it.
     *
     * @param mask bits of the PTE to look at
     * @param value what they are when the PTE is valid
     */
    public record L1MfnValid(long mask, long value) {}

    private final Map<XenElfNote, byte[]> notes;
    private final boolean legacy;
    private final long elfEntry;

    private XenNotes(Map<XenElfNote, byte[]> notes, boolean legacy, long elfEntry) {
        this.notes = Collections.unmodifiableMap(notes);
        this.legacy = legacy;
        this.elfEntry = elfEntry;
    }

    /** Collects the notes; a file without any gives an empty answer, not an error. */
    public static XenNotes of(ElfImage elf) {
        Map<XenElfNote, byte[]> notes = new EnumMap<>(XenElfNote.class);
        for (ElfImage.Segment segment : elf.segments()) {
            if (segment.type() == ElfImage.PT_NOTE) {
                collect(elf.contents(segment), notes);
            }
        }
        if (notes.isEmpty()) {
            for (ElfImage.Section section : elf.sections()) {
                if (section.type() == ElfImage.SHT_NOTE) {
                    collect(elf.contents(section), notes);
                }
            }
        }
        if (!notes.isEmpty()) {
            return new XenNotes(notes, false, elf.entry());
        }
        Optional<ElfImage.Section> guest = elf.section(LEGACY_SECTION);
        if (guest.isEmpty()) {
            return new XenNotes(notes, false, elf.entry());
        }
        MemorySegment list = elf.contents(guest.get());
        return legacyNotes(
                elf, text(bytes(list.asSlice(0, Math.min(list.byteSize(), MAX_TEXT_BYTES)))));
    }

    private static byte[] bytes(MemorySegment slice) {
        return slice.toArray(ValueLayout.JAVA_BYTE);
    }

    /**
     * Walks one run of notes; a record that does not fit ends the walk, as in Xen's builder. What
     * is longer than any of Xen's notes is none.
     */
    private static void collect(MemorySegment slice, Map<XenElfNote, byte[]> notes) {
        byte[] run = bytes(slice);
        int at = 0;
        while (run.length - at >= HEADER_BYTES) {
            long nameSize = LittleEndian.unsignedIntAt(run, at + NAMESZ);
            long descSize = LittleEndian.unsignedIntAt(run, at + DESCSZ);
            int type = LittleEndian.intAt(run, at + TYPE);
            long name = at + (long) HEADER_BYTES;
            long desc = name + padded(nameSize);
            if (desc + descSize > run.length) {
                return;
            }
            if (descSize <= MAX_DESC_BYTES
                    && text(Arrays.copyOfRange(run, (int) name, (int) (name + nameSize)))
                            .equals(OWNER)) {
                byte[] value = Arrays.copyOfRange(run, (int) desc, (int) (desc + descSize));
                XenElfNote.ofNumber(type).ifPresent(note -> notes.put(note, value));
            }
            long next = desc + padded(descSize);
            if (next > run.length) {
                return;
            }
            at = (int) next;
        }
    }

    private static long padded(long size) {
        return (size + 3) & ~3L;
    }

    /** Translates the comma-separated list of old kernels into today's notes. */
    private static XenNotes legacyNotes(ElfImage elf, String list) {
        Map<XenElfNote, byte[]> notes = new EnumMap<>(XenElfNote.class);
        OptionalLong hypercallPfn = OptionalLong.empty();
        for (String item : list.split(",")) {
            int equals = item.indexOf('=');
            String key = equals < 0 ? item : item.substring(0, equals);
            String value = equals < 0 ? "" : item.substring(equals + 1);
            switch (key.strip()) {
                case "LOADER" -> notes.put(XenElfNote.LOADER, terminated(value));
                case "GUEST_OS" -> notes.put(XenElfNote.GUEST_OS, terminated(value));
                case "GUEST_VER" -> notes.put(XenElfNote.GUEST_VERSION, terminated(value));
                case "XEN_VER" -> notes.put(XenElfNote.XEN_VERSION, terminated(value));
                case "FEATURES" -> notes.put(XenElfNote.FEATURES, terminated(value));
                case "PAE" -> notes.put(XenElfNote.PAE_MODE, terminated(value));
                case "BSD_SYMTAB" -> notes.put(XenElfNote.BSD_SYMTAB, terminated("yes"));
                case "VIRT_BASE" -> putNumber(notes, XenElfNote.VIRT_BASE, value);
                case "VIRT_ENTRY" -> putNumber(notes, XenElfNote.ENTRY, value);
                case "ELF_PADDR_OFFSET" -> putNumber(notes, XenElfNote.PADDR_OFFSET, value);
                case "HYPERCALL_PAGE" -> hypercallPfn = parseNumber(value);
                default -> {} // an open list: Xen's builder ignores what it does not know, too
            }
        }
        long virtBase = numberOf(notes.get(XenElfNote.VIRT_BASE)).orElse(0);
        // These kernels put virtual addresses into p_paddr when they do not say otherwise.
        notes.putIfAbsent(XenElfNote.PADDR_OFFSET, number(virtBase));
        hypercallPfn.ifPresent(
                pfn ->
                        notes.put(
                                XenElfNote.HYPERCALL_PAGE, number(virtBase + (pfn << PAGE_SHIFT))));
        return new XenNotes(notes, true, elf.entry());
    }

    private static void putNumber(Map<XenElfNote, byte[]> notes, XenElfNote note, String digits) {
        parseNumber(digits).ifPresent(value -> notes.put(note, number(value)));
    }

    private static OptionalLong parseNumber(String digits) {
        try {
            return OptionalLong.of(
                    digits.startsWith("0x")
                            ? Long.parseUnsignedLong(digits, 2, digits.length(), 16)
                            : Long.parseUnsignedLong(digits));
        } catch (NumberFormatException notANumber) {
            return OptionalLong.empty(); // absent, and requirePv() speaks of what is needed
        }
    }

    private static byte[] number(long value) {
        byte[] bytes = new byte[Long.BYTES];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (value >>> (8 * i));
        }
        return bytes;
    }

    private static byte[] terminated(String value) {
        return (value + "\0").getBytes(StandardCharsets.ISO_8859_1);
    }

    /** Cut if it is long, and fit for a terminal. */
    private static String text(byte[] bytes) {
        int end = 0;
        while (end < Math.min(bytes.length, MAX_TEXT_BYTES) && bytes[end] != 0) {
            end++;
        }
        return Escaped.of(new String(bytes, 0, end, StandardCharsets.ISO_8859_1));
    }

    private static OptionalLong numberOf(byte[] value) {
        if (value == null) {
            return OptionalLong.empty();
        }
        return switch (value.length) {
            case 1 -> OptionalLong.of(value[0] & 0xff);
            case 2 -> OptionalLong.of(LittleEndian.shortAt(value, 0));
            case 4 -> OptionalLong.of(LittleEndian.unsignedIntAt(value, 0));
            case 8 -> OptionalLong.of(LittleEndian.longAt(value, 0));
            default -> OptionalLong.empty();
        };
    }

    private OptionalLong number(XenElfNote note) {
        return numberOf(notes.get(note));
    }

    private Optional<String> text(XenElfNote note) {
        return Optional.ofNullable(notes.get(note)).map(XenNotes::text);
    }

    public boolean isEmpty() {
        return notes.isEmpty();
    }

    /** Whether they come from {@code __xen_guest} and not from notes. */
    public boolean isLegacy() {
        return legacy;
    }

    /** The notes that are there, in the order of their numbers. */
    public Set<XenElfNote> present() {
        return notes.keySet();
    }

    /**
     * Initial RIP, a virtual address: what the note says, or else the entry of the ELF file, as
     * Mini-OS means it. Empty without any notes, and for a Linux without that note: it was built
     * without CONFIG_XEN_PV, and its ELF entry is for others.
     */
    public OptionalLong entry() {
        OptionalLong named = number(XenElfNote.ENTRY);
        boolean mayBeElfs = legacy || !notes.isEmpty() && !isLinux();
        return named.isPresent() || !mayBeElfs ? named : OptionalLong.of(elfEntry);
    }

    private boolean isLinux() {
        return guestOs().orElse("").startsWith("linux");
    }

    /** Virtual address of a page to fill with hypercall stubs. */
    public OptionalLong hypercallPage() {
        return number(XenElfNote.HYPERCALL_PAGE);
    }

    /** Virtual address of PFN 0; zero when the kernel does not say. */
    public long virtBase() {
        return number(XenElfNote.VIRT_BASE).orElse(0);
    }

    /** What to subtract from {@code p_paddr} to get a guest-physical address; mostly zero. */
    public long paddrOffset() {
        return number(XenElfNote.PADDR_OFFSET).orElse(0);
    }

    public Optional<String> xenVersion() {
        return text(XenElfNote.XEN_VERSION);
    }

    public Optional<String> guestOs() {
        return text(XenElfNote.GUEST_OS);
    }

    public Optional<String> guestVersion() {
        return text(XenElfNote.GUEST_VERSION);
    }

    public Optional<String> loader() {
        return text(XenElfNote.LOADER);
    }

    /** Of 32-bit kernels; without meaning here. */
    public Optional<String> paeMode() {
        return text(XenElfNote.PAE_MODE);
    }

    /** The FEATURES note as it stands: names separated by "|", "!" in front of required ones. */
    public Optional<String> features() {
        return text(XenElfNote.FEATURES);
    }

    /** What the kernel can make use of. */
    public Set<XenFeature> supportedFeatures() {
        Set<XenFeature> features = featuresInText(false);
        long mask = number(XenElfNote.SUPPORTED_FEATURES).orElse(0);
        for (XenFeature feature : XenFeature.values()) {
            if ((mask >>> feature.ordinal() & 1) != 0) {
                features.add(feature);
            }
        }
        return features;
    }

    /** What the kernel says it cannot do without. */
    public Set<XenFeature> requiredFeatures() {
        return featuresInText(true);
    }

    private Set<XenFeature> featuresInText(boolean onlyRequired) {
        Set<XenFeature> features = EnumSet.noneOf(XenFeature.class);
        for (String item : features().orElse("").split("\\|")) {
            boolean required = item.startsWith("!");
            if (required || !onlyRequired) {
                XenFeature.ofXenName(required ? item.substring(1) : item).ifPresent(features::add);
            }
        }
        return features;
    }

    public OptionalLong hvStartLow() {
        return number(XenElfNote.HV_START_LOW);
    }

    public Optional<L1MfnValid> l1MfnValid() {
        byte[] value = notes.get(XenElfNote.L1_MFN_VALID);
        return value == null || value.length != 2 * Long.BYTES
                ? Optional.empty()
                : Optional.of(
                        new L1MfnValid(
                                LittleEndian.longAt(value, 0),
                                LittleEndian.longAt(value, Long.BYTES)));
    }

    /** Whether the kernel understands that a suspend was cancelled (it returns 1). */
    public boolean suspendCancel() {
        return number(XenElfNote.SUSPEND_CANCEL).orElse(0) != 0;
    }

    /** Virtual address at which the p2m list is to be mapped, outside the kernel mapping. */
    public OptionalLong initP2m() {
        return number(XenElfNote.INIT_P2M);
    }

    /** Whether the initial RAM disk may stay unmapped and be named by its PFN. */
    public boolean modStartPfn() {
        return number(XenElfNote.MOD_START_PFN).orElse(0) != 0;
    }

    /** Entry of the PVH protocol, a physical address. */
    public OptionalLong phys32Entry() {
        return number(XenElfNote.PHYS32_ENTRY);
    }

    /** A note's value for people: the text, or the number in hexadecimal. */
    public String valueText(XenElfNote note) {
        byte[] value = notes.get(note);
        if (value == null) {
            return "absent";
        }
        return switch (note.kind()) {
            case TEXT -> '"' + text(value) + '"';
            case NUMBER -> {
                OptionalLong number = numberOf(value);
                yield number.isPresent()
                        ? "0x" + Long.toHexString(number.getAsLong())
                        : HexFormat.of().formatHex(value);
            }
            case MASK_AND_VALUE ->
                    l1MfnValid()
                            .map(l1 -> "mask 0x%x, value 0x%x".formatted(l1.mask(), l1.value()))
                            .orElseGet(() -> HexFormat.of().formatHex(value));
        };
    }

    /**
     * Checks that this kernel can start as a PV guest, by the rules of Xen's own builder.
     *
     * @throws ImageException saying what is missing or wrong
     */
    public void requirePv() throws ImageException {
        if (entry().isEmpty()) {
            throw new ImageException(
                    "no XEN_ELFNOTE_ENTRY: this kernel was built without CONFIG_XEN_PV");
        }
        String version = xenVersion().orElse("");
        if (!version.startsWith(REQUIRED_XEN_VERSION)) {
            throw new ImageException(
                    version.isEmpty()
                            ? "no XEN_ELFNOTE_XEN_VERSION: it must be \"xen-3.0\""
                            : "XEN_ELFNOTE_XEN_VERSION is \"%s\": it must be \"xen-3.0\""
                                    .formatted(version));
        }
        boolean generic = loader().orElse("").startsWith("generic");
        if (!generic && !isLinux()) {
            throw new ImageException(
                    "XEN_ELFNOTE_LOADER is \"%s\": it must be \"generic\""
                            .formatted(loader().orElse("")));
        }
        if (requiredFeatures().contains(XenFeature.SUPERVISOR_MODE_KERNEL)) {
            throw new ImageException(
                    "this kernel requires supervisor_mode_kernel, which 64-bit PV never offers");
        }
    }
}
