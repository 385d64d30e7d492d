/* malloc gives distinct, writable blocks that keep their bytes until they are freed, in any order
   of freeing. free(NULL) does nothing. */
#include "check.h"

static void all_sizes_at_once(int order)
{
    enum { MOST = 3000 };
    static char *blocks[MOST + 1];
    for (size_t size = 1; size <= MOST; size++) {
        blocks[size] = malloc(size);
        REQUIRE(blocks[size] != NULL);
        fill(blocks[size], size, size);
    }
    for (size_t size = 1; size <= MOST; size++)
        CHECKF(intact(blocks[size], size, size), "size %zu", size);
    if (order == 0) {
        for (size_t size = 1; size <= MOST; size++)
            free(blocks[size]);
    } else if (order == 1) {
        for (size_t size = MOST; size >= 1; size--)
            free(blocks[size]);
    } else {
        /* The odd ones first; what remains must not have changed. */
        for (size_t size = 1; size <= MOST; size += 2)
            free(blocks[size]);
        for (size_t size = 2; size <= MOST; size += 2) {
            CHECKF(intact(blocks[size], size, size), "size %zu", size);
            free(blocks[size]);
        }
    }
}

/* Every call against an oracle of what each block holds. */
static void random_calls(uint64_t state)
{
    enum { SLOTS = 2000, CALLS = 100000 };
    static struct { char *block; size_t size, seed; } slots[SLOTS];
    for (size_t call = 0; call < CALLS; call++) {
        size_t slot = next_random(&state) % SLOTS, size = random_size(&state);
        if (slots[slot].block == NULL) {
            char *block = NULL;
            switch (next_random(&state) % 8) {
            case 0:
                block = calloc(size, 1);
                REQUIRE(block != NULL);
                CHECKF(all_bytes(block, size, 0), "calloc of %zu", size);
                break;
            case 1: {
                size_t alignment = (size_t)1 << (next_random(&state) % 13);
                block = memalign(alignment, size);
                REQUIRE(block != NULL);
                CHECKF(aligned_to(block, alignment), "%zu at %zu", size, alignment);
                break;
            }
            default:
                block = malloc(size);
                REQUIRE(block != NULL);
            }
            slots[slot].block = block;
            slots[slot].size = size;
            slots[slot].seed = call;
            fill(block, size, call);
            continue;
        }
        CHECKF(intact(slots[slot].block, slots[slot].size, slots[slot].seed), "size %zu", slots[slot].size);
        if (next_random(&state) % 4 == 0) {
            size_t kept = size < slots[slot].size ? size : slots[slot].size;
            char *block = realloc(slots[slot].block, size);
            REQUIRE(block != NULL);
            CHECKF(intact(block, kept, slots[slot].seed), "%zu to %zu", slots[slot].size, size);
            slots[slot].block = block;
            slots[slot].size = size;
            slots[slot].seed = call;
            fill(block, size, call);
        } else {
            free(slots[slot].block);
            slots[slot].block = NULL;
        }
    }
    for (size_t slot = 0; slot < SLOTS; slot++) {
        if (slots[slot].block != NULL)
            CHECK(intact(slots[slot].block, slots[slot].size, slots[slot].seed));
        free(slots[slot].block);
        slots[slot].block = NULL;
    }
}

int main(void)
{
    free(NULL);
    for (int order = 0; order < 3; order++)
        all_sizes_at_once(order);
    random_calls(88172645463325252u);
    random_calls(1234567);
    for (size_t size = MIB; size <= 512 * MIB; size *= 2) {
        char *block = malloc(size);
        REQUIRE(block != NULL);
        block[0] = block[size / 2] = block[size - 1] = 1;
        free(block);
    }
    free(NULL);
    return finish();
}
