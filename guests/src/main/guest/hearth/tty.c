/*
 * tty.c: the terminal on the console: lines that can be corrected before they are read, Ctrl-C, and
 * the group of processes in front. And the other devices in /dev.
 */
#include "kernel.h"

#define CTRL(letter) ((letter) & 31)
#define INPUT_ROOM   1024

static struct termios settings = {
    .c_iflag = ICRNL, .c_oflag = OPOST | ONLCR, .c_cflag = 0xbf /* 38400 baud, 8 bits */,
    .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | IEXTEN,
    .c_cc = {[VINTR] = CTRL('C'), [VQUIT] = CTRL('\\'), [VERASE] = 127, [VKILL] = CTRL('U'),
             [VEOF] = CTRL('D'), [VMIN] = 1, [VSUSP] = CTRL('Z'), [VWERASE] = CTRL('W')},
};
static struct winsize window = {.ws_row = 24, .ws_col = 80};
static int foreground, session;

static char input[INPUT_ROOM];
static u32 taken, ready, typed; /* run freely: read by processes; complete lines; with the last one */
static u64 ends[INPUT_ROOM / 64]; /* a bit for each byte that is an end of file */

/* ---- Input ------------------------------------------------------------------------------------------ */

static void echo(const char *bytes, u64 n) {
    if (settings.c_lflag & ECHO) console_put(bytes, n);
}

static void echo_typed(char c) {
    char caret[2] = {'^', c ^ 64};
    if (c == '\n') echo("\r\n", 2);
    else if ((u8)c < ' ' && c != '\t') echo(caret, 2);
    else echo(&c, 1);
}

static int erase(void) {
    if (typed == ready) return 0;
    char c = input[--typed % INPUT_ROOM];
    for (int columns = (u8)c < ' ' ? 2 : 1; columns > 0; columns--) echo("\b \b", 3);
    return 1;
}

static void put_input(char c, int end_of_file) {
    if (typed - taken == INPUT_ROOM) return;
    u32 at = typed++ % INPUT_ROOM;
    input[at] = c;
    ends[at / 64] &= ~(1ul << at % 64);
    ends[at / 64] |= (u64)end_of_file << at % 64;
}

static int is_signal(char c) {
    int signal = c == (char)settings.c_cc[VINTR] ? SIGINT : c == (char)settings.c_cc[VQUIT] ? SIGQUIT
                 : c == (char)settings.c_cc[VSUSP] ? SIGTSTP : 0;
    if (!(settings.c_lflag & ISIG) || signal == 0) return 0;
    echo_typed(c);
    ready = typed = taken;
    signal_send_group(foreground, signal);
    return 1;
}

static void edit(char c) {
    if (c == (char)settings.c_cc[VERASE] || c == CTRL('H')) {
        erase();
    } else if (c == (char)settings.c_cc[VKILL]) {
        while (erase()) continue;
    } else if (c == (char)settings.c_cc[VEOF]) {
        put_input(c, 1);
        ready = typed;
    } else {
        echo_typed(c);
        put_input(c, 0);
        if (c == '\n') ready = typed;
    }
}

/* Called for each byte that comes from the console, with the kernel lock held. */
void tty_input(char c) {
    if (c == '\r' && settings.c_iflag & IGNCR) return;
    if (c == '\r' && settings.c_iflag & ICRNL) c = '\n';
    if (!is_signal(c)) {
        if (settings.c_lflag & ICANON) {
            edit(c);
        } else {
            echo_typed(c);
            put_input(c, 0);
            ready = typed;
        }
    }
    console_flush();
    wakeup(&ready);
}

/* ---- What processes do with it ------------------------------------------------------------------------ */

/* Only the group in front may read; the others are stopped until they are. */
static int in_background(void) {
    if (foreground == 0 || current->group == foreground || current->session != session) return 0;
    return 1;
}

static long tty_read(struct file *file, void *to, u64 n) {
    u64 done = 0;
    if (in_background()) {
        if (is_signal_ignored(current, SIGTTIN)) return -EIO;
        signal_send_group(current->group, SIGTTIN);
        return -ERESTART;
    }
    while (taken == ready && n > 0) {
        if (file->flags & O_NONBLOCK) return -EAGAIN;
        if (!(settings.c_lflag & ICANON) && settings.c_cc[VMIN] == 0) {
            u64 tenths = settings.c_cc[VTIME];
            if (tenths == 0) return 0;
            long error = wait(&ready, now() + tenths * (NANOS_PER_SECOND / 10));
            if (error != 0) return error == -ETIMEDOUT ? 0 : -ERESTART;
        } else if (wait(&ready, 0) != 0) {
            return -ERESTART;
        }
    }
    while (taken != ready && done < n) {
        u32 at = taken++ % INPUT_ROOM;
        if (ends[at / 64] >> at % 64 & 1) break;
        ((char *)to)[done++] = input[at];
        if (settings.c_lflag & ICANON && input[at] == '\n') break;
    }
    return done;
}

