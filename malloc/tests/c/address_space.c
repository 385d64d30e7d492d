/* Little memory: the program runs itself again under RLIMIT_AS (ulimit -v) and RLIMIT_DATA. malloc
   works there, uses a fair part of what there is, fails with ENOMEM at the end without harm, and
   memory that was freed can be had again: in the same size, in another, by another thread. */
#include "check.h"
#include <sys/resource.h>

struct link { struct link *next; };

static size_t take_all(struct link **all, size_t size)
{
    size_t many = 0;
    for (;;) {
        errno = 0;
        struct link *block = malloc(size);
        if (block == NULL) {
            CHECKF(errno == ENOMEM, "errno %d", errno);
            return many;
        }
        memset(block, 1, size);
        block->next = *all;
        *all = block;
        many++;
    }
}
static void give_all(struct link **all)
{
    while (*all) {
        struct link *next = (*all)->next;
        free(*all);
        *all = next;
    }
}
static void *in_thread(void *size)
{
    struct link *all = NULL;
    uintptr_t many = take_all(&all, (uintptr_t)size);
    give_all(&all);
    return (void *)many;
}

static int limited(size_t limit)
{
    struct link *all = NULL;
    static const size_t sizes[] = { 1000, 40, 5000, 70000, 600000, 2000000, 1000 };
    for (size_t at = 0; at < COUNT(sizes); at++) {
        size_t size = sizes[at];
        size_t many = take_all(&all, size);
        /* A fifth at least, whichever size comes first or later. (Small ones carry overhead, and 70,000
         * bytes take two granules of 64 KiB of half of the addresses there are.) */
        CHECKF(many * size >= limit / 5, "%zu blocks of %zu under %zu MiB", many, size, limit / MIB);
        /* The other calls fail as cleanly. */
        struct link *whole = all;
        memset(whole + 1, 3, size - sizeof *whole);
        errno = 0;
        CHECK(realloc(hidden(whole), limit) == NULL && errno == ENOMEM);
        CHECK(all_bytes(whole + 1, size - sizeof *whole, 3));
        errno = 0;
        CHECK(calloc(1, limit) == NULL && errno == ENOMEM);
        errno = 0;
        CHECK(memalign(4096, limit) == NULL && errno == ENOMEM);
        void *untouched = &errno;
        CHECK(posix_memalign(&untouched, 4096, limit) == ENOMEM && untouched == &errno);
        errno = EDOM;
        give_all(&all);
        CHECK(errno == EDOM);
        size_t again = take_all(&all, size);
        CHECKF(again >= many - many / 10, "%zu blocks of %zu, then %zu", many, size, again);
        give_all(&all);
    }
    pthread_attr_t attributes;
    pthread_t thread;
    void *many;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 * KIB);
    for (int turn = 0; turn < 3; turn++) {
        int error = pthread_create(&thread, &attributes, in_thread, (void *)1000);
        if (error) {
            /* The stack needs room of the system's: whatever was kept may be asked for. */
            malloc_trim(0);
            error = pthread_create(&thread, &attributes, in_thread, (void *)1000);
        }
        /* glibc keeps the addresses of what it took by mmap, and then no stack fits. */
        CHECKF(error == 0 || !own(), "%d", error);
        if (error)
            return finish();
        pthread_join(thread, &many);
        CHECKF((uintptr_t)many * 1000 >= limit / 5, "%zu blocks in a thread", (size_t)many);
    }
    return finish();
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return limited(strtoul(argv[1], NULL, 10) * MIB);
    static const struct { int resource; size_t mib; } LIMITS[] = {
        { RLIMIT_AS, 1024 }, { RLIMIT_AS, 256 }, { RLIMIT_AS, 64 }, { RLIMIT_DATA, 256 }, { RLIMIT_DATA, 64 },
    };
    for (size_t at = 0; at < COUNT(LIMITS); at++) {
        pid_t forked = fork();
        REQUIRE(forked >= 0);
        if (forked == 0) {
            char text[20];
            struct rlimit limit = { LIMITS[at].mib * MIB, LIMITS[at].mib * MIB };
            snprintf(text, sizeof text, "%zu", LIMITS[at].mib);
            REQUIRE(setrlimit(LIMITS[at].resource, &limit) == 0);
            alarm(200);
            execl("/proc/self/exe", argv[0], text, (char *)NULL);
            _exit(4);
        }
        CHECKF(ended_well(forked), "%s of %zu MiB", LIMITS[at].resource == RLIMIT_AS ? "RLIMIT_AS" : "RLIMIT_DATA", LIMITS[at].mib);
    }
    return finish();
}
