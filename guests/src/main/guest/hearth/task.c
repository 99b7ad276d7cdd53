/*
 * task.c: many things to do for few processors. A task is a stack with a struct task at its bottom;
 * a process is a task with an address space. Who sleeps is on no list: wakeup() looks at all tasks,
 * of which there are dozens.
 */
#include "kernel.h"

struct task *tasks;
static struct task *first_to_run, **last_to_run = &first_to_run;
static struct task *dead; /* kernel threads that have ended, and can be freed by anybody else */
static int last_pid;

extern void switch_stacks(struct task *from, struct task *to);
extern char first_return[], first_call[];

/* ---- The big kernel lock ------------------------------------------------------------------------ */

static u32 kernel_lock;

void lock_kernel(void) {
    u32 taken = 1;
    for (;;) {
        __asm__ volatile("xchg %0, %1" : "+r"(taken), "+m"(kernel_lock) : : "memory");
        if (!taken) return;
        /* The vCPU that has the lock may not be running: Xen decides. So give way, don't spin. */
        HYPERCALL(sched_op, SCHEDOP_yield, 0);
    }
}

void unlock_kernel(void) {
    compiler_barrier();
    SHARED(kernel_lock) = 0;
}

/* ---- Who runs next -------------------------------------------------------------------------------- */

int tasks_wait_to_run(void) {
    return first_to_run != 0;
}

static void enqueue(struct task *task) {
    task->next_to_run = 0;
    *last_to_run = task;
    last_to_run = &task->next_to_run;
}

static struct task *dequeue(void) {
    struct task *task = first_to_run;
    if (task == 0) return 0;
    first_to_run = task->next_to_run;
    if (first_to_run == 0) last_to_run = &first_to_run;
    return task;
}

/* Another vCPU may be asleep while there is work for it. */
static void kick_idle(void) {
    for (u32 i = 0; i < cpu_count; i++) {
        if (&cpus[i] != current->cpu && cpus[i].sleeps) {
            cpus[i].sleeps = 0;
            event_notify(cpus[i].ipi_port);
            return;
        }
    }
}

/*
 * What a vCPU needs to know of the task it runs: the stack for coming back from the process, the
 * process's page tables, and two segment bases. Four hypercalls in one: a multicall.
 */
static void load_context(struct task *task) {
    struct mmuext_op tables = {
        .cmd = MMUEXT_NEW_USER_BASEPTR,
        .arg1 = task->space == 0 ? 0 : virt_to_mfn(task->space->root)};
    struct multicall_entry calls[] = {
        {.op = HYPERCALL_mmuext_op, .args = {(u64)&tables, 1, 0, DOMID_SELF}},
        {.op = HYPERCALL_stack_switch, .args = {FLAT_KERNEL_SS, (u64)task + STACK_SIZE}},
        {.op = HYPERCALL_set_segment_base, .args = {SEGBASE_FS, task->fs_base}},
        {.op = HYPERCALL_set_segment_base, .args = {SEGBASE_GS_USER, task->gs_base}},
    };
    u64 count = task->space == 0 ? 1 : ARRAY_SIZE(calls);
    hypercall(HYPERCALL_multicall, (u64)calls, count, 0, 0);
    for (u64 i = 0; i < count; i++) {
        if (calls[i].result < 0) panic("cannot switch to task %d: %lu", task->pid, i);
    }
}

void task_load(void) {
    load_context(current);
}

void fpu_reset(struct task *task) {
    memset(task->fpu, 0, sizeof(task->fpu));
    *(u16 *)task->fpu = 0x37f;          /* the x87 control word, and MXCSR, as after a reset */
    *(u32 *)(task->fpu + 24) = 0x1f80;
    if (task == current) __asm__ volatile("fxrstor64 %0" : : "m"(task->fpu));
}

static void switch_to(struct task *to) {
    struct task *from = current;
    to->cpu = from->cpu;
    to->cpu->running = to;
    if (from->space != 0) __asm__ volatile("fxsave64 %0" : "=m"(from->fpu));
    if (to->space != 0) __asm__ volatile("fxrstor64 %0" : : "m"(to->fpu));
    if (to->space != 0 || from->space != 0) load_context(to);
    from->cpu = 0;
    switch_stacks(from, to);
    /* Some other task has come back to this one, perhaps on another vCPU. */
}

