/* The kernel allows a process 65,530 mappings. A heap of large blocks of all sizes, replaced at random,
   grown and given back now and then, keeps to a small part of them, whatever is asked for about pages. */
#include "check.h"
#include <sys/mman.h>

static int mappings(void)
{
    static char buffer[1 << 16];
    int file = open("/proc/self/maps", O_RDONLY), lines = 0;
    ssize_t got;
    while ((got = read(file, buffer, sizeof buffer)) > 0)
        for (ssize_t at = 0; at < got; at++)
            lines += buffer[at] == '\n';
    close(file);
    return lines;
}

int main(void)
{
    enum { BLOCKS = 6000, LEAST = 40 * 1024, MOST = 3000 * 1024 };
    static void *blocks[BLOCKS];
    unsigned random = 3;
    int worst = 0, before = mappings();
    for (int round = 0; round < 5; round++) {
        for (int at = 0; at < BLOCKS; at++) {
            random = random * 1664525 + 1013904223;
            size_t size = LEAST + random % (MOST - LEAST);
            if (!blocks[at])
                blocks[at] = at % 3 ? malloc(size) : calloc(1, size);
            else if (at % 7 == 0)
                blocks[at] = realloc(blocks[at], size);
            REQUIRE(blocks[at] != NULL);
            *(char *)blocks[at] = 1;
        }
        for (int at = 0; at < BLOCKS; at++) {
            random = random * 1664525 + 1013904223;
            if (random >> 31) {
                free(blocks[at]);
                blocks[at] = NULL;
            }
        }
        int now = mappings();
        worst = now > worst ? now : worst;
        malloc_trim(0);
        now = mappings();
        worst = now > worst ? now : worst;
    }
    CHECKF(worst - before < 4000, "%d mappings, %d at the start", worst, before);
    return finish();
}
