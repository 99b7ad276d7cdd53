/** Siblings and neighbours that really run at the same time, on host threads of their own. */
package org.xenolith.core.parallel;
