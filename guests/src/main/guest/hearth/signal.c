/*
 * signal.c: interrupting processes. A signal waits in signals_pending until its process is about to
 * leave the kernel; there the process dies, stops, or is sent to its handler.
 */
#include "kernel.h"

#define BIT(signal)  (1ul << ((signal) - 1))
#define IGNORED_BY_DEFAULT (BIT(SIGCHLD) | BIT(SIGCONT) | BIT(SIGURG) | BIT(SIGWINCH))
#define STOPPING     (BIT(SIGSTOP) | BIT(SIGTSTP) | BIT(SIGTTIN) | BIT(SIGTTOU))
#define UNSTOPPABLE  (BIT(SIGKILL) | BIT(SIGSTOP))
#define SYSTEM_CALL  257  /* trap.c */
#define SYSCALL_SIZE 2    /* bytes of the syscall instruction */
#define RED_ZONE     128  /* below rsp: the compiler's, also without moving rsp */

int signal_waiting(struct task *task) {
    return (task->signals_pending & ~task->signals_blocked) != 0;
}

/* ---- Sending ---------------------------------------------------------------------------------------- */

int is_signal_ignored(struct task *task, int signal) {
    u64 handler = task->actions->action[signal - 1].handler;
    if (task->pid == 1 && handler == SIG_DFL) return 1; /* init is not killed by mistake */
    return handler == SIG_IGN || (handler == SIG_DFL && IGNORED_BY_DEFAULT & BIT(signal));
}

/* Whether a signal waits that will end the process. */
int signal_kills(struct task *task) {
    u64 waiting = task->signals_pending & ~task->signals_blocked & ~STOPPING;
    for (; waiting != 0; waiting &= waiting - 1) {
        int signal = __builtin_ctzl(waiting) + 1;
        if (!is_signal_ignored(task, signal) && task->actions->action[signal - 1].handler == SIG_DFL) return 1;
    }
    return 0;
}

static void resume(struct task *task) {
    if (task->state != STOPPED) return;
    task->state = SLEEPING;
    wake_task(task);
}

void signal_send(struct task *task, int signal) {
    if (task->actions == 0 || task->state == ZOMBIE) return; /* kernel threads have no signals */
    if (signal == SIGCONT) task->signals_pending &= ~STOPPING;
    if (signal == SIGCONT || signal == SIGKILL) resume(task);
    if (!(BIT(signal) & task->signals_blocked) && is_signal_ignored(task, signal)) return;
    task->signals_pending |= BIT(signal);
    if (signal_waiting(task) && task->state == SLEEPING && task->interruptible) wake_task(task);
    /* One that runs on the other vCPU would not notice before it happens to come to the kernel. */
    if (task->cpu != 0 && task != current) event_notify(task->cpu->ipi_port);
}

long signal_send_group(int group, int signal) {
    long sent = -ESRCH;
    for (struct task *task = tasks; task != 0; task = task->next) {
        if (task->group != group || task->actions == 0) continue;
        if (signal != 0) signal_send(task, signal);
        sent = 0;
    }
    return sent;
}

/* Of the running process's own making, so it may not be ignored. */
void signal_fault(int signal, u64 address) {
    if (current->pid == 1) {
        panic("process 1 (%s): signal %d, address %lx, rip %lx", current->name, signal, address,
              task_registers(current)->rip);
    }
    current->fault_address = address;
    if (is_signal_ignored(current, signal) || current->signals_blocked & BIT(signal)) {
        current->actions->action[signal - 1].handler = SIG_DFL;
        current->signals_blocked &= ~BIT(signal);
    }
    current->signals_pending |= BIT(signal);
}

/* ---- Handlers ------------------------------------------------------------------------------------------ */

static long build_frame(struct registers *regs, int signal, const struct sigaction *action, u64 mask) {
    struct signal_frame frame = {
        .return_address = action->restorer, .mask = mask, .old_mask = mask, .si_signo = signal,
        .r8 = regs->r8, .r9 = regs->r9, .r10 = regs->r10, .r11 = regs->r11, .r12 = regs->r12,
        .r13 = regs->r13, .r14 = regs->r14, .r15 = regs->r15, .rdi = regs->rdi, .rsi = regs->rsi,
        .rbp = regs->rbp, .rbx = regs->rbx, .rdx = regs->rdx, .rax = regs->rax, .rcx = regs->rcx,
        .rsp = regs->rsp, .rip = regs->rip, .rflags = regs->rflags, .cr2 = current->fault_address,
        .trap_number = regs->vector, .si_address = current->fault_address};
    u64 fpu = ROUND_DOWN(regs->rsp - RED_ZONE - sizeof(current->fpu), 64);
    u64 at = ROUND_DOWN(fpu - sizeof(frame), 16) - 8; /* as if called: rsp + 8 is a multiple of 16 */
    frame.fpstate = fpu;
    __asm__ volatile("fxsave64 %0" : "=m"(current->fpu));
    if (copy_to_user(fpu, current->fpu, sizeof(current->fpu)) != 0) return -EFAULT;
    if (copy_to_user(at, &frame, sizeof(frame)) != 0) return -EFAULT;
    regs->rsp = at;
    regs->rip = action->handler;
    regs->rdi = signal;
    regs->rsi = at + __builtin_offsetof(struct signal_frame, si_signo);
    regs->rdx = at + __builtin_offsetof(struct signal_frame, uc_flags);
    regs->rax = 0;
    return 0;
}

