/* event.c: event channels, the interrupts of a paravirtual guest, and time. Lantern's events.c explains the
 * bits in the shared page. The kernel runs with events masked; they are taken where it can bear them: between
 * a process and the kernel, in idle(), and wherever a task goes to sleep. */
#include "kernel.h"
#include "clock.h"
#define PORTS_PER_WORD 64
#define MAX_PORT       256 /* Xen would give 4,095 */

static struct port { u32 cpu; void (*handler)(void *); void *argument; } ports[MAX_PORT];

void events_init(void) {
    for (u32 word = 0; word < 64; word++) SHARED(shared_info.evtchn_mask[word]) = ~0ul;
}

/* Xen and the other vCPU change the same words at the same moment: hence the atomic operations. */
static void handle_word(u32 word) {
    u64 bits = SHARED(shared_info.evtchn_pending[word]) & ~SHARED(shared_info.evtchn_mask[word]);
    for (; bits != 0; bits &= bits - 1) {
        u32 port = word * PORTS_PER_WORD + __builtin_ctzl(bits);
        if (port >= MAX_PORT || ports[port].cpu != current->cpu->id) continue;
        __sync_fetch_and_and(&shared_info.evtchn_pending[word], ~(bits & -bits));
        if (ports[port].handler != 0) ports[port].handler(ports[port].argument);
    }
}

void events_handle(void) {
    struct vcpu_info *info = current->cpu->info;
    while (SHARED(info->evtchn_upcall_pending)) {
        /* Clear first, look afterwards: an event that comes in between is seen by the next round. The other
         * order would lose it. */
        SHARED(info->evtchn_upcall_pending) = 0;
        u64 words = __atomic_exchange_n(&info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
        for (; words != 0; words &= words - 1) handle_word(__builtin_ctzl(words));
    }
}

void events_off(void) {
    SHARED(current->cpu->info->evtchn_upcall_mask) = 1;
    compiler_barrier();
}

static u32 attach(u32 port, u32 cpu, void (*handler)(void *), void *argument) {
    struct evtchn_unmask unmask = {.port = port};
    if (port == 0 || port >= MAX_PORT) panic("event channel %u is not one of ours", port);
    ports[port] = (struct port){.cpu = cpu, .handler = handler, .argument = argument};
    /* By hypercall: clearing the mask bit alone would leave an event that came before without an upcall. */
    HYPERCALL(event_channel_op, EVTCHNOP_unmask, &unmask);
    return port;
}

void event_attach(u32 port, void (*handler)(void *), void *argument) { attach(port, 0, handler, argument); }

void event_bind_virq(u32 virq, u32 cpu, void (*handler)(void *), void *argument) {
    struct evtchn_bind_virq bind = {.virq = virq, .vcpu = cpu};
    if (HYPERCALL(event_channel_op, EVTCHNOP_bind_virq, &bind) != 0) panic("no virtual interrupt %u", virq);
    attach(bind.port, cpu, handler, argument);
}

/* No handler: the event itself does all that is wanted, it wakes the vCPU. */
u32 event_bind_ipi(u32 cpu) {
    struct evtchn_bind_ipi bind = {.vcpu = cpu};
    if (HYPERCALL(event_channel_op, EVTCHNOP_bind_ipi, &bind) != 0) panic("no IPI port");
    return attach(bind.port, cpu, 0, 0);
}

long event_alloc(u16 remote_domain, void (*handler)(void *), void *argument) {
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = remote_domain};
    long error = HYPERCALL(event_channel_op, EVTCHNOP_alloc_unbound, &alloc);
    return error != 0 ? error : (long)attach(alloc.port, 0, handler, argument);
}

void event_notify(u32 port) {
    struct evtchn_send send = {.port = port};
    HYPERCALL(event_channel_op, EVTCHNOP_send, &send);
}

/* ---- Time: the clock (../kernels/clock.h has the arithmetic), and deadlines that share one event ------- */
#define SLICE (10 * NANOS_PER_MILLI) /* how long a process may run while others wait */

static u64 booted;
static u64 earliest; /* of all deadlines of tasks; 0: there is none. It may be too early, never too late */

u64 now(void) { return clock_now(&current->cpu->info->time); }
u64 wall_clock(void) { return clock_start(&shared_info) + now(); }
u64 uptime(void) { return now() - booted; }

u64 random64(void) {
    static u64 state;
    state = (state ^ wall_clock() ^ now() << 32) * 0x2545f4914f6cdd1d;
    return state ^= state >> 29;
}

/* A task has at most two deadlines: for its sleep and for SIGALRM. */
void timer_expect(u64 deadline) {
    if (deadline != 0 && (earliest == 0 || deadline < earliest)) earliest = deadline;
}

static void timer_fired(void *cpu) {
    u64 time = now();
    ((struct cpu *)cpu)->timer = earliest = 0;
    for (struct task *task = tasks; task != 0; task = task->next) {
        if (task->alarm != 0 && task->alarm <= time) task->alarm = 0, signal_send(task, SIGALRM);
        if (task->deadline != 0 && task->deadline <= time) wake_task(task);
        else timer_expect(task->deadline);
        timer_expect(task->alarm);
    }
}

/* Before this vCPU leaves the kernel or sleeps: makes Xen call when there will be work. */
void timer_program(void) {
    struct cpu *cpu = current->cpu;
    u64 wanted = earliest;
    if (tasks_wait_to_run() && (wanted == 0 || cpu->slice_end < wanted)) wanted = cpu->slice_end;
    /* One that fires too early does no harm, and costs less than to be set anew. */
    if (wanted == 0 || (cpu->timer != 0 && cpu->timer <= wanted)) return;
    struct vcpu_set_singleshot_timer timer = {.timeout_abs_ns = cpu->timer = wanted};
    hypercall(HYPERCALL_vcpu_op, VCPUOP_set_singleshot_timer, cpu->id, (u64)&timer, 0);
}

void slice_begin(void) { current->cpu->slice_end = now() + SLICE; }

void time_init(void) {
    hypercall(HYPERCALL_vcpu_op, VCPUOP_stop_periodic_timer, current->cpu->id, 0, 0);
    event_bind_virq(VIRQ_TIMER, current->cpu->id, timer_fired, current->cpu);
    if (booted == 0) booted = now();
}
