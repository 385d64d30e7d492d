/* malloc, calloc, realloc: aligned for every type of fundamental alignment, also where none of so strict a
   type fits (more than C23 7.24.3 asks for): programs keep tags in the low four bits of pointers. */
#include "check.h"

enum { NEEDED = _Alignof(max_align_t) };

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
        CHECKF(aligned_to(blocks[at], NEEDED), "malloc(%zu) = %p", size, blocks[at]);
        CHECKF(aligned_to(zeroed[at], NEEDED), "calloc(1, %zu) = %p", size, zeroed[at]);
        CHECKF(aligned_to(moved[at], NEEDED), "realloc to %zu = %p", size, moved[at]);
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
