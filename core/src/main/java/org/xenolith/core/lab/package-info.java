/**
 * Labs that grade themselves: builds a student's C or Java, runs it in cases the student has not
 * seen, and explains what went wrong in the lab's own words; and builds micro-guests. What a lab
 * looks like to its student stands in {@code docs/labs}, its files in {@code guests/src/main/labs}.
 * Stands on {@code core.machine}, as any program that runs guests would; only the command line uses
 * it.
 */
package org.xenolith.core.lab;
