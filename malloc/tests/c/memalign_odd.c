/* Alignments that are no power of two, or zero, or beyond all memory.
   memalign: its page says only that the alignment must be a power of two. glibc takes the next
   power of two, with EINVAL where there is none; EINVAL at once is the other sound answer. Either
   is taken here, and nothing in between: no block aligned to less than what was asked.
   posix_memalign: EINVAL for what is no power of two or no multiple of sizeof(void *); the result
   is left alone and errno too. */
#include "check.h"

static const size_t ODD[] = { 3, 5, 6, 7, 9, 12, 20, 24, 33, 48, 96, 100, 1000, 1536, 4095, 4097, 5000, 6144, 65537, 100000, 3 * MIB };
static const size_t HUGE_ODD[] = { SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 7, SIZE_MAX / 2 + 2, ((size_t)1 << 63) + 8, ((size_t)1 << 63) + 4096 };
static const size_t SIZES[] = { 1, 8, 16, 24, 100, 3000, 4096, 70000, 3000000 };

static void odd_memalign(size_t alignment, size_t size)
{
    size_t power = 1;
    while (power < alignment)
        power *= 2;
    /* Several at once: one alone may be aligned by luck. */
    void *blocks[16];
    for (size_t at = 0; at < COUNT(blocks); at++) {
        errno = 0;
        blocks[at] = memalign(amount(alignment), size);
        if (blocks[at] == NULL)
            CHECKF(errno == EINVAL, "memalign(%zu, %zu): errno %d", alignment, size, errno);
        else
            CHECKF(aligned_to(blocks[at], power), "memalign(%zu, %zu) = %p", alignment, size, blocks[at]);
    }
    for (size_t at = 0; at < COUNT(blocks); at++)
        free(blocks[at]);
}

static void refused_by_posix_memalign(size_t alignment, size_t size)
{
    int mark;
    void *block = &mark;
    errno = EXDEV;
    int error = posix_memalign(&block, amount(alignment), size);
    CHECKF(error == EINVAL, "posix_memalign(%zu, %zu) = %d", alignment, size, error);
    CHECKF(block == &mark, "posix_memalign(%zu, %zu) gave %p", alignment, size, block);
    CHECKF(errno == EXDEV, "posix_memalign(%zu, %zu): errno %d", alignment, size, errno);
}

int main(void)
{
    for (size_t at = 0; at < COUNT(SIZES); at++) {
        size_t size = SIZES[at];
        for (size_t odd = 0; odd < COUNT(ODD); odd++) {
            odd_memalign(ODD[odd], size);
            refused_by_posix_memalign(ODD[odd], size);
        }
        for (size_t odd = 0; odd < COUNT(HUGE_ODD); odd++) {
            errno = 0;
            void *block = memalign(amount(HUGE_ODD[odd]), size);
            CHECKF(block == NULL && errno == EINVAL, "memalign(%zu, %zu) = %p, errno %d", HUGE_ODD[odd], size, block, errno);
            refused_by_posix_memalign(HUGE_ODD[odd], size);
        }
        for (size_t small = 0; small < sizeof(void *); small++)
            refused_by_posix_memalign(small, size);

        /* Alignment 0 asks for nothing: any block, or EINVAL. */
        errno = 0;
        void *block = memalign(amount(0), size);
        if (block != NULL) {
            CHECK(aligned_to(block, size < 16 ? 8 : 16));
            fill(block, size, at);
            CHECK(intact(block, size, at));
        } else {
            CHECKF(errno == EINVAL, "memalign(0, %zu): errno %d", size, errno);
        }
        free(block);
    }
    return finish();
}
