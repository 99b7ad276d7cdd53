/* The same piece of work again and again for n seconds of the machine's clock: a line for each. */
#include "bytecode.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
    int seconds = argc > 1 ? atoi(argv[1]) : 30;
    struct timespec now, start;

    setvbuf(stdout, 0, _IOLBF, 0);
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        printf("bench: tick %08x\n", run_bytecode(200000));
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - start.tv_sec <= seconds);
    return 0;
}
