package org.xenolith.core.image;

import java.util.Locale;
import java.util.Optional;

/**
 * What a kernel can do without or asks for: {@code XENFEAT_*}, public/features.h; bit = ordinal.
 */
public enum XenFeature {
    WRITABLE_PAGE_TABLES,
    WRITABLE_DESCRIPTOR_TABLES,
    AUTO_TRANSLATED_PHYSMAP,
    SUPERVISOR_MODE_KERNEL,
    PAE_PGDIR_ABOVE_4GB,
    MMU_PT_UPDATE_PRESERVE_AD,
    HIGHMEM_ASSIST,
    GNTTAB_MAP_AVAIL_BITS,
    HVM_CALLBACK_VECTOR,
    HVM_SAFE_PVCLOCK,
    HVM_PIRQS,
    DOM0,
    GRANT_MAP_IDENTITY,
    MEMORY_OP_VNODE_SUPPORTED,
    ARM_SMCCC_SUPPORTED,
    LINUX_RSDP_UNRESTRICTED,
    NOT_DIRECT_MAPPED,
    DIRECT_MAPPED;

    /** The name as it stands in a FEATURES note. */
    public String xenName() {
        return this == ARM_SMCCC_SUPPORTED
                ? "ARM_SMCCC_supported"
                : name().toLowerCase(Locale.ROOT);
    }

    static Optional<XenFeature> ofXenName(String name) {
        for (XenFeature feature : values()) {
            if (feature.xenName().equals(name)) {
                return Optional.of(feature);
            }
        }
        return Optional.empty();
    }
}
