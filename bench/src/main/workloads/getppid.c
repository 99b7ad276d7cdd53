/* n system calls that do nothing. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int calls = argc > 1 ? atoi(argv[1]) : 1000000;
    long parent = getppid();
    int wrong = 0;

    for (int i = 0; i < calls; i++)
        wrong += syscall(SYS_getppid) != parent;
    printf("%d calls, %d wrong\n", calls, wrong);
    return wrong != 0;
}
