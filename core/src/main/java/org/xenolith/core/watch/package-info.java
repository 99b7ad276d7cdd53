/**
 * What a guest looks like inside, for people and programs: page types and tables, event channels,
 * grants, rings, xenstore. Each report is bounded and is made while the guest stands still, by a
 * caller who sees to that. Numbers and text that a guest wrote are shown as what they are, the
 * guest's word. Depends on the parts that it shows; nothing but the control verbs and reports of
 * crashes depends on it.
 */
package org.xenolith.core.watch;
