/* signal.c: interrupting processes. A signal waits in signals_pending until its process is about to leave the
 * kernel; there the process dies or is sent to its handler. No process is ever stopped. */
#include "kernel.h"
#define BIT(signal)  (1ul << ((signal) - 1))
#define IGNORED (BIT(SIGCHLD) | BIT(SIGURG) | BIT(SIGWINCH) | STOP)
#define STOP    (BIT(SIGCONT) | BIT(SIGSTOP) | BIT(SIGTSTP) | BIT(SIGTTOU))
#define SYSCALL_SIZE 2    /* bytes of the syscall instruction */
#define RED_ZONE     128  /* below rsp: the compiler's, also without moving rsp */

u64 signal_waiting(struct task *task) { return task->signals_pending & ~task->signals_blocked; }

int is_signal_ignored(struct task *task, int signal) {
    u64 handler = task->action[signal - 1].handler;
    if (task->pid == 1 && handler == SIG_DFL) return 1; /* init is not killed by mistake */
    return handler == SIG_IGN || (handler == SIG_DFL && IGNORED & BIT(signal));
}

void signal_send(struct task *task, int signal) {
    if (task->space == 0 || signal == 0) return; /* kernel threads have no signals, and the dead need none */
    if (!(BIT(signal) & task->signals_blocked) && is_signal_ignored(task, signal)) return;
    task->signals_pending |= BIT(signal);
    if (signal_waiting(task)) wake_task(task);
    /* One that runs on the other vCPU would not notice before it happens to come to the kernel. */
    if (task->cpu != 0 && task != current) event_notify(task->cpu->ipi_port);
}

/* Signal 0: only asks whether there is such a group. */
long signal_send_group(int group, int signal) {
    long sent = -ESRCH;
    for (struct task *task = tasks; task != 0; task = task->next) {
        if (task->group == group && task->space != 0) signal_send(task, signal), sent = 0;
    }
    return sent;
}

/* Of the running process's own making: who does not want to know it ends. */
void signal_fault(int signal, u64 address) {
    if (current->signals_blocked & BIT(signal) || is_signal_ignored(current, signal)) do_exit(signal);
    current->fault_address = address;
    current->signals_pending |= BIT(signal);
}

/* Where struct registers has what Linux's frame lists in its own order. */
#define AT(field) __builtin_offsetof(struct registers, field)
static const u8 frame_order[] = {
    AT(r8), AT(r9), AT(r10), AT(r11), AT(r12), AT(r13), AT(r14), AT(r15), AT(rdi), AT(rsi), AT(rbp), AT(rbx),
    AT(rdx), AT(rax), AT(rcx), AT(rsp), AT(rip), AT(rflags)};
#define IN_ORDER(regs, index) (*(u64 *)((char *)(regs) + frame_order[index]))

static long build_frame(struct registers *regs, int signal, const struct sigaction *action, u64 mask) {
    u64 fpu = ROUND_DOWN(regs->rsp - RED_ZONE - sizeof(current->fpu), 64);
    struct signal_frame frame = {.return_address = action->restorer, .mask = mask, .si_signo = signal,
                                 .fpstate = fpu, .si_address = current->fault_address};
    u64 at = ROUND_DOWN(fpu - sizeof(frame), 16) - 8; /* as if called: rsp + 8 is a multiple of 16 */
    for (u32 i = 0; i < ARRAY_SIZE(frame_order); i++) frame.registers[i] = IN_ORDER(regs, i);
    fpu_save(current);
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
    fpu_load(current);
    for (u32 i = 0; i < ARRAY_SIZE(frame_order); i++) IN_ORDER(regs, i) = frame.registers[i];
    regs->rflags = (regs->rflags & 0xcd5) | 0x202; /* what a process may set, and that events come */
    regs->vector = 0;
    current->signals_blocked = frame.mask & ~BIT(SIGKILL);
    return regs->rax;
}

/* A call that a signal ended begins anew, unless a handler runs that does not want it. */
static void restart(struct registers *regs, int wants_it) {
    if (regs->vector != SYSTEM_CALL || regs->rax != (u64)-ERESTART) return;
    regs->rax = wants_it ? regs->error_code : (u64)-EINTR; /* where the number of the call is kept */
    regs->rip -= wants_it ? SYSCALL_SIZE : 0;
    regs->vector = 0;
}