static void bury(void) {
    while (dead != 0 && dead != current) {
        struct task *task = dead;
        dead = task->next_to_run;
        for (u32 i = 0; i < STACK_SIZE / PAGE_SIZE; i++) page_put((char *)task + i * PAGE_SIZE);
    }
}

/* Lets another task run, if one wants to. The running task goes on later if it is RUNNABLE. */
void schedule(void) {
    struct task *from = current;
    int goes_on = from->state == RUNNABLE && from != from->cpu->idle;
    events_handle(); /* may wake even the running task, if it wants to sleep: then it is queued */
    bury();
    if (goes_on && first_to_run == 0) return;
    if (goes_on) enqueue(from);
    struct task *to = dequeue();
    if (to == 0) to = from->cpu->idle;
    if (to != from) switch_to(to);
    slice_begin();
}

int kernel_work(void) {
    events_handle();
    return first_to_run != 0 && now() >= current->cpu->slice_end;
}

/* Between two pieces of something that may take long: lets others run. -EINTR: it should end. */
long long_work(void) {
    if (kernel_work()) schedule();
    return signal_waiting(current) ? -EINTR : 0;
}

void idle(void) {
    struct cpu *cpu = current->cpu;
    for (;;) {
        schedule();
        timer_program();
        cpu->sleeps = 1;
        unlock_kernel();
        /* Sleeps until an event is pending, unmasking in the same step: one that came after the
         * look at the queue cannot be slept through. Its upcall comes before this returns. */
        HYPERCALL(sched_op, SCHEDOP_block, 0);
        events_off();
        lock_kernel();
        cpu->sleeps = 0;
    }
}

/* ---- Sleeping and waking --------------------------------------------------------------------------- */

void wake_task(struct task *task) {
    if (task->state != SLEEPING) return;
    task->state = RUNNABLE;
    task->channel = 0;
    enqueue(task);
    kick_idle();
}

static char any_wakeup; /* the channel of those who poll */

void wakeup(const void *channel) {
    for (struct task *task = tasks; task != 0; task = task->next) {
        if (task->state == SLEEPING && (task->channel == channel || task->channel == &any_wakeup)) {
            wake_task(task);
        }
    }
}

static void sleep_on(const void *channel, int interruptible) {
    current->channel = channel;
    current->interruptible = interruptible;
    current->state = SLEEPING;
    schedule();
}

void sleep(const void *channel) {
    sleep_on(channel, 0);
}

static void time_is_up(void *task) {
    wake_task(task);
}

long wait(const void *channel, u64 deadline) {
    struct timer timer = {.run = time_is_up, .argument = current};
    if (signal_waiting(current)) return -EINTR;
    if (deadline != 0 && deadline <= now()) return -ETIMEDOUT;
    if (deadline != 0) timer_set(&timer, deadline);
    sleep_on(channel, 1);
    if (deadline != 0) timer_cancel(&timer);
    if (signal_waiting(current)) return -EINTR;
    return deadline != 0 && deadline <= now() ? -ETIMEDOUT : 0;
}

long poll_wait(u64 deadline) {
    return wait(&any_wakeup, deadline);
}

void sleep_until(u64 deadline) {
    while (wait(&deadline, deadline) == 0) continue;
}

void mutex_lock(struct mutex *mutex) {
    while (mutex->owner != 0) sleep(mutex);
    mutex->owner = current;
}

void mutex_unlock(struct mutex *mutex) {
    mutex->owner = 0;
    wakeup(mutex);
}

/* ---- Making tasks ------------------------------------------------------------------------------------ */

struct task *task_new(const char *name) {
    struct task *task = pages_alloc(STACK_SIZE / PAGE_SIZE);
    if (task == 0) return 0;
    memset(task, 0, sizeof(*task));
    task->pid = ++last_pid;
    task->started = uptime();
    copy_string(task->name, name, sizeof(task->name));
    task->state = SLEEPING;
    fpu_reset(task);
    struct task **at = &tasks;
    while (*at != 0) at = &(*at)->next;
    *at = task;
    return task;
}

