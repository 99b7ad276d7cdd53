/*
 * console.c: printing. Two rings of bytes in a page shared with a backend; we only write.
 */
#include "micro.h"

static struct console_ring *ring;

void console_init(void) {
    ring = virt_of(start_info->console_mfn);
}

/* A micro-guest writes little. When the ring is full all the same, it lets others run. */
static void put(char c) {
    u32 prod = SHARED(ring->out_prod);
    while (prod - SHARED(ring->out_cons) >= sizeof(ring->out)) {
        event_send(start_info->console_evtchn);
        HYPERCALL(sched_op, SCHEDOP_yield, 0);
    }
    ring->out[prod % sizeof(ring->out)] = c;
    compiler_barrier(); /* the byte first, then the index that publishes it */
    SHARED(ring->out_prod) = prod + 1;
}

static void put_number(u64 value, u32 base, int negative, u32 width) {
    char digits[24];
    u32 length = 0;
    do {
        digits[length++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    if (negative) digits[length++] = '-';
    while (width-- > length) put(' ');
    while (length > 0) put(digits[--length]);
}

void print_list(const char *format, __builtin_va_list arguments) {
    for (; *format != '\0'; format++) {
        if (*format == '\n') put('\r'); /* the far end is a terminal */
        if (*format != '%') {
            put(*format);
            continue;
        }
        u32 width = 0;
        format++;
        for (; *format >= '0' && *format <= '9'; format++) width = width * 10 + (*format - '0');
        int is_long = *format == 'l';
        if (is_long) format++;
        if (*format == 's') {
            for (const char *s = __builtin_va_arg(arguments, const char *); *s != '\0'; s++) {
                put(*s);
            }
        } else if (*format == 'c') {
            put((char)__builtin_va_arg(arguments, int));
        } else if (*format == 'd') {
            long value = is_long ? __builtin_va_arg(arguments, long)
                                 : __builtin_va_arg(arguments, int);
            put_number(value < 0 ? -(u64)value : (u64)value, 10, value < 0, width);
        } else if (*format == 'u' || *format == 'x') {
            u64 value = is_long ? __builtin_va_arg(arguments, u64)
                                : __builtin_va_arg(arguments, u32);
            put_number(value, *format == 'x' ? 16 : 10, 0, width);
        } else {
            put(*format); /* %% and everything unknown */
        }
    }
    event_send(start_info->console_evtchn);
}

void print(const char *format, ...) {
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    print_list(format, arguments);
    __builtin_va_end(arguments);
}
