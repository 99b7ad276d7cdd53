package org.xenolith.devices.net.nat;

import java.util.Arrays;

/**
 * Deadlines of everything that waits in the NAT, in a binary heap. A deadline that moves back, as a
 * retransmission timer does with every acknowledgement, costs one store: the entry keeps its place
 * and is looked at again when its old time has come.
 *
 * <p>Time is nanoseconds on the NAT's own clock, from 0 up. One thread.
 */
final class Timers {
    /** The deadline of a timer that is not armed. */
    static final long NEVER = Long.MAX_VALUE;

    /** Something that has to happen at a time. */
    abstract static class Timer {
        private long deadline = NEVER;
        private long place; // key in the heap, at most the deadline
        private int index = -1; // in the heap, -1 outside

        abstract void expired(long now);

        boolean armed() {
            return deadline != NEVER;
        }

        long deadline() {
            return deadline;
        }
    }

    private final Runnable earlier;
    private Timer[] heap = new Timer[64];
    private int size;

    /**
     * @param earlier told when {@link #next} has moved to an earlier time
     */
    Timers(Runnable earlier) {
        this.earlier = earlier;
    }

    void arm(Timer timer, long deadlineNanos) {
        long before = next();
        put(timer, deadlineNanos);
        if (next() < before) {
            earlier.run();
        }
    }

    private void put(Timer timer, long deadlineNanos) {
        timer.deadline = deadlineNanos;
        if (timer.index < 0) {
            if (size == heap.length) {
                heap = Arrays.copyOf(heap, 2 * size);
            }
            timer.place = deadlineNanos;
            up(size++, timer);
        } else if (deadlineNanos < timer.place) {
            timer.place = deadlineNanos;
            up(timer.index, timer);
        }
    }

    /** The timer will not expire; its place in the heap goes with time. */
    void cancel(Timer timer) {
        timer.deadline = NEVER;
    }

    /** Takes the timer out of the heap, so that nothing holds what it belongs to. */
    void remove(Timer timer) {
        timer.deadline = NEVER;
        if (timer.index >= 0) {
            removeAt(timer.index);
        }
    }

    /** When {@link #run} has something to look at, or {@link #NEVER}. */
    long next() {
        return size == 0 ? NEVER : heap[0].place;
    }

    void run(long now) {
        while (size > 0 && heap[0].place <= now) {
            Timer timer = heap[0];
            removeAt(0);
            if (timer.deadline <= now) {
                timer.deadline = NEVER;
                timer.expired(now);
            } else if (timer.deadline != NEVER) {
                put(timer, timer.deadline);
            }
        }
    }

    private void removeAt(int index) {
        heap[index].index = -1;
        Timer last = heap[--size];
        heap[size] = null;
        if (index < size) {
            last.index = index;
            heap[index] = last;
            down(index, last);
            up(last.index, last);
        }
    }

    private void up(int from, Timer timer) {
        int index = from;
        while (index > 0 && timer.place < heap[(index - 1) / 2].place) {
            put(index, heap[(index - 1) / 2]);
            index = (index - 1) / 2;
        }
        put(index, timer);
    }

    private void down(int from, Timer timer) {
        int index = from;
        for (int child = 2 * index + 1; child < size; child = 2 * index + 1) {
            if (child + 1 < size && heap[child + 1].place < heap[child].place) {
                child++;
            }
            if (timer.place <= heap[child].place) {
                break;
            }
            put(index, heap[child]);
            index = child;
        }
        put(index, timer);
    }

    private void put(int index, Timer timer) {
        heap[index] = timer;
        timer.index = index;
    }
}
