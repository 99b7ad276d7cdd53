/*
 * tty.c: the terminal on the console: lines that can be corrected before they are read, Ctrl-C, and the group
 * of processes in front. And the other devices in /dev.
 */
#include "kernel.h"

#define CTRL(letter) ((letter) & 31)
#define INPUT_ROOM   1024
#define END_OF_FILE  0x100 /* in the place of a byte */

static struct termios settings = {
    .c_iflag = ICRNL, .c_oflag = OPOST | ONLCR, .c_cflag = 0xbf /* 38400 baud, 8 bits */,
    .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | IEXTEN,
    .c_cc = {[VINTR] = CTRL('C'), [VQUIT] = CTRL('\\'), [VERASE] = 127, [VKILL] = CTRL('U'), [VEOF] = CTRL('D'),
             [VMIN] = 1, [VSUSP] = CTRL('Z')},
};
static struct winsize window = {.ws_row = 24, .ws_col = 80};
static int foreground, session;
static u16 input[INPUT_ROOM];
static u32 taken, ready, typed; /* run freely: read by processes; complete lines; with the last one */

/* ---- Input -------------------------------------------------------------------------------------------- */

static void echo(u8 c) {
    if (!(settings.c_lflag & ECHO)) return;
    if (c == '\n') console_put_all("\r\n", 2);
    else if (c < ' ' && c != '\t') console_put_all((char[]){'^', c ^ 64}, 2);
    else console_put_all((char *)&c, 1);
}

static void put_input(u16 c) {
    if (typed - taken < INPUT_ROOM) input[typed++ % INPUT_ROOM] = c;
}

static int erase(void) {
    if (typed == ready) return 0;
    for (int columns = input[--typed % INPUT_ROOM] < ' ' ? 2 : 1; columns > 0; columns--) {
        if (settings.c_lflag & ECHO) console_put_all("\b \b", 3);
    }
    return 1;
}

/* Called for each byte that comes from the console, with the kernel lock held. */
void tty_input(u8 c) {
    const u8 *keys = settings.c_cc;
    int signal = c == keys[VINTR] ? SIGINT : c == keys[VQUIT] ? SIGQUIT : c == keys[VSUSP] ? SIGTSTP : 0;
    int in_lines = settings.c_lflag & ICANON;
    if (c == '\r' && settings.c_iflag & ICRNL) c = '\n';
    if (signal != 0 && settings.c_lflag & ISIG) {
        echo(c);
        ready = typed = taken;
        signal_send_group(foreground, signal);
    } else if (in_lines && (c == keys[VERASE] || c == CTRL('H'))) {
        erase();
    } else if (in_lines && c == keys[VKILL]) {
        while (erase()) continue;
    } else if (in_lines && c == keys[VEOF]) {
        put_input(END_OF_FILE);
        ready = typed;
    } else {
        echo(c);
        put_input(c);
        if (!in_lines || c == '\n') ready = typed;
    }
    console_flush();
    wakeup(&ready);
}

/* ---- What processes do with it ------------------------------------------------------------------------ */

static long tty_read(struct file *file, void *to, u64 n) {
    u64 done = 0;
    if (foreground != 0 && current->group != foreground && current->session == session) {
        if (is_signal_ignored(current, SIGTTIN)) return -EIO;
        signal_send_group(current->group, SIGTTIN); /* only the group in front may read */
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
    int adds_returns = (settings.c_oflag & (OPOST | ONLCR)) == (OPOST | ONLCR);
    (void)file;
    for (u64 done = 0, part; done < n; done += part) {
        for (part = 0; done + part < n && !(adds_returns && bytes[done + part] == '\n');) part++;
        long result = part > 0 ? console_write(bytes + done, part) : console_write("\r\n", 2);
        if (part == 0) part = 1;
        if (result < (long)part) return done + MAX(result, 0) > 0 ? (long)(done + MAX(result, 0)) : result;
    }
    return n;
}

static u32 tty_poll(struct file *file) {
    (void)file;
    return (taken != ready ? POLLIN : 0) | POLLOUT;
}

static long tty_ioctl(struct file *file, u32 request, u64 argument) {
    int number;
    (void)file;
    switch (request) {
    case TCGETS:
        return copy_to_user(argument, &settings, sizeof(settings));
    case TCSETS: case TCSETSW: case TCSETSF:
        if (request == TCSETSF) taken = typed;
        if (copy_from_user(&settings, argument, sizeof(settings)) != 0) return -EFAULT;
        if (request == TCSETSF || !(settings.c_lflag & ICANON)) ready = typed; /* also a line's beginning */
        return 0;
    case TIOCGWINSZ:
        return copy_to_user(argument, &window, sizeof(window));
    case TIOCSWINSZ:
        signal_send_group(foreground, SIGWINCH);
        return copy_from_user(&window, argument, sizeof(window));
    case TIOCSCTTY:
        session = current->session;
        foreground = current->group;
        return 0;
    case TIOCGPGRP:
        return current->session != session ? -ENOTTY : copy_to_user(argument, &foreground, 4);
    case TIOCSPGRP:
        if (copy_from_user(&number, argument, 4) != 0) return -EFAULT;
        if (current->session != session || signal_send_group(number, 0) != 0) return -EPERM;
        foreground = number;
        return 0;
    default:
        return -ENOTTY;
    }
}

const struct file_ops tty_ops = {
    .read = tty_read, .write = tty_write, .ioctl = tty_ioctl, .poll = tty_poll};

/* ---- The other devices -------------------------------------------------------------------------------- */

struct device { const struct file_ops *ops; void *data; };

static void device_open(struct inode *inode, struct file *file) {
    struct device *device = inode->data;
    file->ops = device->ops;
    file->data = device->data;
}

struct inode *device_register(const char *name, u32 mode, u32 number, const struct file_ops *ops, void *data) {
    static const struct inode_ops device_ops = {.open = device_open};
    char path[32];
    print_to(path, sizeof(path), "/dev/%s", name);
    struct inode *inode = path_make(path, mode);
    struct device *device = kmalloc(sizeof(*device));
    if (inode == 0 || device == 0) return 0;
    *device = (struct device){.ops = ops, .data = data};
    inode->ops = &device_ops;
    inode->device = number;
    inode->data = device;
    return inode;
}

static long null_read(struct file *file, void *to, u64 n) {
    (void)file, (void)to, (void)n;
    return 0;
}

static long null_write(struct file *file, const void *from, u64 n) {
    (void)file, (void)from;
    return n;
}

static long zero_read(struct file *file, void *to, u64 n) {
    (void)file;
    memset(to, 0, n);
    return n;
}

static long random_read(struct file *file, void *to, u64 n) {
    (void)file;
    for (u64 i = 0; i < n; i++) ((u8 *)to)[i] = random64();
    return n;
}

void devices_init(void) {
    static const struct file_ops null_ops = {.read = null_read, .write = null_write};
    static const struct file_ops zero_ops = {.read = zero_read, .write = null_write};
    static const struct file_ops random_ops = {.read = random_read, .write = null_write};
    path_make("/dev", S_IFDIR | 0755);
    device_register("null", S_IFCHR | 0666, 1 << 8 | 3, &null_ops, 0);
    device_register("zero", S_IFCHR | 0666, 1 << 8 | 5, &zero_ops, 0);
    device_register("urandom", S_IFCHR | 0666, 1 << 8 | 9, &random_ops, 0);
    device_register("tty", S_IFCHR | 0666, 5 << 8 | 0, &tty_ops, 0);
    device_register("console", S_IFCHR | 0600, 5 << 8 | 1, &tty_ops, 0);
}
