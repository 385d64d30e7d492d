/* fork while other threads are at work with streams: the C library holds its list of streams while it
   flushes them all, and opens and closes some under it, and what it calls then allocates. fork wants
   that list too. So whoever is kept from allocating by a fork keeps the fork from going on. */
#include "check.h"

enum { FORKS = 1000, SIZES = 40, BATCH = 70 };

static int stop, flushed, opened;

/* So many of each size that none of the caches at hand will do. */
static void allocate_much(void)
{
    static const size_t large[] = { 20 * KIB, 40 * KIB, 70 * KIB, 300 * KIB };
    for (size_t size = 16; size <= 16 * SIZES; size += 16 * 7) {
        char *blocks[BATCH];
        for (size_t at = 0; at < BATCH; at++) {
            blocks[at] = malloc(size);
            REQUIRE(blocks[at] != NULL);
            fill(blocks[at], 16, at);
        }
        for (size_t at = 0; at < BATCH; at++) {
            CHECK(intact(blocks[at], 16, at));
            free(blocks[at]);
        }
    }
    for (size_t at = 0; at < COUNT(large); at++) {
        char *block = malloc(large[at]);
        REQUIRE(block != NULL);
        block[large[at] - 1] = 1;
        free(block);
    }
}

static ssize_t write_cookie(void *cookie, const char *bytes, size_t count)
{
    (void)cookie;
    (void)bytes;
    allocate_much();
    return count;
}

/* All streams are flushed, which takes their list. */
static void *flush(void *unused)
{
    cookie_io_functions_t functions = { .write = write_cookie };
    FILE *streams[3];
    for (size_t at = 0; at < COUNT(streams); at++)
        REQUIRE((streams[at] = fopencookie(NULL, "w", functions)) != NULL);
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        for (size_t at = 0; at < COUNT(streams); at++)
            fprintf(streams[at], "%zu streams", COUNT(streams));
        CHECK(fflush(NULL) == 0);
        __atomic_add_fetch(&flushed, 1, __ATOMIC_RELAXED);
    }
    for (size_t at = 0; at < COUNT(streams); at++)
        fclose(streams[at]);
    return unused;
}

/* Streams come and go. */
static void *read_lines(void *name)
{
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        FILE *file = fopen(name, "r"), *nowhere = fopen("/dev/null", "w");
        REQUIRE(file && nowhere);
        char *line = NULL;
        size_t room = 0;
        for (int lines = 0; lines < 20 && getline(&line, &room, file) > 0; lines++)
            fprintf(nowhere, "%s", line);
        free(line);
        fclose(file);
        fclose(nowhere);
        __atomic_add_fetch(&opened, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "executed") == 0)
        return 0;
    alarm(200);
    pthread_t threads[4];
    for (size_t at = 0; at < COUNT(threads); at++)
        REQUIRE(pthread_create(&threads[at], NULL, at < 2 ? flush : read_lines, "/proc/self/status") == 0);
    char *kept[300];
    for (size_t at = 0; at < COUNT(kept); at++) {
        REQUIRE((kept[at] = malloc(at * 13 + 16)) != NULL);
        fill(kept[at], at * 13 + 16, at);
    }
    for (int turn = 0; turn < FORKS; turn++) {
        pid_t forked = fork();
        REQUIRE(forked >= 0);
        if (forked == 0) {
            alarm(60);
            if (turn % 50 == 0) {
                execv(argv[0], (char *[]) { argv[0], "executed", NULL });
                _exit(5);
            }
            allocate_much();
            for (size_t at = 0; at < COUNT(kept); at++) {
                CHECKF(intact(kept[at], at * 13 + 16, at), "block %zu", at);
                if (at % 3 == 0)
                    kept[at] = realloc(kept[at], at * 29 + 16);
                free(kept[at]);
            }
            allocate_much();
            if (turn % 8 == 0) {
                pid_t grandchild = fork();
                REQUIRE(grandchild >= 0);
                if (grandchild == 0) {
                    alarm(60);
                    allocate_much();
                    _exit(finish());
                }
                CHECK(ended_well(grandchild));
            }
            _exit(finish());
        }
        if (!ended_well(forked))
            _exit(1);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (size_t at = 0; at < COUNT(threads); at++)
        pthread_join(threads[at], NULL);
    for (size_t at = 0; at < COUNT(kept); at++) {
        CHECK(intact(kept[at], at * 13 + 16, at));
        free(kept[at]);
    }
    /* Otherwise nothing was tested. */
    CHECKF(flushed > 0 && opened > 0, "%d, %d", flushed, opened);
    return finish();
}
