/* What is counted in C: calls PROBE OPERATIONS. An operation is a `malloc` and its `free`, or one `realloc`.
 *
 * The loops are short, so that the figures are the allocator's; what they need besides is drawn before the
 * first operation. Compiled with -fno-builtin: no call is left out because nobody uses what it gives back. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIVE 1000
/* So many replacements, one after the other and then again: 64 KiB of them. */
#define DRAWS 16000
#define SIZE 48
/* The exit code that says: this allocator has no such call. */
#define ABSENT 77

static void *live[LIVE];
static struct draw { uint16_t place, size; } draws[DRAWS];

/* C23; whether there is one is known when the program is loaded. */
void free_sized(void *start, size_t size) __attribute__((weak));

/* The first word is written, as any use of the object would do. */
static void *touched(void *start) {
    if (!start) abort();
    *(volatile uint64_t *)start = 1;
    return start;
}

static void pair(long operations) {
    for (long i = 0; i < operations; i++) free(touched(malloc(SIZE)));
}

static void pair_zeroed(long operations) {
    for (long i = 0; i < operations; i++) free(touched(calloc(1, SIZE)));
}

static void pair_sized(long operations) {
    if (!free_sized) exit(ABSENT);
    for (long i = 0; i < operations; i++) free_sized(touched(malloc(SIZE)), SIZE);
}

/* Between two sizes that every allocator has one slot for. */
static void resize(long operations) {
    void *start = touched(malloc(SIZE));
    for (long i = 0; i < operations; i += 2) {
        start = touched(realloc(start, SIZE - 8));
        start = touched(realloc(start, SIZE));
    }
    free(start);
}

static void lifo(long operations) {
    for (long i = 0; i < operations; i += LIVE) {
        for (int place = 0; place < LIVE; place++) live[place] = touched(malloc(SIZE));
        for (int place = LIVE; place-- > 0;) free(live[place]);
    }
}

/* One of those that live is freed, and another takes its place. */
static void replace(long operations) {
    int next = 0;
    for (long i = 0; i < operations; i++) {
        struct draw draw = draws[next];
        if (++next == DRAWS) next = 0;
        free(live[draw.place]);
        live[draw.place] = touched(malloc(draw.size));
    }
}

/* xorshift: Marsaglia, "Xorshift RNGs", 2003. */
static uint32_t below(uint32_t limit) {
    static uint64_t state = 88172645463325252;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state >> 32) * limit >> 32);
}

static void churn_in(long operations, int least, int most) {
    for (int i = 0; i < DRAWS; i++) {
        draws[i].place = below(LIVE);
        draws[i].size = least + below(most - least + 1);
    }
    for (int place = 0; place < LIVE; place++) live[place] = touched(malloc(draws[place].size));
    replace(operations);
}

static void churn(long operations) { churn_in(operations, SIZE, SIZE); }

static void churn_mixed(long operations) { churn_in(operations, 8, 512); }

static const struct {
    const char *name;
    void (*run)(long operations);
} probes[] = {
    {"pair", pair},     {"calloc", pair_zeroed}, {"free_sized", pair_sized}, {"realloc", resize},
    {"lifo", lifo},     {"churn", churn},        {"mixed", churn_mixed},
};

int main(int count, char **arguments) {
    for (size_t i = 0; count == 3 && i < sizeof probes / sizeof *probes; i++) {
        if (!strcmp(arguments[1], probes[i].name)) {
            probes[i].run(atol(arguments[2]));
            return 0;
        }
    }
    fprintf(stderr, "usage: %s PROBE OPERATIONS\n", arguments[0]);
    return 64;
}