static void task_forget(struct task *task) {
    struct task **at = &tasks;
    while (*at != task) at = &(*at)->next;
    *at = task->next;
}

/* Its first switch_stacks will find six registers and an address to return to. */
static void prepare(struct task *task, u64 top, const char *first, u64 rbx, u64 r12) {
    u64 *stack = (u64 *)top - 7;
    stack[0] = stack[1] = stack[2] = stack[5] = 0; /* r15 r14 r13 rbp */
    stack[3] = r12;
    stack[4] = rbx;
    stack[6] = (u64)first;
    task->stack_pointer = (u64)stack;
}

struct task *kthread(const char *name, void (*run)(void *), void *argument) {
    struct task *task = task_new(name);
    if (task == 0) panic("no memory for kernel thread %s", name);
    /* Below the room for a process's registers: a kernel thread may become a process. */
    prepare(task, (u64)task_registers(task), first_call, (u64)run, (u64)argument);
    wake_task(task);
    return task;
}

/* Idle tasks are in no list: they never wait for anything. */
struct task *idle_task(u32 cpu, void (*run)(void *)) {
    struct task *task = pages_alloc(STACK_SIZE / PAGE_SIZE);
    if (task == 0) panic("no memory for vCPU %u", cpu);
    memset(task, 0, sizeof(*task));
    prepare(task, (u64)task + STACK_SIZE - 16, first_call, (u64)run, 0);
    task->cpu = &cpus[cpu];
    cpus[cpu] = (struct cpu){
        .id = cpu, .idle = task, .running = task, .info = &shared_info.vcpu_info[cpu]};
    return task;
}

void tasks_init(void (*first)(void *)) {
    static struct task nobody;
    struct task *task = idle_task(0, first);
    cpus[0].online = 1;
    cpu_count = 1;
    kernel_lock = 1;
    switch_stacks(&nobody, task);
    __builtin_unreachable();
}

/* ---- The life of a process ---------------------------------------------------------------------------- */

struct task *task_by_pid(int pid) {
    struct task *task = tasks;
    while (task != 0 && task->pid != pid) task = task->next;
    return task;
}

static int copy_files(struct task *child, int share) {
    struct file_table *table = current->files;
    if (!share) {
        struct file_table *copy = kmalloc(sizeof(*copy));
        if (copy == 0) return 0;
        *copy = *table;
        copy->users = 0;
        for (int fd = 0; fd < MAX_FILES; fd++) if (copy->files[fd] != 0) file_get(copy->files[fd]);
        table = copy;
    }
    table->users++;
    child->files = table;
    return 1;
}

static int copy_process(struct task *child, u64 flags) {
    child->actions = kmalloc(sizeof(*child->actions));
    if (child->actions == 0) return 0;
    *child->actions = *current->actions;
    if (flags & CLONE_VM) {
        child->space = current->space;
        child->space->users++;
    } else if ((child->space = space_clone(current->space)) == 0) {
        return 0;
    }
    return copy_files(child, (flags & CLONE_FILES) != 0);
}

static void free_task(struct task *task) {
    task_forget(task);
    for (u32 i = 0; i < STACK_SIZE / PAGE_SIZE; i++) page_put((char *)task + i * PAGE_SIZE);
}

/* It dies before its child lets it go on. */
static void forget_vfork_parent(struct task *parent) {
    for (struct task *task = tasks; task != 0; task = task->next) {
        if (task->vfork_parent == parent) task->vfork_parent = 0;
    }
}