static void run_handler(struct task *task, struct registers *regs, int signal) {
    struct sigaction action = task->action[signal - 1];
    u64 mask = task->restore_blocked ? task->saved_blocked : task->signals_blocked;
    task->restore_blocked = 0;
    restart(regs, (action.flags & SA_RESTART) != 0);
    if (build_frame(regs, signal, &action, mask) != 0) do_exit(SIGSEGV);
    task->signals_blocked |= action.mask & ~BIT(SIGKILL);
    if (!(action.flags & SA_NODEFER)) task->signals_blocked |= BIT(signal);
}

void signals_deliver(struct registers *regs) {
    struct task *task = current;
    while (signal_waiting(task)) {
        int signal = __builtin_ctzl(signal_waiting(task)) + 1;
        task->signals_pending &= ~BIT(signal);
        if (is_signal_ignored(task, signal) && signal != SIGKILL) continue;
        if (task->action[signal - 1].handler == SIG_DFL) do_exit(signal);
        run_handler(task, regs, signal);
    }
    restart(regs, 1);
    if (task->restore_blocked) task->signals_blocked = task->saved_blocked;
    task->restore_blocked = 0;
}

/* A new program knows no handlers; what was ignored stays so. */
void signals_reset(void) {
    for (struct sigaction *action = current->action; action < current->action + NSIG - 1; action++) {
        if (action->handler != SIG_IGN) *action = (struct sigaction){.handler = SIG_DFL};
    }
}

long sys_rt_sigaction(u64 signal, u64 new, u64 old) {
    struct sigaction action;
    if (signal == 0 || signal >= NSIG || (new != 0 && signal == SIGKILL)) return -EINVAL;
    if (new != 0 && copy_from_user(&action, new, sizeof(action)) != 0) return -EFAULT;
    if (old != 0 && copy_to_user(old, &current->action[signal - 1], sizeof(action)) != 0) return -EFAULT;
    if (new != 0) current->action[signal - 1] = action;
    return 0;
}

long sys_rt_sigprocmask(u64 how, u64 set, u64 old) {
    u64 mask, blocked = current->signals_blocked;
    if (old != 0 && copy_to_user(old, &blocked, 8) != 0) return -EFAULT;
    if (set == 0) return 0;
    if (how > 2 || copy_from_user(&mask, set, 8) != 0) return how > 2 ? -EINVAL : -EFAULT;
    mask = how == 0 ? blocked | mask : how == 1 ? blocked & ~mask : mask;
    current->signals_blocked = mask & ~BIT(SIGKILL);
    return 0;
}

long sys_pause(void) {
    while (wait(current, 0) != -EINTR) continue;
    return -EINTR;
}

long sys_rt_sigsuspend(u64 set) {
    u64 mask;
    if (copy_from_user(&mask, set, 8) != 0) return -EFAULT;
    current->saved_blocked = current->signals_blocked;
    current->restore_blocked = 1;
    current->signals_blocked = mask & ~BIT(SIGKILL);
    return sys_pause();
}

/* A process, or a group: our own for 0, another as a negative number. */
long sys_kill(u64 number, u64 signal) {
    int pid = number;
    struct task *task = task_by_pid(pid);
    if (signal >= NSIG) return -EINVAL;
    if (pid <= 0) return signal_send_group(pid == 0 ? current->group : -pid, signal);
    if (task != 0) signal_send(task, signal);
    return task == 0 ? -ESRCH : 0;
}

long sys_tgkill(u64 group, u64 pid, u64 signal) { return group == pid ? sys_kill(pid, signal) : -ESRCH; }

/* When SIGALRM shall come, once, in nanoseconds from now; 0: not at all. How long it would have been. */
static u64 set_alarm(u64 nanos) {
    u64 left = current->alarm == 0 ? 0 : MAX((long)(current->alarm - now()), 1);
    current->alarm = nanos == 0 ? 0 : now() + nanos;
    timer_expect(current->alarm);
    return left;
}

long sys_alarm(u64 seconds) {
    return ROUND_UP(set_alarm((u32)seconds * NANOS_PER_SECOND), NANOS_PER_SECOND) / NANOS_PER_SECOND;
}

long sys_setitimer(u64 which, u64 new) {
    struct timespec times[2]; /* an interval, which we do not know, and the first time, with microseconds */
    if (which != 0) return -EINVAL;
    if (copy_from_user(times, new, sizeof(times)) != 0) return -EFAULT;
    return set_alarm(times[1].tv_sec * NANOS_PER_SECOND + times[1].tv_nsec * NANOS_PER_MICRO), 0;
}
