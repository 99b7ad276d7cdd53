/**
 * The commands that speak to running guests: {@code xl}'s verbs, traces, looks inside, the console.
 * They find the processes of this user by their sockets ({@link
 * org.xenolith.core.cli.verb.RunningHosts}), ask over {@code core.control}'s protocol, and show the
 * answer; what is done is done in the other process. {@link
 * org.xenolith.core.cli.verb.VerbCommands} is the way in.
 */
package org.xenolith.core.cli.verb;
