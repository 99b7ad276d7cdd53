package org.xenolith.cpu.interp;

/** An operation that does something before another one, which stands at the same place. */
abstract class WrappedOp extends Op {
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
