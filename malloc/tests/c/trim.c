/* `malloc_trim` gives back the pages in which nothing lives, where one block in a hundred was kept. glibc
   keeps 27 % of such a heap; twice that is allowed. */
#include "check.h"

enum { BLOCKS = 500000, KEPT = 100 };

int main(void)
{
    static void *blocks[BLOCKS];
    static size_t sizes[BLOCKS];
    uint64_t random = 11;
    for (size_t at = 0; at < BLOCKS; at++) {
        sizes[at] = 16 + next_random(&random) % 300;
        REQUIRE(blocks[at] = malloc(sizes[at]));
        fill(blocks[at], sizes[at], at);
    }
    for (size_t at = 0; at < BLOCKS; at++)
        if (at % KEPT)
            free(blocks[at]);
    size_t full = status_kib("VmRSS:");
    CHECK(malloc_trim(0) == 1);
    size_t trimmed = status_kib("VmRSS:");
    CHECKF(trimmed * 100 <= full * 54, "%zu KiB before, %zu after", full, trimmed);
    for (size_t at = 0; at < BLOCKS; at += KEPT)
        CHECK(intact(blocks[at], sizes[at], at));
    return finish();
}
