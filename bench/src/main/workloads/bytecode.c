/* n rounds of a bytecode program of seventeen instructions. */
#include "bytecode.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    printf("%08x\n", run_bytecode(argc > 1 ? strtoul(argv[1], 0, 10) : 5000000));
    return 0;
}
