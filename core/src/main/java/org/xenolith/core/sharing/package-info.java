/**
 * Looks for pages that guests have in common, so that the host holds them once: what KSM does for
 * the processes of Linux, for the guests of one process. Finds and proposes; what is shared, and
 * parted again, {@link org.xenolith.core.mm.FrameTable} and {@link
 * org.xenolith.core.mm.SharedFrames} decide.
 */
package org.xenolith.core.sharing;
