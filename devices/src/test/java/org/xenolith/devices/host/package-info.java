/**
 * The machine that runs the tests, and what they may expect of it. The tests of core ask it too.
 */
package org.xenolith.devices.host;
