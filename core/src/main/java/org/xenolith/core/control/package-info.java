/**
 * How a running {@code vmm} is spoken to from outside: a Unix domain socket that only its user may
 * open, one JSON object a line each way, and {@code xl}'s verbs. Owns the protocol and the folder
 * of sockets; what the verbs do is {@code core.machine}'s. docs/control.md describes the protocol.
 */
package org.xenolith.core.control;
