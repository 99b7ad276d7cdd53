package org.xenolith.devices.p9;

/** Linux's error numbers, the ones that are not simply passed on from the host. */
final class Errno {
    static final int EPERM = 1;
    static final int ENOENT = 2;
    static final int EBADF = 9;
    static final int EACCES = 13;
    static final int EEXIST = 17;
    static final int ENOTDIR = 20;
    static final int EISDIR = 21;
    static final int EINVAL = 22;
    static final int EMFILE = 24;
    static final int EROFS = 30;
    static final int ENAMETOOLONG = 36;
    static final int EPROTO = 71;
    static final int EBADMSG = 74;
    static final int EOPNOTSUPP = 95;
    static final int ESTALE = 116;

    private Errno() {}
}
