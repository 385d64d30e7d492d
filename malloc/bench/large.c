/* large: a few blocks of 5 to 25 MiB, replaced in random order.
 *
 * Stands for programs that handle pictures, matrices, columns of a table: each block is touched
 * here and there, freed, or changed in size with its contents kept. What counts is whether memory
 * that was just given back serves the next request, and whether a block grows without being copied.
 *
 * Allocates up to 12 blocks; of each it writes every 16th page, and the first and last bytes. One
 * step in three is a realloc to a size between half and twice.
 *
 * Prints: checksum HEX. Argument: percent of the work, 100 unless told.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCKS = 12, STRIDE = 16 * 4096, MIB = 1 << 20 };

typedef struct {
    uint8_t *bytes;
    size_t size;
    uint8_t mark;
} block;

static uint64_t state = 0x9E3779B97F4A7C15ull;

/* xorshift64*: Marsaglia 2003, Vigna 2014. */
static uint32_t next_random(void) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)(state * 0x2545F4914F6CDD1Dull >> 32);
}

static void fail(const char *what) {
    fprintf(stderr, "large: %s\n", what);
    exit(1);
}

static void mark(block *b) {
    for (size_t i = 0; i < b->size; i += STRIDE) b->bytes[i] = (uint8_t)(b->mark + i / STRIDE);
    b->bytes[b->size - 1] = b->mark;
}

/* That the first `size` bytes are still as `mark` left them. */
static uint64_t verify(const block *b, size_t size) {
    uint64_t digest = 0;
    for (size_t i = 0; i < size; i += STRIDE) {
        if (b->bytes[i] != (uint8_t)(b->mark + i / STRIDE)) fail("a block lost its contents");
        digest = digest * 31 + b->bytes[i];
    }
    return digest;
}

int main(int argc, char **argv) {
    int steps = (argc > 1 ? atoi(argv[1]) : 100) * 30;
    block blocks[BLOCKS] = {0};
    uint64_t sum = 0;
    for (int step = 0; step < steps; step++) {
        block *b = &blocks[next_random() % BLOCKS];
        size_t wanted = 5 * MIB + next_random() % (20 * MIB);
        if (b->bytes && next_random() % 3 == 0) {
            wanted = b->size / 2 + next_random() % (b->size + b->size / 2);
            if (wanted < 5 * MIB) wanted = 5 * MIB;
            if (wanted > 25 * MIB) wanted = 25 * MIB;
            b->bytes = realloc(b->bytes, wanted);
            if (!b->bytes) fail("out of memory");
            /* Not the last byte: its mark is not that of a page's start. */
            sum = sum * 7 + verify(b, wanted < b->size - 1 ? wanted : b->size - 1);
        } else {
            if (b->bytes) sum = sum * 7 + verify(b, b->size - 1);
            free(b->bytes);
            b->bytes = malloc(wanted);
            if (!b->bytes) fail("out of memory");
            b->mark = (uint8_t)step;
        }
        b->size = wanted;
        mark(b);
    }
    for (int i = 0; i < BLOCKS; i++) free(blocks[i].bytes);
    printf("checksum %016llx\n", (unsigned long long)sum);
    return 0;
}
