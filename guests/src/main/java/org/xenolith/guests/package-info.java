/**
 * Guest kernels that come with Xenolith: prebuilt images as resources, their sources in {@code
 * src/main/guest}; and the recipes of Debian guests, scripts and settings from the same folder.
 * Depends on no other package; who boots or builds an image reads its bytes here.
 */
package org.xenolith.guests;
