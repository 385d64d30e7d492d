/* posix_memalign answers by its result: errno is left alone whether it succeeds or not ("errno is
   not set", says its page), and *memptr is left alone when it fails. */
#include "check.h"

static void refused(size_t alignment, size_t size, int one, int other)
{
    int mark;
    void *block = &mark;
    errno = EXDEV;
    int error = posix_memalign(&block, amount(alignment), amount(size));
    CHECKF(error == one || error == other, "posix_memalign(%zx, %zx) = %d", alignment, size, error);
    CHECKF(block == &mark, "posix_memalign(%zx, %zx) gave %p", alignment, size, block);
    CHECKF(errno == EXDEV, "posix_memalign(%zx, %zx): errno %d", alignment, size, errno);
}

int main(void)
{
    for (size_t alignment = sizeof(void *); alignment <= 4 * MIB; alignment *= 2) {
        for (size_t size = 0; size < 200000; size = size * 3 + 1) {
            int mark;
            void *block = &mark;
            errno = EXDEV;
            CHECK(posix_memalign(&block, alignment, size) == 0);
            CHECKF(errno == EXDEV, "posix_memalign(%zu, %zu): errno %d", alignment, size, errno);
            CHECK(block != &mark && block != NULL);
            CHECKF(aligned_to(block, alignment), "posix_memalign(%zu, %zu) gave %p", alignment, size, block);
            fill(block, size, size);
            CHECK(intact(block, size, size));
            free(block);
        }
        refused(alignment, SIZE_MAX, ENOMEM, ENOMEM);
        refused(alignment, SIZE_MAX - alignment, ENOMEM, ENOMEM);
        refused(alignment, SIZE_MAX - alignment + 1, ENOMEM, ENOMEM);
        refused(alignment, (size_t)PTRDIFF_MAX + 1, ENOMEM, ENOMEM);
        refused(alignment, PTRDIFF_MAX, ENOMEM, ENOMEM);
        refused(alignment, PTRDIFF_MAX - alignment, ENOMEM, ENOMEM);
    }
    /* Powers of two that no address space can serve: out of memory, or an alignment that is not
       supported. */
    for (int power = 50; power < 64; power++)
        for (size_t size = 1; size < 100000; size *= 9)
            refused((size_t)1 << power, size, ENOMEM, EINVAL);
    refused((size_t)1 << 62, (size_t)1 << 62, ENOMEM, EINVAL);
    refused((size_t)1 << 63, (size_t)1 << 63, ENOMEM, EINVAL);
    return finish();
}
