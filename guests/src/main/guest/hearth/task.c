/* task.c: many things to do for few processors. A task is a stack with a struct task at its bottom; a process
 * is a task with an address space. Who sleeps is on no list: wakeup() looks at all tasks, some dozens. */
#include "kernel.h"
struct task *tasks;
static struct task *first_to_run, **last_to_run = &first_to_run;
static int last_pid;
static u32 kernel_lock;
static char any_wakeup; /* the channel of those who poll */

extern void switch_stacks(struct task *from, struct task *to);
extern char first_return[], first_call[];

void lock_kernel(void) {
    /* The vCPU that has the lock may not be running: Xen decides. So give way, don't spin. */
    while (__sync_lock_test_and_set(&kernel_lock, 1)) HYPERCALL(sched_op, SCHEDOP_yield, 0);
}

void unlock_kernel(void) { __sync_lock_release(&kernel_lock); }
int tasks_wait_to_run(void) { return first_to_run != 0; }

/* At the end of the queue; and another vCPU may be asleep while there is work for it. */
static void enqueue(struct task *task) {
    task->next_to_run = 0;
    *last_to_run = task;
    last_to_run = &task->next_to_run;
    for (struct cpu *cpu = cpus; cpu < cpus + cpu_count; cpu++) {
        if (cpu->sleeps && cpu != current->cpu) cpu->sleeps = 0, event_notify(cpu->ipi_port);
    }
}

/* What a vCPU needs to know of the process it runs: its page tables, the stack for coming back from it, and a
 * segment base. Three hypercalls in one: a multicall. */
void task_load(struct task *task) {
    struct mmuext_op tables = {.cmd = MMUEXT_NEW_USER_BASEPTR,
                               .arg1 = task->space == 0 ? 0 : virt_to_mfn(task->space->root)};
    struct multicall_entry calls[] = {
        {.op = HYPERCALL_mmuext_op, .args = {(u64)&tables, 1, 0, DOMID_SELF}},
        {.op = HYPERCALL_stack_switch, .args = {FLAT_KERNEL_SS, (u64)task + STACK_SIZE}},
        {.op = HYPERCALL_set_segment_base, .args = {SEGBASE_FS, task->fs_base}},
    };
    u64 count = task->space == 0 ? 1 : ARRAY_SIZE(calls);
    hypercall(HYPERCALL_multicall, (u64)calls, count, 0, 0);
    for (u64 i = 0; i < count; i++) {
        if (calls[i].result < 0) panic("cannot switch to task %d: %lu", task->pid, i);
    }
}

void fpu_reset(struct task *task) {
    memset(task->fpu, 0, sizeof(task->fpu));
    *(u16 *)task->fpu = 0x37f; /* the x87 control word, and MXCSR, as after a reset */
    *(u32 *)(task->fpu + 24) = 0x1f80;
}

void fpu_save(struct task *task) { __asm__ volatile("fxsave64 %0" : "=m"(task->fpu)); }
void fpu_load(struct task *task) { __asm__ volatile("fxrstor64 %0" : : "m"(task->fpu)); }

/* Lets another task run, if one wants to. The running task goes on later if it is RUNNABLE. */
void schedule(void) {
    struct task *from = current, *to;
    int goes_on = from->state == RUNNABLE && from != from->cpu->idle;
    events_handle(); /* may wake even the running task, if it wants to sleep: then it is queued */
    if (goes_on && first_to_run == 0) return;
    if (goes_on) enqueue(from);
    if ((to = first_to_run) == 0) to = from->cpu->idle;
    else if ((first_to_run = to->next_to_run) == 0) last_to_run = &first_to_run;
    if (to != from) {
        to->cpu = from->cpu;
        if (from->space != 0) fpu_save(from);
        if (to->space != 0) fpu_load(to);
        if (to->space != 0 || from->space != 0) task_load(to);
        from->cpu = 0;
        switch_stacks(from, to);
        /* Some other task has come back to this one, perhaps on another vCPU. */
    }
    slice_begin();
}

int kernel_work(void) {
    events_handle();
    return first_to_run != 0 && now() >= current->cpu->slice_end;
}

void idle(void) {
    struct cpu *cpu = current->cpu;
    for (;;) {
        schedule();
        timer_program();
        cpu->sleeps = 1;
        unlock_kernel();
        /* Sleeps until an event is pending, unmasking in the same step: one that came after the look at the
         * queue cannot be slept through. Its upcall comes before this returns. */
        HYPERCALL(sched_op, SCHEDOP_block, 0);
        events_off();
        lock_kernel();
        cpu->sleeps = 0;
    }
}

void wake_task(struct task *task) {
    if (task->state != SLEEPING) return;
    task->state = RUNNABLE;
    enqueue(task);
}

void wakeup(const void *channel) {
    for (struct task *task = tasks; task != 0; task = task->next) {
        if (task->channel == channel || task->channel == &any_wakeup) wake_task(task);
    }
}

long wait(const void *channel, u64 deadline) {
    struct task *task = current;
    if (signal_waiting(task) == 0 && (deadline == 0 || deadline > now())) {
        task->channel = channel, task->deadline = deadline;
        timer_expect(deadline);
        task->state = SLEEPING;
        schedule();
        task->channel = 0, task->deadline = 0;
    }
    if (signal_waiting(task) != 0) return -EINTR;
    return deadline != 0 && deadline <= now() ? -ETIMEDOUT : 0;
}

long poll_wait(u64 deadline) { return wait(&any_wakeup, deadline); }
void sleep_until(u64 deadline) { while (wait(&deadline, deadline) == 0) continue; }

