/**
 * What users write about guests: xl.cfg files, fleets in TOML, disks in xl's notation. Texts in,
 * records out, errors with file and line; nothing is opened or started here. Sources: xl.cfg(5),
 * xl-disk-configuration(5) and xl-network-configuration(5) of Xen, toml.io.
 */
package org.xenolith.core.config;
