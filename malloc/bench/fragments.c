/* fragments: a few survivors of each phase lie scattered among the dead.
 *
 * Stands for programs that load, compile or index in phases: each phase allocates 32 MiB of objects
 * of about one size, then frees all but one in twenty of them, in a random order. The next phase needs
 * larger objects, for which the holes between the survivors are too small, unless the allocator gives
 * whole pages back. After six sizes, from 32 bytes to 8 KiB, it starts again with the smallest.
 *
 * The figure to look at is the peak of memory. It prints what would do at the least: the most bytes
 * that were live at once.
 *
 * Prints: live-peak KIB, checksum HEX. Argument: percent of the work, 100 unless told.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const size_t PHASE = 32 << 20, SIZES[] = {32, 96, 288, 864, 2600, 8000};
enum { KINDS = sizeof SIZES / sizeof SIZES[0], SURVIVES = 20 };

typedef struct object {
    struct object *next;
    uint32_t size, number;
} object;

static uint64_t state = 0x9E3779B97F4A7C15ull;

/* xorshift64*: Marsaglia 2003, Vigna 2014. */
static uint32_t next_random(void) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)(state * 0x2545F4914F6CDD1Dull >> 32);
}

static void *get(size_t size) {
    void *p = malloc(size);
    if (!p) {
        fputs("fragments: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

static uint64_t end(object *o) {
    uint64_t digest = o->number;
    if (o->size > sizeof *o) digest += ((uint8_t *)o)[o->size - 1];
    free(o);
    return digest;
}

int main(int argc, char **argv) {
    int phases = 1 + (argc > 1 ? atoi(argv[1]) : 100) * 11 / 100;
    size_t live = 0, peak = 0;
    uint64_t sum = 0;
    object *survivors = NULL;
    for (int phase = 0; phase < phases; phase++) {
        size_t about = SIZES[phase % KINDS], bytes = 0, count = 0;
        object **at = get(2 * PHASE / about * sizeof *at);
        while (bytes < PHASE) {
            uint32_t r = next_random();
            size_t size = about * 3 / 4 + r % (about / 2);
            object *o = get(size);
            memset(o, (int)(r & 0xff), size);
            o->size = (uint32_t)size;
            o->number = r;
            at[count++] = o;
            bytes += size;
        }
        live += bytes;
        if (live > peak) peak = live;
        for (size_t i = count; i-- > 0;) { /* A random order: Fisher and Yates. */
            size_t j = next_random() % (i + 1);
            object *o = at[j];
            at[j] = at[i];
            if (next_random() % SURVIVES == 0) {
                o->next = survivors;
                survivors = o;
            } else {
                live -= o->size;
                sum = sum * 31 + end(o);
            }
        }
        free(at);
    }
    while (survivors) {
        object *next = survivors->next;
        sum = sum * 31 + end(survivors);
        survivors = next;
    }
    printf("live-peak %zu\nchecksum %016llx\n", peak >> 10, (unsigned long long)sum);
    return 0;
}