static long tty_write(struct file *file, const void *from, u64 n) {
    const char *bytes = from;
    (void)file;
    if (!(settings.c_oflag & OPOST) || !(settings.c_oflag & ONLCR)) return console_write(bytes, n);
    for (u64 done = 0; done < n;) {
        u64 part = 0;
        while (done + part < n && bytes[done + part] != '\n') part++;
        long result = part == 0 ? 0 : console_write(bytes + done, part);
        if (result < (long)part) return done + MAX(result, 0) > 0 ? (long)done + MAX(result, 0) : result;
        done += part;
        if (done < n) {
            result = console_write("\r\n", 2);
            if (result < 2) return done > 0 ? (long)done : result;
            done++;
        }
    }
    return n;
}

static u32 tty_poll(struct file *file) {
    (void)file;
    return (taken != ready ? POLLIN : 0) | POLLOUT;
}

static long tty_ioctl(struct file *file, u32 request, u64 argument) {
    int number = session;
    (void)file;
    switch (request) {
    case TCGETS:
        return copy_to_user(argument, &settings, sizeof(settings));
    case TCSETSF:
        taken = ready = typed;
        /* falls through */
    case TCSETS: case TCSETSW: {
        long error = copy_from_user(&settings, argument, sizeof(settings));
        if (!(settings.c_lflag & ICANON)) ready = typed; /* what there is of a line can be read now */
        return error;
    }
    case TIOCGWINSZ:
        return copy_to_user(argument, &window, sizeof(window));
    case TIOCSWINSZ:
        signal_send_group(foreground, SIGWINCH);
        return copy_from_user(&window, argument, sizeof(window));
    case TIOCSCTTY:
        if (session != 0 && session != current->session) return -EPERM;
        session = current->session;
        foreground = current->group;
        return 0;
    case TIOCNOTTY:
        return 0;
    case TIOCGPGRP:
        number = foreground;
        /* falls through */
    case TIOCGSID:
        return current->session != session ? -ENOTTY : copy_to_user(argument, &number, 4);
    case TIOCSPGRP:
        if (copy_from_user(&number, argument, 4) != 0) return -EFAULT;
        if (current->session != session || signal_send_group(number, 0) != 0) return -EPERM;
        foreground = number;
        return 0;
    case FIONREAD:
        number = ready - taken;
        return copy_to_user(argument, &number, 4);
    default:
        return -ENOTTY;
    }
}

const struct file_ops tty_ops = {
    .read = tty_read, .write = tty_write, .ioctl = tty_ioctl, .poll = tty_poll};

/* ---- The other devices -------------------------------------------------------------------------------------- */

static struct device {
    struct device *next;
    u32 number;
    const struct file_ops *ops;
    void *data;
} *devices;

static struct inode *device_directory;

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

/* Not for secrets: xorshift, begun with the clock. Good enough for names of temporary files. */
void random_bytes(void *to, u64 n) {
    static u64 state;
    for (u64 i = 0; i < n; i++) {
        if (state == 0) state = now() | 1;
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        ((u8 *)to)[i] = state >> 32;
    }
}

static long random_read(struct file *file, void *to, u64 n) {
    (void)file;
    random_bytes(to, n);
    return n;
}

long device_open(struct inode *inode, struct file *file) {
    for (struct device *device = devices; device != 0; device = device->next) {
        if (device->number != inode->device) continue;
        file->ops = device->ops;
        file->data = device->data;
        return 0;
    }
    return -ENXIO;
}

long device_register(const char *name, u32 mode, u32 number, const struct file_ops *ops, void *data) {
    struct device *device = kmalloc(sizeof(*device));
    struct inode *inode;
    if (device == 0) return -ENOMEM;
    *device = (struct device){.next = devices, .number = number, .ops = ops, .data = data};
    devices = device;
    long error = memory_ops.create(device_directory, name, mode, &inode);
    if (error != 0) return error;
    inode->device = number;
    inode_put(inode);
    return 0;
}

static long devices_open(struct mount *mount, const char *source, u32 flags) {
    (void)source, (void)flags;
    if (device_directory->covers != 0) return -EBUSY;
    inode_get(mount->root = device_directory);
    return 0;
}

#define NUMBER(major, minor) ((major) << 8 | (minor))

void devices_init(void) {
    static const struct file_ops null_ops = {.read = null_read, .write = null_write};
    static const struct file_ops zero_ops = {.read = zero_read, .write = null_write};
    static const struct file_ops random_ops = {.read = random_read, .write = null_write};
    static struct mount_type type = {.name = "devtmpfs", .open = devices_open};
    device_directory = memory_inode(S_IFDIR | 0755);
    device_register("null", S_IFCHR | 0666, NUMBER(1, 3), &null_ops, 0);
    device_register("zero", S_IFCHR | 0666, NUMBER(1, 5), &zero_ops, 0);
    device_register("random", S_IFCHR | 0666, NUMBER(1, 8), &random_ops, 0);
    device_register("urandom", S_IFCHR | 0666, NUMBER(1, 9), &random_ops, 0);
    device_register("tty", S_IFCHR | 0666, NUMBER(5, 0), &tty_ops, 0);
    device_register("console", S_IFCHR | 0600, NUMBER(5, 1), &tty_ops, 0);
    device_register("hvc0", S_IFCHR | 0600, NUMBER(229, 0), &tty_ops, 0);
    mount_type_register(&type);
}
