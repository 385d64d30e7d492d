/* valloc gives a block aligned to a page; pvalloc besides rounds the size up to whole pages, and
   where that overflows it fails with ENOMEM. */
#include "check.h"

int main(void)
{
    size_t page = sysconf(_SC_PAGESIZE);
    char *live[64];
    size_t lives = 0;
    for (size_t size = 0; size < 40 * page; size += size < 40 ? 1 : page / 3 + 1) {
        size_t rounded = (size + page - 1) / page * page;
        char *block = valloc(size);
        REQUIRE(block != NULL);
        CHECKF(aligned_to(block, page), "valloc(%zu) = %p", size, block);
        CHECK(malloc_usable_size(block) >= size);
        fill(block, size, size);
        CHECK(intact(block, size, size));

        char *whole = pvalloc(size);
        REQUIRE(whole != NULL);
        CHECKF(aligned_to(whole, page), "pvalloc(%zu) = %p", size, whole);
        CHECKF(malloc_usable_size(whole) >= rounded, "pvalloc(%zu): %zu", size, malloc_usable_size(whole));
        fill(whole, rounded, size + 1);
        CHECK(intact(whole, rounded, size + 1));
        CHECK(intact(block, size, size));

        /* A few stay, and what is freed is realloc'ed or not. */
        if (size % 5 == 0 && lives < COUNT(live)) {
            live[lives++] = block;
        } else {
            free(block);
        }
        if (size % 3 == 0) {
            whole = realloc(whole, rounded + 1);
            REQUIRE(whole != NULL);
            CHECK(intact(whole, rounded, size + 1));
        }
        free(whole);
    }
    while (lives > 0)
        free(live[--lives]);

    for (size_t under = 0; under < 3 * page; under += under < 20 ? 1 : 97) {
        errno = 0;
        CHECKF(pvalloc(amount(SIZE_MAX - under)) == NULL && errno == ENOMEM, "SIZE_MAX - %zu: errno %d", under, errno);
        errno = 0;
        CHECKF(valloc(amount(SIZE_MAX - under)) == NULL && errno == ENOMEM, "SIZE_MAX - %zu: errno %d", under, errno);
        errno = 0;
        CHECKF(pvalloc(amount(PTRDIFF_MAX - under)) == NULL && errno == ENOMEM, "PTRDIFF_MAX - %zu: errno %d", under, errno);
    }
    return finish();
}
