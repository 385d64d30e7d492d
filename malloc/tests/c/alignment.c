/* malloc, calloc, realloc: aligned for every type of fundamental alignment that fits in the size
   (C23 7.24.3). So 16 from 16 bytes on; below, what the size can hold, and never under 8: programs
   keep tags in the low three bits of pointers to the smallest blocks. */
#include "check.h"

static size_t needed(size_t size)
{
    return size >= _Alignof(max_align_t) ? _Alignof(max_align_t) : 8;
}

enum { AT_ONCE = 40 };

static void size_is_aligned(size_t size)
{
    void *blocks[AT_ONCE], *zeroed[AT_ONCE], *moved[AT_ONCE];
    size_t many = size > MIB ? 3 : AT_ONCE;
    for (size_t at = 0; at < many; at++) {
        blocks[at] = malloc(size);
        zeroed[at] = calloc(1, size);
        moved[at] = realloc(realloc(NULL, size / 2 + 1), size);
        REQUIRE(blocks[at] && zeroed[at] && moved[at]);
        CHECKF(aligned_to(blocks[at], needed(size)), "malloc(%zu) = %p", size, blocks[at]);
        CHECKF(aligned_to(zeroed[at], needed(size)), "calloc(1, %zu) = %p", size, zeroed[at]);
        CHECKF(aligned_to(moved[at], needed(size)), "realloc to %zu = %p", size, moved[at]);
    }
    for (size_t at = 0; at < many; at++) {
        free(blocks[at]);
        free(zeroed[at]);
        free(moved[at]);
    }
}

int main(void)
{
    for (size_t size = 1; size <= 4200; size++)
        size_is_aligned(size);
    for (size_t size = 4200; size < 40 * MIB; size += size / 7)
        size_is_aligned(size);
    for (size_t power = 16; power <= 32 * MIB; power *= 2) {
        size_is_aligned(power - 1);
        size_is_aligned(power);
        size_is_aligned(power + 1);
    }
    return finish();
}
