/**
 * What a run came to in figures: instructions, exits and what they would cost on hardware,
 * translated code, a hash of memory. Reads counters of {@code core.domain} and of the translator,
 * and changes none; {@code --stats} and {@code vmm stat} show it.
 */
package org.xenolith.core.statistics;
