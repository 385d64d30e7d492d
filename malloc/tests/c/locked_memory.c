/* mlockall: programs with hard deadlines lock all of their memory, present and future. Whatever the
   library has reserved must not become resident by that. */
#include "check.h"
#include <sys/mman.h>

/* The bytes of mappings that could be written, and so would become resident. */
static size_t writable(void)
{
    char line[512];
    size_t sum = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    if (!maps)
        return SIZE_MAX;
    while (fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        char mode[8];
        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) == 3 && mode[1] == 'w')
            sum += to - from;
    }
    fclose(maps);
    return sum;
}

int main(void)
{
    free(malloc(100));
    size_t before = writable();
    CHECKF(before < 1024 * MIB, "%zu MiB could be written", before / MIB);
    if (before >= 1024 * MIB)
        return finish();
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
        return finish();
    for (int turn = 0; turn < 100; turn++) {
        char *block = malloc((size_t)turn * turn * 100 + 1);
        REQUIRE(block != NULL);
        block[0] = 1;
        free(block);
    }
    CHECKF(writable() < 1024 * MIB, "%zu MiB could be written", writable() / MIB);
    /* (VmLck counts what is reserved without access as well, which costs nothing.) */
    CHECKF(resident_kib() < 1024 * KIB, "%zu KiB are resident", resident_kib());
    return finish();
}
