/*
 * cases.c: lab 5. Bits as Xen would set them, also at the worst moment.
 */
#include "cases.h"
#include "lab.h"

static struct shared_info shared;
static struct vcpu_info *const vcpu = &shared.vcpu_info[0];
static u32 dispatched[4096];
static void (*during)(u32 port);

/* As Xen does it: the port, then its word, then the flag. */
static void raise(u32 port) {
    shared.evtchn_pending[port / 64] |= 1ul << port % 64;
    if (shared.evtchn_mask[port / 64] >> port % 64 & 1) return;
    vcpu->evtchn_pending_sel |= 1ul << port / 64;
    vcpu->evtchn_upcall_pending = 1;
}

static int is_pending(u32 port) {
    return shared.evtchn_pending[port / 64] >> port % 64 & 1;
}

static void dispatch(u32 port) {
    EXPECT(port < 4096, "dispatch was called for port %u; there are 4096.", port);
    dispatched[port]++;
    EXPECT(dispatched[port] < 8,
           "dispatch is called for port %u again and again. Clear the port's pending bit before you"
           " call it: Xen never does, and as long as it is set the port is pending.", port);
    if (during != 0) during(port);
}

static void clean(void) {
    memset(&shared, 0, sizeof(shared));
    memset(dispatched, 0, sizeof(dispatched));
    during = 0;
}

/* As Xen does it: as long as the flag is set when the handler returns, it is called again. */
static void upcall(void) {
    for (u32 calls = 0; vcpu->evtchn_upcall_pending; calls++) {
        EXPECT(calls < 8, "Your handler returned with evtchn_upcall_pending still set, so Xen calls it"
               " for ever. Who clears it, if not you?");
        handle_events(&shared, vcpu, dispatch);
    }
}

static void first_word(void) {
    clean();
    raise(3);
    raise(17);
    upcall();
    EXPECT(dispatched[3] == 1 && dispatched[17] == 1,
           "Ports 3 and 17 were pending; dispatch was called %u and %u times. Each bit that is set in"
           " shared->evtchn_pending stands for a port.", dispatched[3], dispatched[17]);
    EXPECT(!is_pending(3) && !is_pending(17),
           "A port was dispatched and is still pending: clear its bit.");
    EXPECT(vcpu->evtchn_pending_sel == 0, "The bit in evtchn_pending_sel is still set: take the whole"
           " word by exchange_word.");
}

static void all_words(void) {
    static const u32 ports[] = {1, 63, 64, 130, 2047, 4095};
    clean();
    for (u32 i = 0; i < 6; i++) raise(ports[i]);
    upcall();
    for (u32 i = 0; i < 6; i++) {
        EXPECT(dispatched[ports[i]] == 1,
               "Port %u was pending; dispatch was called for it %u times. 4096 ports lie in 64 words,"
               " and port n is bit n %% 64 of word n / 64.", ports[i], dispatched[ports[i]]);
    }
}

static void masked(void) {
    clean();
    shared.evtchn_mask[0] = 1ul << 9;
    raise(9);
    raise(8);
    upcall();
    EXPECT(dispatched[8] == 1, "Port 8 was pending beside a masked one, and was not dispatched.");
    EXPECT(dispatched[9] == 0, "Port 9 is masked: somebody does not want to hear of it now. It was"
           " dispatched all the same.");
    EXPECT(is_pending(9), "Port 9 is masked and pending; after your handler it is not pending any more."
           " Whoever unmasks it later will wait for an event that was thrown away. Clear single"
           " bits.");
}

/* While port 5 is handled for the first time, an event for port 6 comes, and another one for 5. */
static void meanwhile_handler(u32 port) {
    if (port == 5 && dispatched[5] == 1) {
        raise(6);
        raise(5);
    }
}

static void meanwhile(void) {
    clean();
    during = meanwhile_handler;
    raise(5);
    upcall();
    EXPECT(dispatched[6] == 1,
           "An event for port 6 came while port 5 was handled, and nobody has heard of it. Xen set the"
           " flag evtchn_upcall_pending again; you cleared it afterwards. Clear first, then look.");
    EXPECT(dispatched[5] == 2,
           "A second event for port 5 came while the first was handled, and is lost: clear the pending"
           " bit before dispatch, not after it.");
    EXPECT(!is_pending(5) && !is_pending(6), "An event is left pending, and nobody will call for it.");
}

/* Between its look at a word and its change of it, others come: one in another word, one in this. */
static u32 sel_changes, pending_changes;
static int others_come;

void xen_meanwhile(u64 *word) {
    if (word == &vcpu->evtchn_pending_sel && sel_changes++ == 0 && others_come) raise(200);
    if (word == &shared.evtchn_pending[0] && pending_changes++ == 0 && others_come) raise(7);
}

static void worst_moment(void) {
    clean();
    raise(5);
    others_come = 1;
    upcall();
    EXPECT(sel_changes > 0,
           "You changed evtchn_pending_sel without exchange_word. Between your look and your store Xen"
           " may have set another bit, and your store wipes it out: take and clear in one step.");
    EXPECT(pending_changes > 0,
           "You changed evtchn_pending without clear_bit. Compilers make a load, an operation and a"
           " store of it, and a bit that Xen sets in between is lost.");
    EXPECT(dispatched[200] == 1,
           "An event for port 200 came after you had looked at evtchn_pending_sel and before you"
           " cleared it; dispatch was called %u times. Use what exchange_word returns.",
           dispatched[200]);
    EXPECT(dispatched[7] == 1,
           "An event for port 7 came just before you cleared port 5, in the same word; dispatch was"
           " called for it %u times. Clear the one bit, and no other.", dispatched[7]);
    EXPECT(!is_pending(5) && !is_pending(7) && !is_pending(200),
           "An event is left pending, and nobody will call for it.");
}

/* The events of a real guest go through it too. */
static volatile u32 ticks;
static u32 real_port;

static void real_dispatch(u32 port) {
    if (port == real_port) ticks++;
}

static int real_upcall(struct registers *regs) {
    if (regs->vector != EVENT_UPCALL) return 0;
    handle_events(&shared_info, &shared_info.vcpu_info[0], real_dispatch);
    return 1;
}

static void real(void) {
    real_port = event_bind_ipi(0);
    event_listen(real_port, 0);
    trap_hook = real_upcall;
    for (u32 i = 1; i <= 20; i++) {
        event_send(real_port);
        EXPECT(ticks == i, "Of %u real events %u were dispatched: the port was pending and not masked.", i, ticks);
    }
}

void micro_main(void) {
    switch (argument("case", 0)) {
    case 0: first_word(); break;
    case 1: all_words(); break;
    case 2: masked(); break;
    case 3: meanwhile(); break;
    case 4: real(); break;
    case 5: worst_moment(); break;
    }
    passed();
}
