package org.xenolith.devices.filesystem;

import java.util.List;

/**
 * What a boot loader's menu entry starts.
 *
 * @param kernel path, as the configuration has it
 * @param initrds paths, loaded one behind the other
 */
record BootEntry(String kernel, List<String> initrds, String commandLine) {}
