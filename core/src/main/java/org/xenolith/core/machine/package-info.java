/**
 * Guests and the host that runs them: builds a guest of the parts that the other packages own,
 * wires it to memory, store, scheduler and devices, runs it, saves it, tells how it ended, and
 * carries out what the control socket asks of it. {@link org.xenolith.core.machine.Host} and {@link
 * org.xenolith.core.machine.Guest} are the way in. Depends on all of {@code core} but the command
 * line, fleets and labs, which stand on it.
 */
package org.xenolith.core.machine;
