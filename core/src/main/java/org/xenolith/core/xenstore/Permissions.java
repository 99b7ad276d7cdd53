package org.xenolith.core.xenstore;

import java.util.ArrayList;
import java.util.List;

/**
 * Who may do what with a node. The first entry names the owner, who may do everything, and what
 * domains that are not listed may do; the others each name a domain and its access. Domain 0 is
 * never refused.
 *
 * @param entries at least one
 */
public record Permissions(List<Entry> entries) {
    /** The domain that every permission check lets pass. */
    static final int PRIVILEGED = 0;

    private static final int LARGEST_DOMID = 0xffff;

    /** Access of a domain, by the letter of the wire. */
    public enum Access {
        NONE('n', false, false),
        READ('r', true, false),
        WRITE('w', false, true),
        BOTH('b', true, true);

        private final char letter;
        private final boolean read;
        private final boolean write;

        Access(char letter, boolean read, boolean write) {
            this.letter = letter;
            this.read = read;
            this.write = write;
        }

        private static Access ofLetter(char letter) {
            for (Access access : values()) {
                if (access.letter == letter) {
                    return access;
                }
            }
            throw new XenstoreException(XenstoreError.EINVAL, "no permission letter: " + letter);
        }
    }

    /** One entry, {@code r5} on the wire. */
    public record Entry(int domid, Access access) {
        static Entry parse(String text) {
            if (text.length() < 2 || text.length() > 6) {
                throw malformed(text);
            }
            int domid = 0;
            for (char digit : text.substring(1).toCharArray()) {
                if (digit < '0' || digit > '9') {
                    throw malformed(text);
                }
                domid = domid * 10 + digit - '0';
            }
            if (domid > LARGEST_DOMID) {
                throw malformed(text);
            }
            return new Entry(domid, Access.ofLetter(text.charAt(0)));
        }

        private static XenstoreException malformed(String text) {
            return new XenstoreException(XenstoreError.EINVAL, "no permission: " + text);
        }

        @Override
        public String toString() {
            return "" + access.letter + domid;
        }
    }

    public Permissions {
        entries = List.copyOf(entries);
        if (entries.isEmpty()) {
            throw new XenstoreException(XenstoreError.EINVAL, "permissions without an owner");
        }
    }

    /**
     * Permissions in the wire's notation: {@code of("n0", "r5")}.
     *
     * @throws XenstoreException EINVAL when an entry is malformed
     */
    public static Permissions of(String... entries) {
        List<Entry> parsed = new ArrayList<>(entries.length);
        for (String entry : entries) {
            parsed.add(Entry.parse(entry));
        }
        return new Permissions(parsed);
    }

    public int owner() {
        return entries.getFirst().domid();
    }

    boolean isOwner(int domid) {
        return domid == PRIVILEGED || domid == owner();
    }

    boolean mayRead(int domid) {
        return isOwner(domid) || accessOf(domid).read;
    }

    boolean mayWrite(int domid) {
        return isOwner(domid) || accessOf(domid).write;
    }

    /** What a node gets that {@code domid} creates below one with these permissions. */
    Permissions inheritedBy(int domid) {
        if (domid == PRIVILEGED || domid == owner()) {
            return this;
        }
        List<Entry> inherited = new ArrayList<>(entries);
        inherited.set(0, new Entry(domid, entries.getFirst().access()));
        return new Permissions(inherited);
    }

    String[] toStrings() {
        return entries.stream().map(Entry::toString).toArray(String[]::new);
    }

    private Access accessOf(int domid) {
        for (Entry entry : entries.subList(1, entries.size())) {
            if (entry.domid() == domid) {
                return entry.access();
            }
        }
        return entries.getFirst().access();
    }
}
