/**
 * Guest kernels that come with Xenolith: prebuilt images as resources, their sources in {@code
 * src/main/guest}. Depends on no other package; who boots an image reads its bytes here.
 */
package org.xenolith.guests;
