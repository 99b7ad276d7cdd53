package org.xenolith.cpu.interp;

/** An operation that does something before another one, which stands at the same place. */
abstract class WrappedOp extends Op {
    /** What it takes up beside an operation of 32 bytes: it is larger, and has another one. */
    static final int MORE_WEIGHT = 2;

    final Op inner;

    WrappedOp(Op inner) {
        this.inner = inner;
    }

    @Override
    final void link(Op successor) {
        next = successor;
        inner.link(successor);
    }

    @Override
    final void placed() {
        inner.standAt(start(), end(), position());
        inner.placed();
    }

    @Override
    final void forget() {
        inner.forget();
    }
}
