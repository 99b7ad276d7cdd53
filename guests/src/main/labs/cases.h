/*
 * cases.h: how a case of a lab is passed. It is for the cases.c of the labs: with what micro.h gives to
 * students too, a guest can end, but not as one that has passed.
 */
#ifndef CASES_H
#define CASES_H

#include "micro.h"

/* Ends the guest with the code that the checker has chosen for the case. */
static inline __attribute__((noreturn)) void passed(void) {
    end_with((enum outcome)argument("pass", ERROR), "right");
}

#endif
