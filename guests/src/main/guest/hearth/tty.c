/*
 * tty.c: the terminal on the console: lines that can be corrected before they are read, Ctrl-C, and the group of
 * processes in front. And the other devices in /dev.
 */
#include "kernel.h"

#define CTRL(letter) ((letter) & 31)
#define INPUT_ROOM   1024
#define END_OF_FILE  0x100 /* in the place of a byte */

static struct termios settings = {
    .c_iflag = ICRNL, .c_oflag = OPOST | ONLCR, .c_cflag = 0xbf /* 38400 baud, 8 bits */,
    .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | IEXTEN,
    .c_cc = {[VINTR] = CTRL('C'), [VERASE] = 127, [VEOF] = CTRL('D'), [VMIN] = 1, [VSUSP] = CTRL('Z')},
};
static struct winsize window = {.ws_row = 24, .ws_col = 80};
static int foreground; /* the group that may read, and that Ctrl-C ends */
static u16 input[INPUT_ROOM];
static u32 taken, ready, typed; /* run freely: read by processes; complete lines; with the last one */

static void echo(const char *bytes, u64 n) { if (settings.c_lflag & ECHO) console_put_all(bytes, n); }

static void echo_typed(u8 c) {
    if (c == '\n') echo("\r\n", 2);
    else if (c < ' ' && c != '\t') echo((char[]){'^', c ^ 64}, 2);
    else echo((char *)&c, 1);
}

/* Called for each byte that comes from the console, with the kernel lock held. */
void tty_input(u8 c) {
    int signal = c == settings.c_cc[VINTR] ? SIGINT : c == settings.c_cc[VSUSP] ? SIGTSTP : 0;
    int in_lines = settings.c_lflag & ICANON;
    if (c == '\r' && settings.c_iflag & ICRNL) c = '\n';
    if (signal != 0 && settings.c_lflag & ISIG) {
        echo_typed(c);
        ready = typed = taken;
        signal_send_group(foreground, signal);
    } else if (in_lines && (c == settings.c_cc[VERASE] || c == CTRL('H'))) {
        if (typed != ready) typed--, echo("\b \b", 3);
    } else if (typed - taken < INPUT_ROOM) {
        int is_end = in_lines && c == settings.c_cc[VEOF];
        if (!is_end) echo_typed(c);
        input[typed++ % INPUT_ROOM] = is_end ? END_OF_FILE : c;
        if (!in_lines || is_end || c == '\n') ready = typed;
    }
    console_flush();
    wakeup(&ready);
}

static long tty_read(struct file *file, void *to, u64 n) {
    u64 done = 0;
    if (current->group != foreground) { /* it is stopped until it is in front */
        if (is_signal_ignored(current, SIGTTIN)) return -EIO;
        signal_send_group(current->group, SIGTTIN);
        return -ERESTART;
    }
    while (taken == ready && n > 0) {
        if (file->flags & O_NONBLOCK) return -EAGAIN;
        if (!(settings.c_lflag & ICANON) && settings.c_cc[VMIN] == 0) return 0;
        if (wait(&ready, 0) != 0) return -ERESTART;
    }
    while (taken != ready && done < n) {
        u16 c = input[taken++ % INPUT_ROOM];
        if (c == END_OF_FILE) break;
        ((char *)to)[done++] = c;
        if (settings.c_lflag & ICANON && c == '\n') break;
    }
    return done;
}

static long tty_write(struct file *file, const void *from, u64 n) {
    const char *bytes = from;
    u64 done = 0;
    (void)file;
    for (int is_line = 0; done < n; done++) {
        is_line = bytes[done] == '\n' && (settings.c_oflag & (OPOST | ONLCR)) == (OPOST | ONLCR);
        while (!console_put(is_line ? "\r\n" : &bytes[done], 1 + is_line)) {
            console_flush();
            if (console_wait() != 0) return done > 0 ? (long)done : -ERESTART;
        }
    }
    console_flush();
    return done;
}

static u32 tty_poll(struct file *file) {
    (void)file;
    return (taken != ready ? POLLIN : 0) | POLLOUT;
}

static long tty_ioctl(struct file *file, u32 request, u64 argument) {
    int group;
    (void)file;
    switch (request) {
    case TCGETS:
        return copy_to_user(argument, &settings, sizeof(settings));
    case TCSETS: case TCSETSW: case TCSETSF:
        if (request == TCSETSF) taken = ready = typed;
        if (copy_from_user(&settings, argument, sizeof(settings)) != 0) return -EFAULT;
        if (!(settings.c_lflag & ICANON)) ready = typed; /* what there is of a line can be read now */
        return 0;
    case TIOCGWINSZ:
        return copy_to_user(argument, &window, sizeof(window));
    case TIOCSWINSZ:
        signal_send_group(foreground, SIGWINCH);
        return copy_from_user(&window, argument, sizeof(window));
    case TIOCSCTTY:
        foreground = current->group;
        return 0;
    case TIOCGPGRP:
        return copy_to_user(argument, &foreground, sizeof(foreground));
    case TIOCSPGRP:
        if (copy_from_user(&group, argument, sizeof(group)) != 0) return -EFAULT;
        if (signal_send_group(group, 0) != 0) return -EPERM; /* there is none */
        foreground = group;
        return 0;
    default:
        return -ENOTTY;
    }
}

const struct file_ops tty_ops = {
    .read = tty_read, .write = tty_write, .ioctl = tty_ioctl, .poll = tty_poll};

/* ---- /dev --------------------------------------------------------------------------------------------- */
struct device { const struct file_ops *ops; void *data; };

static void device_open(struct inode *inode, struct file *file) {
    struct device *device = inode->data;
    file->ops = device->ops;
    file->data = device->data;
}

struct inode *device_register(const char *name, u32 mode, u32 number, const struct file_ops *ops, void *data) {
    static const struct inode_ops device_ops = {.open = device_open};
    struct device *device = kmalloc(sizeof(*device));
    char path[32];
    print_to(path, sizeof(path), "/dev/%s", name);
    struct inode *inode = path_make(path, mode);
    if (inode == 0 || device == 0) return 0;
    *device = (struct device){ops, data};
    inode->ops = &device_ops;
    inode->device = number;
    inode->data = device;
    return inode;
}

/* null, zero and urandom differ by what can be read. */
static long simple_read(struct file *file, void *to, u64 n) {
    u32 minor = file->inode->device & 255;
    for (u64 i = 0; i < n && minor != 3; i++) ((u8 *)to)[i] = minor == 5 ? 0 : random64();
    return minor == 3 ? 0 : n;
}

static long simple_write(struct file *file, const void *from, u64 n) {
    (void)file, (void)from;
    return n;
}

void devices_init(void) {
    static const struct file_ops simple_ops = {.read = simple_read, .write = simple_write};
    path_make("/dev", S_IFDIR | 0755);
    device_register("null", S_IFCHR | 0666, 1 << 8 | 3, &simple_ops, 0);
    device_register("zero", S_IFCHR | 0666, 1 << 8 | 5, &simple_ops, 0);
    device_register("urandom", S_IFCHR | 0666, 1 << 8 | 9, &simple_ops, 0);
    device_register("tty", S_IFCHR | 0666, 5 << 8, &tty_ops, 0);
    device_register("console", S_IFCHR | 0600, 5 << 8 | 1, &tty_ops, 0);
}
