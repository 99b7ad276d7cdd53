/* Six bodies that attract one another, n steps of Euler's method in double precision. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define BODIES 6

struct body {
    double position[3], speed[3], mass;
};

static struct body bodies[BODIES];

static void attract(struct body *a, struct body *b, double step)
{
    double distance[3], square = 1e-3;

    for (int i = 0; i < 3; i++) {
        distance[i] = a->position[i] - b->position[i];
        square += distance[i] * distance[i];
    }
    double pull = step / (square * sqrt(square));
    for (int i = 0; i < 3; i++) {
        a->speed[i] -= distance[i] * b->mass * pull;
        b->speed[i] += distance[i] * a->mass * pull;
    }
}

int main(int argc, char **argv)
{
    int steps = argc > 1 ? atoi(argv[1]) : 500000;
    double sum = 0;

    for (int k = 0; k < BODIES; k++) {
        bodies[k].mass = 1.0 / (k + 1);
        for (int i = 0; i < 3; i++) {
            bodies[k].position[i] = (k * 7 + i * 3) % 11 - 5;
            bodies[k].speed[i] = ((k * 5 + i) % 7 - 3) * 0.1;
        }
    }
    for (int s = 0; s < steps; s++) {
        for (int k = 0; k < BODIES; k++)
            for (int j = k + 1; j < BODIES; j++)
                attract(&bodies[k], &bodies[j], 1e-4);
        for (int k = 0; k < BODIES; k++)
            for (int i = 0; i < 3; i++)
                bodies[k].position[i] += 1e-4 * bodies[k].speed[i];
    }
    for (int k = 0; k < BODIES; k++)
        sum += bodies[k].position[0] + bodies[k].position[1] + bodies[k].position[2];
    printf("%.17g\n", sum);
    return 0;
}
