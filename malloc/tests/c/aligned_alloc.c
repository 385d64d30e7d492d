/* aligned_alloc: C23 7.24.3.1 has it fail for an alignment that is not supported, and its page names
   EINVAL. What is no power of two is not supported; nor is zero. Every power of two that a type can
   be aligned to must be. The size need not be a multiple of the alignment (C17 asked for that). */
#include "check.h"

static const size_t ODD[] = { 3, 5, 6, 7, 9, 12, 20, 24, 33, 48, 96, 100, 1000, 1536, 4095, 4097, 5000, 6144, 65537, 100000, 3 * MIB };
static const size_t HUGE_ODD[] = { SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 7, SIZE_MAX / 2 + 2, ((size_t)1 << 63) + 8, ((size_t)1 << 63) + 4096 };
static const size_t SIZES[] = { 1, 8, 16, 24, 100, 3000, 4096, 70000, 3000000 };

static void refused_by_aligned_alloc(size_t alignment, size_t size)
{
    errno = 0;
    void *block = aligned_alloc(amount(alignment), size);
    CHECKF(block == NULL && errno == EINVAL, "aligned_alloc(%zu, %zu) = %p, errno %d", alignment, size, block, errno);
    free(block);
}

int main(void)
{
    for (size_t at = 0; at < COUNT(SIZES); at++) {
        for (size_t odd = 0; odd < COUNT(ODD); odd++)
            refused_by_aligned_alloc(ODD[odd], SIZES[at]);
        for (size_t odd = 0; odd < COUNT(HUGE_ODD); odd++)
            refused_by_aligned_alloc(HUGE_ODD[odd], SIZES[at]);
        refused_by_aligned_alloc(0, SIZES[at]);
        for (size_t alignment = 1; alignment <= 64 * KIB; alignment *= 2) {
            char *block = aligned_alloc(alignment, SIZES[at]);
            REQUIRE(block != NULL);
            CHECKF(aligned_to(block, alignment), "aligned_alloc(%zu, %zu) = %p", alignment, SIZES[at], block);
            fill(block, SIZES[at], at);
            CHECK(intact(block, SIZES[at], at));
            free(block);
        }
    }
    return finish();
}
