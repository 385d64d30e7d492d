/* pair: what a malloc and its free cost together, for blocks of 48 bytes.
 *
 * Stands for no program: it shows the fast paths alone, with everything in the cache.
 *
 * Allocates one block and frees it at once; or 1,000 blocks, freed in the opposite order, in the
 * same order, or in a random one. The first word of each is written. Each is done in 20 parts, of
 * which the fastest counts.
 *
 * Prints: time NAME NANOSECONDS for each of the four (the script puts these into its table in place
 * of the time of the whole), checksum HEX. Argument: percent of the work, 100 unless told.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SIZE = 48, HELD = 1000, PARTS = 20 };

static uint64_t state = 0x9E3779B97F4A7C15ull, sum;

/* xorshift64*: Marsaglia 2003, Vigna 2014. */
static uint32_t next_random(void) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)(state * 0x2545F4914F6CDD1Dull >> 32);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The compiler must not see that a block is freed unused, and leave both calls out. */
static uint64_t *make(uint64_t value) {
    uint64_t *p = malloc(SIZE);
    __asm__ volatile("" : "+r"(p) : : "memory");
    if (!p) exit(1);
    *p = value;
    return p;
}

static void end(uint64_t *p) {
    sum += *p;
    free(p);
}

static void immediate(long rounds) {
    for (long i = 0; i < rounds * HELD; i++) end(make((uint64_t)i));
}

/* Allocates 1,000 and frees them, the one at `order[0]` first. */
static void batch(long rounds, const int *order) {
    static uint64_t *held[HELD];
    while (rounds-- > 0) {
        for (int i = 0; i < HELD; i++) held[i] = make((uint64_t)i);
        for (int i = 0; i < HELD; i++) end(held[order[i]]);
    }
}

int main(int argc, char **argv) {
    long rounds = (argc > 1 ? atol(argv[1]) : 100) * 10;
    int order[3][HELD];
    const char *names[] = {"immediate", "lifo", "fifo", "random"};
    for (int i = 0; i < HELD; i++) {
        order[0][i] = HELD - 1 - i;
        order[1][i] = order[2][i] = i;
    }
    for (int i = HELD; i-- > 0;) {
        int j = (int)(next_random() % (unsigned)(i + 1)), swap = order[2][i];
        order[2][i] = order[2][j];
        order[2][j] = swap;
    }
    for (int kind = 0; kind < 4; kind++) {
        double best = 1e300;
        for (int part = 0; part < PARTS; part++) {
            double start = now();
            if (kind == 0) immediate(rounds);
            else batch(rounds, order[kind - 1]);
            double took = (now() - start) / ((double)rounds * HELD);
            if (took < best) best = took;
        }
        printf("time %s %.3f\n", names[kind], best);
    }
    printf("checksum %016llx\n", (unsigned long long)sum);
    return 0;
}
