/* mixed: two threads, sizes by a power law, lifetimes exponential.
 *
 * Stands for the usual: most objects are small and die young, a few are large, a few live long.
 * Each thread works for itself; nothing is handed over.
 *
 * Allocates blocks of 16 bytes to 64 KiB, each doubling of the size about half as likely, and writes
 * every cache line of them. A block lives for so many further allocations of its thread: on average
 * 1,000, or, one in ten, 30,000. What is due at a time hangs in a list of that time.
 *
 * Prints: checksum HEX. Argument: percent of the work, 100 unless told.
 */
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 2, TIMES = 1 << 18, LINE = 64 };

typedef struct block {
    struct block *next;
    uint32_t size, number;
} block;

typedef struct {
    pthread_t thread;
    uint64_t state, sum;
    uint32_t steps;
    block *due[TIMES];
} worker;

static worker workers[THREADS];

/* xorshift64*: Marsaglia 2003, Vigna 2014. */
static uint32_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)(*state * 0x2545F4914F6CDD1Dull >> 32);
}

/* Above 0, up to 1. */
static double fraction(uint64_t *state) {
    return (next_random(state) + 1.0) / 4294967296.0;
}

static void end_all(worker *w, block *list) {
    while (list) {
        block *next = list->next;
        uint8_t *bytes = (uint8_t *)list;
        uint32_t last = (list->size - 1) / LINE * LINE;
        w->sum = w->sum * 31 + list->number + (last ? bytes[last] : 0);
        free(list);
        list = next;
    }
}

static void *work(void *arg) {
    worker *w = arg;
    for (uint32_t now = 0; now < w->steps; now++) {
        block **due = &w->due[now % TIMES];
        end_all(w, *due);
        *due = NULL;

        double size = 16 / fraction(&w->state);
        block *b = malloc(size < 65536 ? (size_t)size : 65536);
        if (!b) {
            fputs("mixed: out of memory\n", stderr);
            exit(1);
        }
        b->size = size < 65536 ? (uint32_t)size : 65536;
        b->number = now;
        for (uint32_t i = LINE; i < b->size; i += LINE) ((uint8_t *)b)[i] = (uint8_t)(now + i);

        double life = -log(fraction(&w->state)) * (now % 10 ? 1000 : 30000);
        uint32_t when = life < TIMES - 2 ? 1 + (uint32_t)life : TIMES - 1;
        block **at = &w->due[(now + when) % TIMES];
        b->next = *at;
        *at = b;
    }
    for (int i = 0; i < TIMES; i++) end_all(w, w->due[i]);
    return NULL;
}

int main(int argc, char **argv) {
    uint32_t percent = argc > 1 ? (uint32_t)atoi(argv[1]) : 100;
    uint64_t sum = 0;
    for (int i = 0; i < THREADS; i++) {
        workers[i].state = 0x9E3779B97F4A7C15ull * (uint64_t)(i + 1);
        workers[i].steps = percent * 110000;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i])) return 1;
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        sum = sum * 7 + workers[i].sum;
    }
    printf("checksum %016llx\n", (unsigned long long)sum);
    return 0;
}