/* Asleep, with all that it inherits; null: no memory. */
static struct task *task_new(const struct task *parent) {
    struct task *task = pages_alloc(STACK_SIZE / PAGE_SIZE), **at = &tasks;
    if (task == 0) return 0;
    if (parent != 0) *task = *parent;
    else fpu_reset(task);
    task->pid = ++last_pid;
    task->state = SLEEPING;
    task->started = uptime();
    task->cpu = 0, task->channel = 0, task->next = 0;
    task->signals_pending = task->alarm = task->user_time = 0;
    while (*at != 0) at = &(*at)->next;
    return *at = task;
}

static void task_free(struct task *task) {
    struct task **at = &tasks;
    while (*at != task) at = &(*at)->next;
    *at = task->next;
    pages_put(task, STACK_SIZE / PAGE_SIZE);
}

/* Its first switch_stacks will find six registers and an address to return to. */
static void prepare(struct task *task, void *top, const char *first, void *rbx, void *r12) {
    void **stack = (void **)top - 7;
    stack[3] = r12;
    stack[4] = rbx;
    stack[6] = (void *)first;
    task->stack_pointer = (u64)stack;
}

void kthread(const char *name, void (*run)(void *), void *argument) {
    struct task *task = task_new(0);
    if (task == 0) panic("no memory for kernel thread %s", name);
    copy_string(task->name, name, sizeof(task->name));
    /* Below the room for a process's registers: a kernel thread may become a process. */
    prepare(task, task_registers(task), first_call, run, argument);
    wake_task(task);
}

/* Idle tasks are in no list: they never wait for anything. */
struct task *idle_task(u32 cpu, void (*run)(void *)) {
    struct task *task = pages_alloc(STACK_SIZE / PAGE_SIZE);
    if (task == 0) panic("no memory for vCPU %u", cpu);
    prepare(task, (char *)task + STACK_SIZE - 16, first_call, run, 0);
    task->cpu = &cpus[cpu];
    cpus[cpu] = (struct cpu){.id = cpu, .idle = task, .info = &shared_info.vcpu_info[cpu]};
    return task;
}

void tasks_init(void (*first)(void *)) {
    static struct task nobody;
    cpu_count = 1;
    kernel_lock = 1;
    switch_stacks(&nobody, idle_task(0, first));
    __builtin_unreachable();
}

struct task *task_by_pid(int pid) {
    struct task *task = tasks;
    while (task != 0 && task->pid != pid) task = task->next;
    return task;
}

/* fork(), and what posix_spawn() wants; threads are not known here. vfork() is fork(): pages are copied by
 * who writes first, so little is lost. */
long sys_clone(u64 flags, u64 stack, u64 parent_tid, u64 child_tid) {
    struct task *parent = current, *child;
    (void)parent_tid;
    if ((flags & (CLONE_VM | CLONE_VFORK)) == CLONE_VM) return -EINVAL;
    fpu_save(parent);
    if ((child = task_new(parent)) == 0) return -ENOMEM;
    if ((child->space = space_clone(parent->space)) == 0) return task_free(child), -ENOMEM;
    child->parent = parent;
    inode_get(child->directory);
    for (int fd = 0; fd < MAX_FILES; fd++) if (child->files[fd] != 0) child->files[fd]->users++;
    struct registers *registers = task_registers(child);
    *registers = *task_registers(parent);
    registers->rax = 0;
    if (stack != 0) registers->rsp = stack;
    int pid = child->pid;
    if (flags & CLONE_CHILD_SETTID) copy_to_space(child->space, child_tid, &pid, 4);
    prepare(child, registers, first_return, 0, 0);
    wake_task(child);
    return pid;
}

/* The status is that of wait(): a signal, or an exit code << 8. */
void do_exit(int status) {
    struct task *task = current, *init = task_by_pid(1);
    struct space *space = task->space;
    if (task == init) {
        printk("hearth: init has ended\n");
        power_off(SHUTDOWN_poweroff);
    }
    for (int fd = 0; fd < MAX_FILES; fd++) sys_close(fd);
    inode_put(task->directory);
    task->alarm = 0;
    task->space = 0;
    task_load(task);
    space_free(space);
    for (struct task *child = tasks; child != 0; child = child->next) { /* orphans are init's */
        if (child->parent != task) continue;
        child->parent = init;
        if (child->state == ZOMBIE) wakeup(init);
    }
    task->exit_status = status;
    task->state = ZOMBIE;
    if (task->parent->action[SIGCHLD - 1].handler == SIG_IGN) task->parent = init;
    signal_send(task->parent, SIGCHLD);
    wakeup(task->parent);
    schedule();
    panic("a dead process runs");
}

/* The pid of a child that has ended, and how; 0: none has, -ECHILD: there are none. */
static long find_child(int pid, int *status) {
    long found = -ECHILD;
    for (struct task *task = tasks; task != 0; task = task->next) {
        int group = pid == 0 ? current->group : -pid;
        if (task->parent != current || (pid != -1 && task->pid != pid && task->group != group)) continue;
        found = task->pid;
        if (task->state == ZOMBIE) {
            *status = task->exit_status;
            task_free(task);
            return found;
        }
        found = 0;
    }
    return found;
}

long sys_wait4(u64 pid, u64 status_address, u64 options, u64 usage) {
    static const u8 no_usage[144];
    int status = 0;
    long found;
    while ((found = find_child((int)pid, &status)) == 0 && !(options & WNOHANG)) {
        if (wait(current, 0) != 0) return -ERESTART;
    }
    if (found > 0 && status_address != 0 && copy_to_user(status_address, &status, 4) != 0) return -EFAULT;
    if (found > 0 && usage != 0) copy_to_user(usage, no_usage, sizeof(no_usage));
    return found;
}
