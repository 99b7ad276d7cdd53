/*
 * print.c: texts with numbers in them, for the console and for files in /proc.
 */
#include "kernel.h"

static void put(struct text *text, char c) {
    if (text == 0) {
        if (c == '\n') console_put("\r\n", 2);
        else console_put(&c, 1);
    } else if (text->length < text->room) {
        text->bytes[text->length++] = c;
    }
}

static void put_padded(struct text *text, const char *from, u64 length, u64 width, int left,
                       char padding) {
    u64 missing = width > length ? width - length : 0;
    if (!left) while (missing > 0) put(text, padding), missing--;
    while (length-- > 0) put(text, *from++);
    while (missing > 0) put(text, ' '), missing--;
}

static void format_list(struct text *text, const char *format, __builtin_va_list arguments) {
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            put(text, *format);
            continue;
        }
        int left = 0, is_long = 0;
        char padding = ' ', digits[24];
        u64 width = 0, length = 0;
        format++;
        if (*format == '-') left = 1, format++;
        if (*format == '0') padding = '0', format++;
        for (; *format >= '0' && *format <= '9'; format++) width = width * 10 + (*format - '0');
        if (*format == 'l') is_long = 1, format++;
        if (*format == 's') {
            const char *string = __builtin_va_arg(arguments, const char *);
            put_padded(text, string, strlen(string), width, left, ' ');
        } else if (*format == 'c') {
            char c = (char)__builtin_va_arg(arguments, int);
            put_padded(text, &c, 1, width, left, ' ');
        } else if (*format == 'd' || *format == 'u' || *format == 'x') {
            u64 value = is_long ? __builtin_va_arg(arguments, u64)
                                : __builtin_va_arg(arguments, u32);
            u32 base = *format == 'x' ? 16 : 10;
            int negative = *format == 'd' && (is_long ? (long)value : (int)value) < 0;
            if (negative) value = is_long ? -value : (u32)-(u32)value;
            do {
                digits[sizeof(digits) - ++length] = "0123456789abcdef"[value % base];
                value /= base;
            } while (value != 0);
            if (negative) digits[sizeof(digits) - ++length] = '-';
            put_padded(text, digits + sizeof(digits) - length, length, width, left, padding);
        } else {
            put(text, *format); /* %% and everything unknown */
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

/* Copies what fits, always with a 0 at the end. */
void copy_string(char *to, const char *from, u64 room) {
    u64 length = MIN(strlen(from), room - 1);
    memcpy(to, from, length);
    to[length] = '\0';
}

int same_bytes(const void *a, const void *b, u64 n) {
    const char *one = a, *two = b;
    for (; n > 0; n--) if (*one++ != *two++) return 0;
    return 1;
}
