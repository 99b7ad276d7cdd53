package org.xenolith.cpu.interp;

/**
 * What a unit was made of in one page.
 *
 * @param distance of the page from the unit's home page, in bytes
 */
record UnitPart(int distance, CodeBytes code) {}