/* The handler has returned to the restorer, which called this. */
long sys_rt_sigreturn(void) {
    struct registers *regs = task_registers(current);
    struct signal_frame frame;
    if (copy_from_user(&frame, regs->rsp - 8, sizeof(frame)) != 0
            || copy_from_user(current->fpu, frame.fpstate, sizeof(current->fpu)) != 0) {
        do_exit(SIGSEGV);
    }
    *(u32 *)(current->fpu + 24) &= 0xffff; /* reserved bits of MXCSR would be an exception here */
    __asm__ volatile("fxrstor64 %0" : : "m"(current->fpu));
    *regs = (struct registers){
        .r8 = frame.r8, .r9 = frame.r9, .r10 = frame.r10, .r11 = frame.r11, .r12 = frame.r12,
        .r13 = frame.r13, .r14 = frame.r14, .r15 = frame.r15, .rdi = frame.rdi, .rsi = frame.rsi,
        .rbp = frame.rbp, .rbx = frame.rbx, .rdx = frame.rdx, .rax = frame.rax, .rcx = frame.rcx,
        .rsp = frame.rsp, .rip = frame.rip, .rflags = (frame.rflags & 0xcd5) | 0x202,
        .cs = FLAT_USER_CS, .ss = FLAT_USER_SS};
    current->signals_blocked = frame.mask & ~UNSTOPPABLE;
    return frame.rax;
}

static void stop(int signal) {
    current->state = STOPPED;
    current->stop_signal = signal;
    current->stop_reported = 0;
    signal_send(current->parent, SIGCHLD);
    wakeup(current->parent);
    schedule();
}

/* A call that a signal ended begins anew, unless a handler runs that does not want it. */
static void restart(struct registers *regs, const struct sigaction *action) {
    if (regs->vector != SYSTEM_CALL || regs->rax != (u64)-ERESTART) return;
    if (action != 0 && !(action->flags & SA_RESTART)) {
        regs->rax = -EINTR;
    } else {
        regs->rax = regs->error_code; /* where the number of the call is kept */
        regs->rip -= SYSCALL_SIZE;
    }
    regs->vector = 0;
}

static void deliver(struct registers *regs, int signal) {
    struct sigaction action = current->actions->action[signal - 1];
    if (is_signal_ignored(current, signal) && signal != SIGKILL) return;
    if (action.handler == SIG_DFL) {
        if (STOPPING & BIT(signal)) stop(signal);
        else do_exit(signal);
        return;
    }
    u64 mask = current->restore_blocked ? current->saved_blocked : current->signals_blocked;
    current->restore_blocked = 0;
    restart(regs, &action);
    if (build_frame(regs, signal, &action, mask) != 0) do_exit(SIGSEGV);
    current->signals_blocked |= action.mask & ~UNSTOPPABLE;
    if (!(action.flags & SA_NODEFER)) current->signals_blocked |= BIT(signal);
    if (action.flags & SA_RESETHAND) current->actions->action[signal - 1].handler = SIG_DFL;
}

void signals_deliver(struct registers *regs) {
    while (signal_waiting(current)) {
        int signal = __builtin_ctzl(current->signals_pending & ~current->signals_blocked) + 1;
        current->signals_pending &= ~BIT(signal);
        deliver(regs, signal);
    }
    restart(regs, 0);
    if (current->restore_blocked) current->signals_blocked = current->saved_blocked;
    current->restore_blocked = 0;
}

/* A new program knows no handlers; what was ignored stays so. */
void signals_reset(void) {
    for (int signal = 1; signal < NSIG; signal++) {
        struct sigaction *action = &current->actions->action[signal - 1];
        if (action->handler != SIG_IGN) *action = (struct sigaction){.handler = SIG_DFL};
    }
}

/* ---- System calls ------------------------------------------------------------------------------------------ */

