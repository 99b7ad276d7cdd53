/*
 * cases.c: lab 3. A kernel that makes the student's hypercall, well and badly.
 */
#include "cases.h"

#define MAX_COUNT 512
#define WORD_BEFORE 0x55aa

static long sum_call(const void *numbers, u64 count, void *result) {
    return hypercall(HYPERCALL_arch_7, (u64)numbers, count, (u64)result, 0);
}

static u64 *numbers;
static u64 result = WORD_BEFORE;

static void untouched(const char *when) {
    EXPECT(result == WORD_BEFORE, "The result was written although %s.", when);
}

static void sums(void) {
    u64 expected = 0;
    for (u64 i = 0; i < MAX_COUNT; i++) numbers[i] = i * i * 0x123456789abcdef;
    for (u64 i = 0; i < 100; i++) expected += numbers[i];
    long done = sum_call(numbers, 100, &result);
    EXPECT(done != -ENOSYS,
           "The guest called and got ENOSYS, no such hypercall. The dispatcher came to your class;"
           " now it has to do something.");
    EXPECT(done == 100, "100 numbers were to be summed, the call returned %ld.", done);
    EXPECT(result == expected,
           "The sum of 100 numbers is %lx, the guest found %lx. Words have 8 bytes, sums wrap"
           " around.", expected, result);
    done = sum_call(numbers, 0, &result);
    EXPECT(done == 0 && result == 0, "No numbers sum to 0 and return 0; got %lx, %ld.", result, done);
    done = sum_call(numbers, MAX_COUNT, &result);
    EXPECT(done == MAX_COUNT, "%d numbers are allowed, the call returned %ld.", MAX_COUNT, done);
}

static void too_many(void) {
    long done = sum_call(numbers, MAX_COUNT + 1, &result);
    EXPECT(done != E2BIG, "E2BIG is 7, and errors are returned negated: -7. A positive answer means"
           " that 7 numbers were summed.");
    EXPECT(done == -E2BIG,
           "%d numbers are one too many, yet the call returned %ld. A guest that may choose the"
           " amount of work chooses how long the hypervisor is busy, for all other guests too.",
           MAX_COUNT + 1, done);
    untouched("there were too many numbers");
    done = sum_call(numbers, 1ul << 63, &result);
    EXPECT(done == -E2BIG,
           "A count with the highest bit set is negative in Java, and the call returned %ld instead"
           " of -E2BIG. What is below zero is also below MAX_COUNT.", done);
    done = sum_call(numbers, ~0ul, &result);
    EXPECT(done == -E2BIG, "A negative count, -1, is no count; the call returned %ld instead of"
           " -E2BIG.", done);
    untouched("the count is negative");
}

static void nowhere(void) {
    u8 *edge = page_alloc();
    long done = sum_call((void *)0x1000, 1, &result);
    EXPECT(done == -EFAULT, "A pointer to nowhere must be answered with -EFAULT, -14, negated as all"
           " errors; the call returned %ld.", done);
    untouched("the numbers are nowhere");
    NEED(set_pte(edge, 0) == 0, "a page cannot be unmapped");
    done = sum_call(edge - 16, 3, &result);
    EXPECT(done == -EFAULT, "The third of three numbers is on a page that is not mapped; the call"
           " returned %ld, not -EFAULT.", done);
    untouched("the last number is nowhere");
    done = sum_call(numbers, 2, (void *)0x1000);
    EXPECT(done == -EFAULT, "The result's address is nowhere; the call returned %ld, not -EFAULT.",
           done);
}

/* Page tables are mapped read-only. A hypervisor that writes for a guest must not write where the
 * guest itself may not. */
static void forbidden(void) {
    u64 *table = (u64 *)start_info->pt_base;
    u64 before = table[1];
    long done = sum_call(numbers, 1, &table[1]);
    EXPECT(done == -EFAULT && table[1] == before,
           "The result was to go into a page table, and the call returned %ld. It has to be -EFAULT:"
           " what the guest may not write, nobody writes for it.", done);
}

/* The result lies in the midst of the numbers. */
static void overlapping(void) {
    for (u64 i = 0; i < 4; i++) numbers[i] = i + 1;
    long done = sum_call(numbers, 4, &numbers[2]);
    EXPECT(done == 4 && numbers[2] == 10,
           "The sum of 1, 2, 3, 4 is 10; with a result that overlaps the numbers you got %lu. Read"
           " everything before you write anything.", numbers[2]);
}

void micro_main(void) {
    numbers = page_alloc();
    switch (argument("case", 0)) {
    case 0: sums(); break;
    case 1: too_many(); break;
    case 2: nowhere(); break;
    case 3: forbidden(); break;
    case 4: overlapping(); break;
    }
    passed();
}
