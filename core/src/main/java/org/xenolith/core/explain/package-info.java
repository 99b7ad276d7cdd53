/**
 * What hypercalls, their operations, errors, events, records and xenstore paths are: a text for
 * each, in resource files beside this package, and nowhere else. {@code vmm explain} prints them;
 * docs/reference is made from them. Depends on the numbers of {@code core.abi}.
 */
package org.xenolith.core.explain;
