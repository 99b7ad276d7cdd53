/**
 * The host's processor as an oracle: runs single instructions for real and hands the state back.
 * Tests of the semantics compare with it; they are skipped, with a message, where the host cannot
 * run x86-64 code.
 */
package org.xenolith.cpu.oracle;
