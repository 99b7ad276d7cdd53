/* tty.c: the ring of bytes shared with the console's backend (lantern's console.c explains it), and on it the
 * terminal: lines that can be corrected, Ctrl-C, the group of processes in front. And all of /dev. */
#include "kernel.h"
#define CTRL(letter) ((letter) & 31)
#define INPUT_ROOM   1024
#define END_OF_FILE  0x100 /* in the place of a byte */

static struct console_ring *ring;

void console_flush(void) { event_notify(start_info->console_evtchn); }

static int console_put(const char *bytes, u64 n) {
    u32 prod = ring->out_prod; /* only we write it */
    /* The difference is right even after the indices have wrapped. */
    if (prod - SHARED(ring->out_cons) + n > sizeof(ring->out)) return 0;
    for (u64 i = 0; i < n; i++) ring->out[prod++ % sizeof(ring->out)] = bytes[i];
    compiler_barrier(); /* the bytes first, then the index that publishes them */
    SHARED(ring->out_prod) = prod;
    return 1;
}

void console_put_all(const char *bytes, u64 n) {
    while (!console_put(bytes, n)) console_flush(), HYPERCALL(sched_op, SCHEDOP_yield, 0);
}

static void put(void *nothing, char c) { console_put_all(c == '\n' ? "\r\n" : &c, c == '\n' ? 2 : 1); }

void printk(const char *format, ...) {
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    format_list(put, 0, format, arguments);
    __builtin_va_end(arguments);
    console_flush();
}

static struct termios settings = {
    .c_iflag = ICRNL, .c_oflag = OPOST | ONLCR, .c_cflag = 0xbf /* 38400 baud, 8 bits */,
    .c_lflag = ISIG | ICANON | ECHO,
    .c_cc = {[VINTR] = CTRL('C'), [VERASE] = 127, [VEOF] = CTRL('D'), [VMIN] = 1},
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

static void tty_input(u8 c) {
    int in_lines = settings.c_lflag & ICANON;
    if (c == '\r' && settings.c_iflag & ICRNL) c = '\n';
    if (c == settings.c_cc[VINTR] && settings.c_lflag & ISIG) {
        echo_typed(c);
        ready = typed = taken;
        signal_send_group(foreground, SIGINT);
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

static void console_event(void *nothing) {
    u32 cons = ring->in_cons;
    while (cons != SHARED(ring->in_prod)) {
        compiler_barrier(); /* the byte only after the index that published it */
        tty_input(ring->in[cons++ % sizeof(ring->in)]);
        compiler_barrier(); /* and the room given back only after the byte */
        SHARED(ring->in_cons) = cons;
        console_flush();
    }
    wakeup(&ring); /* whoever waits for room looks again */
}

void console_init(void) {
    ring = mfn_to_virt(start_info->console_mfn);
    event_attach(start_info->console_evtchn, console_event, 0);
}

static long tty_read(struct file *file, void *to, u64 n) {
    u64 done = 0;
    if (current->group != foreground) { /* it ends, or handles that */
        signal_send_group(current->group, SIGTTIN);
        return is_signal_ignored(current, SIGTTIN) ? -EIO : -ERESTART;
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
    for (int is_line = 0; done < n; done++) {
        is_line = bytes[done] == '\n' && (settings.c_oflag & (OPOST | ONLCR)) == (OPOST | ONLCR);
        while (!console_put(is_line ? "\r\n" : &bytes[done], 1 + is_line)) {
            console_flush();
            if (wait(&ring, 0) != 0) return done > 0 ? (long)done : -ERESTART;
        }
    }
    console_flush();
    return done;
}

static u32 tty_poll(struct file *file) { return (taken != ready ? POLLIN : 0) | POLLOUT; }

static long tty_ioctl(struct file *file, u32 request, u64 argument) {
    int group;
    switch (request) {
    case TCGETS: return copy_to_user(argument, &settings, sizeof(settings));
    case TCSETSF: taken = ready = typed; /* falls through */
    case TCSETS: case TCSETSW:
        if (copy_from_user(&settings, argument, sizeof(settings)) != 0) return -EFAULT;
        if (!(settings.c_lflag & ICANON)) ready = typed; /* what there is of a line can be read now */
        return 0;
    case TIOCGWINSZ: return copy_to_user(argument, &window, sizeof(window));
    case TIOCSWINSZ: return copy_from_user(&window, argument, sizeof(window));
    case TIOCSCTTY: return foreground = current->group, 0;
    case TIOCGPGRP: return copy_to_user(argument, &foreground, sizeof(foreground));
    case TIOCSPGRP:
        if (copy_from_user(&group, argument, sizeof(group)) != 0) return -EFAULT;
        if (signal_send_group(group, 0) != 0) return -EPERM; /* there is none */
        return foreground = group, 0;
    default: return -ENOTTY;
    }
}

const struct file_ops tty_ops = {
    .read = tty_read, .write = tty_write, .ioctl = tty_ioctl, .poll = tty_poll};

struct inode *device_register(const char *name, u32 mode, u32 number, const struct file_ops *ops, void *its) {
    char path[32];
    print_to(path, sizeof(path), "/dev/%s", name);
    struct inode *inode = path_make(path, mode);
    if (inode == 0) return 0;
    inode->file_ops = ops;
    inode->device = number;
    inode->data = its;
    return inode;
}

/* null, zero and urandom differ by what can be read. */
static long simple_read(struct file *file, void *to, u64 n) {
    u32 minor = file->inode->device & 255;
    for (u64 i = 0; i < n && minor != 3; i++) ((u8 *)to)[i] = minor == 5 ? 0 : random64();
    return minor == 3 ? 0 : n;
}

static long simple_write(struct file *file, const void *from, u64 n) { return n; }

void devices_init(void) {
    static const struct file_ops simple_ops = {.read = simple_read, .write = simple_write};
    path_make("/dev", S_IFDIR | 0755);
    device_register("null", S_IFCHR | 0666, 1 << 8 | 3, &simple_ops, 0);
    device_register("zero", S_IFCHR | 0666, 1 << 8 | 5, &simple_ops, 0);
    device_register("urandom", S_IFCHR | 0666, 1 << 8 | 9, &simple_ops, 0);
    device_register("tty", S_IFCHR | 0666, 5 << 8, &tty_ops, 0);
    device_register("console", S_IFCHR | 0600, 5 << 8 | 1, &tty_ops, 0);
}