long sys_rt_sigaction(u64 signal, u64 new, u64 old) {
    struct sigaction action;
    if (signal == 0 || signal >= NSIG || (new != 0 && BIT(signal) & UNSTOPPABLE)) return -EINVAL;
    if (new != 0 && copy_from_user(&action, new, sizeof(action)) != 0) return -EFAULT;
    struct sigaction *mine = &current->actions->action[signal - 1];
    if (old != 0 && copy_to_user(old, mine, sizeof(*mine)) != 0) return -EFAULT;
    if (new != 0) *mine = action;
    return 0;
}

long sys_rt_sigprocmask(u64 how, u64 set, u64 old) {
    u64 mask, *blocked = &current->signals_blocked;
    if (old != 0 && copy_to_user(old, blocked, 8) != 0) return -EFAULT;
    if (set == 0) return 0;
    if (copy_from_user(&mask, set, 8) != 0) return -EFAULT;
    if (how > 2) return -EINVAL;
    *blocked = (how == 0 ? *blocked | mask : how == 1 ? *blocked & ~mask : mask) & ~UNSTOPPABLE;
    return 0;
}

long sys_rt_sigpending(u64 to) {
    u64 pending = current->signals_pending & current->signals_blocked;
    return copy_to_user(to, &pending, 8);
}

long sys_rt_sigsuspend(u64 set) {
    u64 mask;
    if (copy_from_user(&mask, set, 8) != 0) return -EFAULT;
    current->saved_blocked = current->signals_blocked;
    current->restore_blocked = 1;
    current->signals_blocked = mask & ~UNSTOPPABLE;
    while (wait(current, 0) != -EINTR) continue;
    return -EINTR;
}

long sys_pause(void) {
    while (wait(current, 0) != -EINTR) continue;
    return -EINTR;
}

long sys_kill(long pid, u64 signal) {
    if (signal >= NSIG) return -EINVAL;
    if ((int)pid == -1) {
        for (struct task *task = tasks; task != 0; task = task->next) {
            if (task->pid > 1 && task != current && signal != 0) signal_send(task, signal);
        }
        return 0;
    }
    if ((int)pid <= 0) return signal_send_group((int)pid == 0 ? current->group : -(int)pid, signal);
    struct task *task = task_by_pid(pid);
    if (task == 0) return -ESRCH;
    if (signal != 0) signal_send(task, signal);
    return 0;
}

long sys_tkill(u64 pid, u64 signal) {
    return sys_kill(pid, signal);
}

long sys_tgkill(u64 group, u64 pid, u64 signal) {
    (void)group;
    return sys_kill(pid, signal);
}

static void alarm(void *pointer) {
    struct task *task = pointer;
    if (task->alarm_interval != 0) timer_set(&task->alarm, task->alarm.deadline + task->alarm_interval);
    else task->alarm.deadline = 0;
    signal_send(task, SIGALRM);
}

long sys_setitimer(u64 which, u64 new, u64 old) {
    struct timeval times[2] = {{0, 0}, {0, 0}};
    struct task *task = current;
    u64 left = task->alarm.deadline == 0 ? 0 : MAX((long)(task->alarm.deadline - now()), 1);
    struct timeval before[2] = {
        {task->alarm_interval / NANOS_PER_SECOND, task->alarm_interval % NANOS_PER_SECOND / 1000},
        {left / NANOS_PER_SECOND, left % NANOS_PER_SECOND / 1000}};
    if (which != 0) return -EINVAL; /* only real time */
    if (new != 0 && copy_from_user(times, new, sizeof(times)) != 0) return -EFAULT;
    if (old != 0 && copy_to_user(old, before, sizeof(before)) != 0) return -EFAULT;
    u64 first = times[1].tv_sec * NANOS_PER_SECOND + times[1].tv_usec * NANOS_PER_MICRO;
    task->alarm_interval = times[0].tv_sec * NANOS_PER_SECOND + times[0].tv_usec * NANOS_PER_MICRO;
    task->alarm.run = alarm;
    task->alarm.argument = task;
    timer_cancel(&task->alarm);
    task->alarm.deadline = 0;
    if (first != 0) timer_set(&task->alarm, now() + first);
    return 0;
}

long sys_alarm(u64 seconds) {
    struct task *task = current;
    u64 left = task->alarm.deadline == 0 ? 0 : task->alarm.deadline - now();
    timer_cancel(&task->alarm);
    task->alarm = (struct timer){.run = alarm, .argument = task};
    task->alarm_interval = 0;
    if (seconds != 0) timer_set(&task->alarm, now() + seconds * NANOS_PER_SECOND);
    return ROUND_UP(left, NANOS_PER_SECOND) / NANOS_PER_SECOND;
}
