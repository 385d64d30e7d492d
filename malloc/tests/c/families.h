/* What the programs about the calls of famalloc.h share. */
#ifndef FAMILIES_H
#define FAMILIES_H

#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "famalloc.h"

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: not so: %s (errno %d)\n", __FILE__, __LINE__, #what, errno);   \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* The family of an address. */
__attribute__((unused)) static fam_family_t of(const void *address) {
    fam_query_t found;
    memset(&found, 0xff, sizeof found);
    CHECK(fam_query(address, &found));
    return found.family;
}

__attribute__((unused)) static fam_stats_t stats(fam_family_t family) {
    fam_stats_t out;
    CHECK(fam_stats(family, &out) == 0);
    return out;
}

__attribute__((unused)) static int all(const unsigned char *bytes, size_t from, size_t to, unsigned char value) {
    for (size_t at = from; at < to; at++)
        if (bytes[at] != value)
            return 0;
    return 1;
}

/* So that the compiler does not know what a pointer or a size is. */
static volatile size_t zero __attribute__((unused));

/* A part of a program. */
struct part {
    const char *name;
    void (*run)(void);
};

/* Runs the part that the argument names; what main returns. */
__attribute__((unused)) static int run_part(const struct part *parts, size_t most, int count, char **arguments) {
    for (size_t at = 0; at < most; at++) {
        if (count == 2 && strcmp(arguments[1], parts[at].name) == 0) {
            parts[at].run();
            return 0;
        }
    }
    fprintf(stderr, "no such part\n");
    return 2;
}

#endif
