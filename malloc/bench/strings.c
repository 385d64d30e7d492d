/* strings: a symbol table fed by text.
 *
 * Stands for parsers, indexers, template engines: lines are put together in a buffer that grows by
 * realloc, cut into words by strdup, and the words are looked up in a hash table that is rebuilt as
 * it grows, and again when rare words have been thrown out.
 *
 * Allocates strings of 4 to 30 bytes, entries of 24, line buffers of up to a few KiB, tables of up
 * to 1 MiB. Short words are frequent, long ones rare.
 *
 * Prints: checksum HEX. Argument: percent of the work, 100 unless told.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char *name;
    uint64_t hash;
    uint32_t seen, last_line;
} entry;

/* Open addressing, linear probing; at most two thirds full. */
typedef struct {
    entry **at;
    size_t room, count;
} table;

typedef struct {
    char *text;
    size_t length, room;
} buffer;

static uint64_t state = 0x9E3779B97F4A7C15ull;

/* xorshift64*: Marsaglia 2003, Vigna 2014. */
static uint32_t next_random(void) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)(state * 0x2545F4914F6CDD1Dull >> 32);
}

static void *check(void *p) {
    if (!p) {
        fputs("strings: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

static void append(buffer *b, const char *piece) {
    size_t length = strlen(piece);
    if (b->length + length + 1 > b->room) {
        b->room = b->room + b->room / 2 + length + 16;
        b->text = check(realloc(b->text, b->room));
    }
    memcpy(b->text + b->length, piece, length + 1);
    b->length += length;
}

/* The text of word `number`: one syllable for each digit to the base 64. */
static void append_word(buffer *b, uint32_t number) {
    static const char first[] = "bdfgklmn", second[] = "aeiouyrs";
    do {
        char syllable[] = {first[number & 7], second[number >> 3 & 7], 0};
        append(b, syllable);
        number >>= 6;
    } while (number);
}

/* Numbers of few bits are as frequent as all those of one bit more together. */
static uint32_t any_word(void) {
    uint32_t bits = 3 + next_random() % 20;
    return next_random() % (1u << bits);
}

static uint64_t hash(const char *s) {
    uint64_t h = 0xcbf29ce484222325ull; /* FNV-1a. */
    while (*s) h = (h ^ (uint8_t)*s++) * 0x100000001b3ull;
    return h ^ h >> 32;
}

static entry **place(const table *t, uint64_t h, const char *name) {
    size_t i = h & (t->room - 1);
    while (t->at[i] && (t->at[i]->hash != h || strcmp(t->at[i]->name, name)))
        i = (i + 1) & (t->room - 1);
    return &t->at[i];
}

/* A new table of the entries seen at least `least` times; the others end. */
static uint64_t rebuild(table *t, uint32_t least) {
    table new = {NULL, 64, 0};
    uint64_t digest = 0;
    for (size_t i = 0; i < t->room; i++)
        if (t->at[i] && t->at[i]->seen >= least) new.count++;
    while (new.count * 3 >= new.room) new.room *= 2;
    new.at = check(calloc(new.room, sizeof *new.at));
    for (size_t i = 0; i < t->room; i++) {
        entry *e = t->at[i];
        if (!e) continue;
        if (e->seen >= least) {
            *place(&new, e->hash, e->name) = e;
        } else {
            digest += e->hash * e->seen + e->last_line;
            free(e->name);
            free(e);
        }
    }
    free(t->at);
    *t = new;
    return digest;
}

static void count(table *t, const char *name, uint32_t line) {
    if (t->count * 3 >= t->room * 2) rebuild(t, 0);
    uint64_t h = hash(name);
    entry **at = place(t, h, name);
    if (!*at) {
        *at = check(malloc(sizeof **at));
        **at = (entry){check(strdup(name)), h, 0, line};
        t->count++;
    }
    (*at)->seen++;
    (*at)->last_line = line;
}

int main(int argc, char **argv) {
    uint32_t lines = (uint32_t)(argc > 1 ? atoi(argv[1]) : 100) * 2500;
    table words = {0};
    uint64_t sum = 0;
    for (uint32_t line = 0; line < lines; line++) {
        buffer b = {0};
        uint32_t length = 4 + next_random() % (line % 50 ? 24 : 400);
        for (uint32_t i = 0; i < length; i++) {
            append_word(&b, any_word());
            append(&b, " ");
        }
        char **cut = NULL;
        size_t pieces = 0;
        for (char *at = b.text, *end; (end = strchr(at, ' ')); at = end + 1) {
            *end = 0;
            if (pieces % 8 == 0) cut = check(realloc(cut, (pieces + 8) * sizeof *cut));
            cut[pieces++] = check(strdup(at));
        }
        free(b.text);
        for (size_t i = 0; i < pieces; i++) count(&words, cut[i], line);
        for (size_t i = 0; i < pieces; i++) free(cut[i]);
        free(cut);
        if (line % 20000 == 19999) sum += rebuild(&words, 3);
    }
    sum = sum * 31 + words.count;
    sum += rebuild(&words, UINT32_MAX);
    free(words.at);
    printf("checksum %016llx\n", (unsigned long long)sum);
    return 0;
}
