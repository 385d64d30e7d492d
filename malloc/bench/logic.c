/* logic: a two-level logic minimiser, by the tabular method of Quine and McCluskey.
 *
 * Stands for compilers, provers and circuit tools: many small structs of a few sizes in lists and
 * hash sets, candidates made only to be looked up and thrown away, arrays that grow by realloc and
 * shrink again, sorting of pointers.
 *
 * Allocates cubes of 26 to 28 bytes (one byte for each variable: 0, 1 or '-'), hash tables, and for
 * every point of the function a list of the prime cubes that cover it. Everything is freed before
 * the next function.
 *
 * Prints: checksum HEX. Argument: percent of the work, 100 unless told.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct cube {
    struct cube *next;
    uint32_t covers; /* Points of the function that only this cube could still cover. */
    uint8_t width, merged;
    char literal[];
} cube;

typedef struct {
    cube **bucket;
    size_t buckets, count;
} set;

typedef struct {
    cube **at;
    size_t count, room;
} list;

static uint64_t state = 88172645463325252ull;

/* xorshift64: Marsaglia, "Xorshift RNGs", 2003. */
static uint64_t next_random(void) {
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static void *check(void *p) {
    if (!p) {
        fputs("logic: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

static cube *copy_with(const cube *from, int place, char literal) {
    cube *c = check(malloc(sizeof *c + from->width));
    memcpy(c, from, sizeof *c + from->width);
    c->merged = 0;
    c->literal[place] = literal;
    return c;
}

static uint64_t hash(const cube *c) {
    uint64_t h = c->width;
    for (int i = 0; i < c->width; i++) h = (h ^ (uint8_t)c->literal[i]) * 0x100000001b3ull;
    return h ^ h >> 29;
}

static cube *find(const set *s, const cube *like) {
    if (!s->buckets) return NULL;
    cube *c = s->bucket[hash(like) % s->buckets];
    while (c && memcmp(c->literal, like->literal, like->width)) c = c->next;
    return c;
}

static void insert(set *s, cube *c) {
    if (s->count >= s->buckets) {
        set bigger = {NULL, s->buckets ? s->buckets * 2 : 16, 0};
        bigger.bucket = check(calloc(bigger.buckets, sizeof *bigger.bucket));
        for (size_t i = 0; i < s->buckets; i++)
            for (cube *old = s->bucket[i], *next; old; old = next) {
                next = old->next;
                insert(&bigger, old);
            }
        free(s->bucket);
        *s = bigger;
    }
    cube **head = &s->bucket[hash(c) % s->buckets];
    c->next = *head;
    *head = c;
    s->count++;
}

static void push(list *l, cube *c) {
    if (l->count == l->room) {
        l->room = l->room ? l->room * 2 : 2;
        l->at = check(realloc(l->at, l->room * sizeof *l->at));
    }
    l->at[l->count++] = c;
}

static int by_text(const void *a, const void *b) {
    const cube *x = *(cube *const *)a, *y = *(cube *const *)b;
    return memcmp(x->literal, y->literal, x->width);
}

/* All cubes that differ from one of `level` by a merged pair; those that merge no more are primes. */
static set merge(set *level, list *primes) {
    set next = {0};
    for (size_t b = 0; b < level->buckets; b++)
        for (cube *c = level->bucket[b]; c; c = c->next)
            for (int v = 0; v < c->width; v++) {
                if (c->literal[v] == '-') continue;
                cube *partner = copy_with(c, v, (char)(c->literal[v] ^ 1));
                int found = find(level, partner) != NULL;
                free(partner);
                if (!found) continue;
                c->merged = 1;
                cube *both = copy_with(c, v, '-');
                if (find(&next, both)) free(both);
                else insert(&next, both);
            }
    for (size_t b = 0; b < level->buckets; b++)
        for (cube *c = level->bucket[b], *after; c; c = after) {
            after = c->next;
            if (c->merged) free(c);
            else push(primes, c);
        }
    free(level->bucket);
    return next;
}

/* Visits the points of a cube, by the places from `v` on. */
static void spread(cube *c, int v, uint32_t point, list *covering) {
    for (; v < c->width; v++) {
        if (c->literal[v] == '-') spread(c, v + 1, point | 1u << v, covering);
        else point |= (uint32_t)(c->literal[v] & 1) << v;
    }
    push(&covering[point], c);
}

/* Takes primes until all points are covered: of each point's, the one that covers most. */
static uint64_t cover(list *primes, int width) {
    qsort(primes->at, primes->count, sizeof *primes->at, by_text);
    list *covering = check(calloc((size_t)1 << width, sizeof *covering)), chosen = {0};
    for (size_t i = 0; i < primes->count; i++) spread(primes->at[i], 0, 0, covering);
    for (uint32_t p = 0; p < 1u << width; p++)
        for (size_t i = 0; i < covering[p].count; i++) covering[p].at[i]->covers++;
    for (uint32_t p = 0; p < 1u << width; p++) {
        list *l = &covering[p];
        int taken = 0;
        for (size_t i = 0; i < l->count; i++) taken |= l->at[i]->merged;
        while (!taken && l->count > 1) { /* Drop the worse of the last two, shrink the list. */
            cube *a = l->at[l->count - 1], *b = l->at[l->count - 2];
            l->at[l->count - 2] = a->covers > b->covers ? a : b;
            l->room = --l->count;
            l->at = check(realloc(l->at, l->room * sizeof *l->at));
        }
        if (!taken && l->count) {
            l->at[0]->merged = 1;
            push(&chosen, l->at[0]);
        }
        free(l->at);
    }
    uint64_t digest = chosen.count;
    for (size_t i = 0; i < chosen.count; i++) digest = digest * 31 + hash(chosen.at[i]);
    free(covering);
    free(chosen.at);
    return digest;
}

int main(int argc, char **argv) {
    int functions = (argc > 1 ? atoi(argv[1]) : 100) * 90 / 100;
    uint64_t sum = 0;
    for (int f = 0; f < functions; f++) {
        int width = 10 + f % 3;
        unsigned percent = 55 + (unsigned)(next_random() % 25);
        set level = {0};
        list primes = {0};
        for (uint32_t point = 0; point < 1u << width; point++) {
            if (next_random() % 100 >= percent) continue;
            cube *c = check(calloc(1, sizeof *c + (size_t)width));
            c->width = (uint8_t)width;
            for (int v = 0; v < width; v++) c->literal[v] = (char)('0' + (point >> v & 1));
            insert(&level, c);
        }
        while (level.count) level = merge(&level, &primes);
        free(level.bucket);
        sum = sum * 7 + cover(&primes, width);
        for (size_t i = 0; i < primes.count; i++) free(primes.at[i]);
        free(primes.at);
    }
    printf("checksum %016llx\n", (unsigned long long)sum);
    return 0;
}
