/*
 * print.c: texts with numbers in them, for the console and for files in /proc.
 */
#include "kernel.h"

static void put(struct text *text, const char *bytes, u64 n) {
    for (u64 i = 0; i < n; i++) {
        if (text != 0 && text->length < text->room) text->bytes[text->length++] = bytes[i];
        if (text == 0 && bytes[i] == '\n') console_put_all("\r", 1);
        if (text == 0) console_put_all(&bytes[i], 1);
    }
}

static void put_number(struct text *text, u64 value, u32 base, int negative, u64 width, char padding) {
    char digits[24];
    u64 at = sizeof(digits);
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    if (negative) digits[--at] = '-';
    for (; width > sizeof(digits) - at; width--) put(text, &padding, 1);
    put(text, digits + at, sizeof(digits) - at);
}

static void format_list(struct text *text, const char *format, __builtin_va_list arguments) {
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            put(text, format, 1);
            continue;
        }
        char padding = *++format == '0' ? '0' : ' ', c;
        u64 width = 0;
        for (; *format >= '0' && *format <= '9'; format++) width = width * 10 + (*format - '0');
        int is_long = *format == 'l';
        format += is_long;
        if (*format == 's') {
            const char *string = __builtin_va_arg(arguments, const char *);
            put(text, string, strlen(string));
        } else if (*format == 'c') {
            c = (char)__builtin_va_arg(arguments, int);
            put(text, &c, 1);
        } else {
            long value = is_long ? __builtin_va_arg(arguments, long) : __builtin_va_arg(arguments, int);
            int negative = *format == 'd' && value < 0;
            if (!is_long && !negative) value = (u32)value;
            put_number(text, negative ? -value : value, *format == 'x' ? 16 : 10, negative, width, padding);
        }
    }
}

void print_list(const char *format, __builtin_va_list arguments) {
    format_list(0, format, arguments);
    console_flush();
}

void printk(const char *format, ...) {
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    print_list(format, arguments);
    __builtin_va_end(arguments);
}

void text_add(struct text *text, const char *format, ...) {
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    format_list(text, format, arguments);
    __builtin_va_end(arguments);
}

void print_to(char *to, u64 room, const char *format, ...) {
    struct text text = {.bytes = to, .room = room - 1};
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    format_list(&text, format, arguments);
    __builtin_va_end(arguments);
    to[text.length] = '\0';
}

void copy_string(char *to, const char *from, u64 room) {
    u64 length = MIN(strlen(from), room - 1);
    memcpy(to, from, length);
    to[length] = '\0';
}

int same_bytes(const void *a, const void *b, u64 n) {
    const char *one = a, *two = b;
    while (n > 0 && *one == *two) one++, two++, n--;
    return n == 0;
}
