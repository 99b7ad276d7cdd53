package org.xenolith.core.xenstore;

/**
 * What one unprivileged domain may occupy; the defaults are those of Xen 4.17's xenstored.
 *
 * @param nodes nodes owned, ENOSPC beyond
 * @param watches watches registered, E2BIG beyond
 * @param transactions transactions open at a time, ENOSPC beyond
 * @param nodesPerTransaction nodes touched in one transaction, ENOSPC beyond
 * @param valueBytes size of a value, ENOSPC beyond
 * @param pathBytes length of a path below the domain's own, EINVAL beyond
 * @param permissions entries in a node's permission list, ENOSPC beyond
 * @param outstanding replies not yet fetched; beyond, no further request is read
 * @param eventBytes watch events not yet fetched; beyond, events of one watch melt into one
 */
public record Quota(
        int nodes,
        int watches,
        int transactions,
        int nodesPerTransaction,
        int valueBytes,
        int pathBytes,
        int permissions,
        int outstanding,
        int eventBytes) {
    public static final Quota DEFAULT =
            new Quota(1000, 128, 10, 1024, 2048, 2048, 5, 20, 256 * 1024);
}