/* fork(), vfork() and what posix_spawn() wants; threads are not known here. */
long do_fork(u64 flags, u64 stack, u64 tid_address, u64 tls) {
    if (flags & CLONE_THREAD || (flags & (CLONE_VM | CLONE_VFORK)) == CLONE_VM) return -EINVAL;
    if (flags & CLONE_SETTLS && tls >= USER_END) return -EPERM;
    struct task *child = task_new(current->name), *parent = current;
    if (child == 0) return -ENOMEM;
    if (!copy_process(child, flags)) {
        if (child->space != 0) space_put(child->space);
        kfree(child->actions);
        free_task(child);
        return -ENOMEM;
    }
    child->parent = parent;
    child->group = parent->group, child->session = parent->session;
    child->umask = parent->umask;
    child->signals_blocked = parent->signals_blocked;
    child->fs_base = flags & CLONE_SETTLS ? tls : parent->fs_base, child->gs_base = parent->gs_base;
    if (parent->directory != 0) inode_get(child->directory = parent->directory);
    __asm__ volatile("fxsave64 %0" : "=m"(child->fpu));
    struct registers *registers = task_registers(child);
    *registers = *task_registers(parent);
    registers->rax = 0;
    if (stack != 0) registers->rsp = stack;
    int pid = child->pid;
    if (flags & CLONE_CHILD_SETTID) copy_to_space(child->space, tid_address, &pid, 4);
    if (flags & CLONE_CHILD_CLEARTID) child->clear_tid = tid_address;
    if (flags & CLONE_VFORK) child->vfork_parent = parent;
    prepare(child, (u64)registers, first_return, 0, 0);
    wake_task(child);
    while (flags & CLONE_VFORK && parent->vfork_child_pid != pid && !signal_kills(parent)) {
        sleep_on(parent, 1);
    }
    forget_vfork_parent(parent);
    return pid;
}

/* Its child has an address space of its own now, or none any more. */
void release_vfork_parent(void) {
    struct task *parent = current->vfork_parent;
    if (parent == 0) return;
    current->vfork_parent = 0;
    parent->vfork_child_pid = current->pid;
    wakeup(parent);
}

/* Orphans are init's. */
static void leave_children(void) {
    struct task *init = task_by_pid(1);
    for (struct task *task = tasks; task != 0; task = task->next) {
        if (task->parent != current) continue;
        task->parent = init;
        if (task->state == ZOMBIE) wakeup(init);
    }
}

/* The status is that of wait(): a signal, or an exit code << 8. */
void do_exit(int status) {
    struct task *task = current;
    if (task->space == 0) { /* a kernel thread */
        task_forget(task);
        task->state = DEAD;
        task->next_to_run = dead;
        dead = task;
        schedule();
    }
    if (task->pid == 1) {
        printk("hearth: init has ended\n");
        power_off(SHUTDOWN_poweroff);
    }
    struct space *space = task->space;
    timer_cancel(&task->alarm);
    files_close_all(task->files);
    inode_put(task->directory);
    if (space->users > 1 && task->clear_tid != 0) clear_user(task->clear_tid, 4);
    task->space = 0;
    task_load();
    space_put(space);
    release_vfork_parent();
    leave_children();
    task->exit_status = status;
    task->state = ZOMBIE;
    u64 wish = task->parent->actions->action[SIGCHLD - 1].handler;
    if (wish == SIG_IGN) task->parent = task_by_pid(1);
    signal_send(task->parent, SIGCHLD);
    wakeup(task->parent);
    schedule();
    panic("a dead process runs");
}

static int is_wanted(struct task *task, int pid) {
    if (task->parent != current) return 0;
    return pid == -1 || (pid > 0 && task->pid == pid) || (pid == 0 && task->group == current->group)
           || (pid < -1 && task->group == -pid);
}

long do_wait(int pid, u32 options, int *status) {
    for (;;) {
        int children = 0;
        for (struct task *task = tasks; task != 0; task = task->next) {
            if (!is_wanted(task, pid)) continue;
            children = 1;
            int found = task->pid;
            if (task->state == ZOMBIE) {
                *status = task->exit_status;
                current->children_time += task->user_time + task->children_time;
                kfree(task->actions);
                free_task(task);
                return found;
            }
            if (options & WUNTRACED && task->state == STOPPED && !task->stop_reported) {
                task->stop_reported = 1;
                *status = task->stop_signal << 8 | 0x7f;
                return found;
            }
        }
        if (!children) return -ECHILD;
        if (options & WNOHANG) return 0;
        if (wait(current, 0) != 0) return -ERESTART;
    }
}
