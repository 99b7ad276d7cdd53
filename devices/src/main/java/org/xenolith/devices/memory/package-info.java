/**
 * The host memory that guests live in: reserved once, backed on first touch, given back page by
 * page. Depends on {@code libc} only.
 */
package org.xenolith.devices.memory;
