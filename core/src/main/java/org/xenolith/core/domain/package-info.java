/**
 * A domain and its virtual CPUs: the paravirtual state that Xen keeps beside the registers, and
 * what a vCPU shows of a processor: CPUID, MSRs, control registers. public/arch-x86/xen.h.
 */
package org.xenolith.core.domain;
