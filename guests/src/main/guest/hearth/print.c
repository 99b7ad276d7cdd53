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

static void put_padded(struct text *text, const char *from, u64 length, u64 width, char padding) {
    for (; width > length; width--) put(text, &padding, 1);
    put(text, from, length);
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

static void format_list(struct text *text, const char *format, __builtin_va_list arguments) {
    for (; *format != '\0'; format++) {
        char padding = ' ', digits[24], *end = digits + sizeof(digits);
        u64 width = 0;
        if (*format != '%') {
            put(text, format, 1);
            continue;
        }
        if (*++format == '0') padding = *format++;
        for (; *format >= '0' && *format <= '9'; format++) width = width * 10 + (*format - '0');
        int is_long = *format == 'l';
        format += is_long;
        if (*format == 's') {
            const char *string = __builtin_va_arg(arguments, const char *);
            put_padded(text, string, strlen(string), width, ' ');
        } else if (*format == 'c') {
            char c = (char)__builtin_va_arg(arguments, int);
            put_padded(text, &c, 1, width, ' ');
        } else {
            u64 value = is_long ? __builtin_va_arg(arguments, u64) : __builtin_va_arg(arguments, u32);
            int negative = *format == 'd' && (is_long ? (long)value : (int)value) < 0;
            if (negative) value = is_long ? -value : (u32)-(u32)value;
            u64 length = digits_of(value, *format == 'x' ? 16 : 10, negative, end);
            put_padded(text, end - length, length, width, padding);
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
    print_to(to, room, "%s", from);
}

int same_bytes(const void *a, const void *b, u64 n) {
    const char *one = a, *two = b;
    for (; n > 0; n--) if (*one++ != *two++) return 0;
    return 1;
}
