/*
 * format.c: texts with numbers in them, and other texts.
 */
#include "format.h"
#include "string.h"

struct sink { void (*put)(void *to, char c); void *to; };

static void put_padded(struct sink *sink, const char *text, u64 length, u64 width, int left, char padding) {
    u64 missing = width > length ? width - length : 0;
    if (!left) while (missing > 0) sink->put(sink->to, padding), missing--;
    while (length-- > 0) sink->put(sink->to, *text++);
    while (missing-- > 0) sink->put(sink->to, ' ');
}

/* The digits of a number, at the end of the buffer; how many. */
static u64 digits_of(u64 value, u32 base, int negative, char *end) {
    u64 length = 0;
    do {
        *(end - ++length) = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    if (negative) *(end - ++length) = '-';
    return length;
}

void format_list(void (*put)(void *to, char c), void *to, const char *format, __builtin_va_list arguments) {
    struct sink sink = {put, to};
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            put(to, *format);
            continue;
        }
        int left = 0, is_long = 0;
        char padding = ' ', digits[24], *end = digits + sizeof(digits);
        u64 width = 0;
        format++;
        if (*format == '-') left = 1, format++;
        if (*format == '0') padding = '0', format++;
        for (; *format >= '0' && *format <= '9'; format++) width = width * 10 + (*format - '0');
        if (*format == 'l') is_long = 1, format++;
        if (*format == 's') {
            const char *string = __builtin_va_arg(arguments, const char *);
            put_padded(&sink, string, strlen(string), width, left, ' ');
        } else if (*format == 'c') {
            char c = (char)__builtin_va_arg(arguments, int);
            put_padded(&sink, &c, 1, width, left, ' ');
        } else if (*format == 'd' || *format == 'u' || *format == 'x') {
            u64 value = is_long ? __builtin_va_arg(arguments, u64) : __builtin_va_arg(arguments, u32);
            int negative = *format == 'd' && (is_long ? (long)value : (int)value) < 0;
            if (negative) value = is_long ? -value : (u32)-(u32)value;
            u64 length = digits_of(value, *format == 'x' ? 16 : 10, negative, end);
            put_padded(&sink, end - length, length, width, left, padding);
        } else {
            put(to, *format); /* %% and everything unknown */
        }
    }
}

/* ---- Into memory ----------------------------------------------------------------------------- */

struct room { char *at, *end; };

static void put_into(void *pointer, char c) {
    struct room *room = pointer;
    if (room->at < room->end) *room->at++ = c;
}

u64 print_to(char *to, u64 room, const char *format, ...) {
    struct room left = {to, to + room - 1};
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    format_list(put_into, &left, format, arguments);
    __builtin_va_end(arguments);
    *left.at = '\0';
    return left.at - to;
}

void copy_string(char *to, const char *from, u64 room) {
    u64 length = strlen(from) < room ? strlen(from) : room - 1;
    memcpy(to, from, length);
    to[length] = '\0';
}

int same_bytes(const void *a, const void *b, u64 n) {
    const char *one = a, *two = b;
    while (n > 0 && *one == *two) one++, two++, n--;
    return n == 0;
}
