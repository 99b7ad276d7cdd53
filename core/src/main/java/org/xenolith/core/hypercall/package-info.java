/**
 * The hypercalls that are not memory management, and the table of all of them. Each returns a value
 * of 0 or more, or a negative Xen error number. public/xen.h and the header that each class names.
 */
package org.xenolith.core.hypercall;
