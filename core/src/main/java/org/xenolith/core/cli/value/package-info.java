/**
 * Values of options and parameters as a user writes them: a text in, a value or the sentence that
 * says what is wrong with it out. What several commands take is read by one class here. Depends on
 * Picocli and on the types of the values only.
 */
package org.xenolith.core.cli.value;
