/**
 * A domain on disk: saving one that stands still, and letting a fresh one go on in its place. Uses
 * the parts of a domain from outside; nothing of them depends on it.
 *
 * <p>The file, all numbers little endian:
 *
 * <pre>
 * header   8 bytes "XENOSNAP", u32 version, u32 0
 * section  u32 kind, u32 length of the payload in bytes, payload, u32 CRC-32C of all before it
 *   1 DOMAIN   id, name, limits, clock, random state, rings                        once, first
 *   2 FRAMES   numbers, guest frame numbers and pins of the domain's frames        once
 *   3 PAGES    up to 512 of: u64 mfn, 4096 bytes; pages of zeroes are left out     any number
 *   4 VCPU     one vCPU                                                            each, by number
 *   5 EVENTS   event channels                                                      once
 *   6 GRANTS   frames of the grant table, references in use                        once
 *   7 STORE    nodes of xenstore, the connection's state                           once
 *   8 CONFIGURATION  text of whoever saves: connections, what the guest boots     once
 *   0 END      empty; nothing follows
 * </pre>
 *
 * <p>MFNs are a domain's own, so page tables are saved as they are. Types and counts of page tables
 * are not saved: whoever restores pins what was pinned and loads what was loaded, and the code that
 * checks a guest's requests checks the file. So a file can describe a guest that does not work, but
 * none that reaches beyond its own frames.
 *
 * <p>Devices are not in the file. Before a domain is saved its backends let go of it, with every
 * request answered that they had taken; those of the restored domain take over the rings as they
 * stand, and the guest hears nothing of it.
 *
 * <p>A file is read completely before anything is built from it. There is one version of the
 * sections; others are refused. The configuration's text is versioned by its reader, {@code
 * core.saved.SavedGuest}: members that are not there have no effect.
 */
package org.xenolith.core.snapshot;
