package org.xenolith.core.xenstore;

/** Errors that travel by name: {@code xsd_errors} of public/io/xs_wire.h. */
public enum XenstoreError {
    EINVAL,
    EACCES,
    EEXIST,
    EISDIR,
    ENOENT,
    ENOMEM,
    ENOSPC,
    EIO,
    ENOTEMPTY,
    ENOSYS,
    EROFS,
    EBUSY,
    EAGAIN,
    EISCONN,
    E2BIG,
    EPERM
}
