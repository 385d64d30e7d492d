/* A process that limits its address space (RLIMIT_AS) when it runs already: it can still create threads
   and map pages, malloc gives most of what the limit leaves and no more, and what was freed can be
   had for other things again. */
#include "check.h"
#include <sys/mman.h>
#include <sys/resource.h>

static void *nothing(void *argument) { return argument; }

static int makes_a_thread(void)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, nothing, NULL);
    if (!error)
        pthread_join(thread, NULL);
    return error;
}

static int maps(size_t size)
{
    void *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return start != MAP_FAILED && munmap(start, size) == 0;
}

/* Takes blocks of a size until there are no more, at most twice the limit; returns how many bytes. */
static size_t take_all(void **blocks, size_t most, size_t size)
{
    size_t taken = 0;
    while (taken < most && (blocks[taken] = malloc(size)) != NULL)
        taken++;
    return taken;
}

int main(void)
{
    enum { LIMIT = 2048, MOST = 400000 };
    static void *blocks[MOST];
    free(malloc(100));
    struct rlimit limit = { LIMIT * MIB, LIMIT * MIB };
    REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
    CHECK(makes_a_thread() == 0);
    CHECK(maps(MIB));
    static const size_t sizes[] = { 64 * MIB, 3 * MIB, 30000, 64 * MIB, 1500 * MIB };
    for (size_t at = 0; at < COUNT(sizes); at++) {
        size_t many = take_all(blocks, MOST, sizes[at]), bytes = many * sizes[at];
        CHECKF(bytes <= LIMIT * MIB, "%zu MiB of a limit of %d", bytes / MIB, LIMIT);
        CHECKF(bytes >= LIMIT * MIB / 10 * 7, "%zu MiB of a limit of %d", bytes / MIB, LIMIT);
        for (size_t block = 0; block < many; block++)
            free(blocks[block]);
        /* What was as large as that goes at once; for the rest it may have to be asked. */
        if (sizes[at] < 128 * MIB)
            malloc_trim(0);
        CHECKF(maps(LIMIT * MIB / 2), "%zu blocks of %zu were freed", many, sizes[at]);
        CHECK(makes_a_thread() == 0);
    }
    return finish();
}
