/* Errors of the program, one for each argument. They must end it with a message. The program ends
   with status 0 where the error went unnoticed. */
#include "check.h"

static char of_static[256] __attribute__((aligned(64)));

/* A double free is noticed at once or when freed slots are put away: so there are several times as
   many as are kept at hand. */
static void free_many(size_t size)
{
    enum { MANY = 8000 };
    static void *blocks[MANY];
    for (int turn = 0; turn < 3; turn++) {
        for (size_t at = 0; at < MANY; at++) {
            blocks[at] = malloc(size);
            REQUIRE(blocks[at] != NULL);
        }
        for (size_t at = 0; at < MANY; at++)
            free(blocks[at]);
    }
}
static void double_free(size_t size)
{
    void *between = malloc(size), *block = malloc(size), *after = malloc(size);
    free(hidden(block));
    free(hidden(block));
    free_many(size);
    free(between);
    free(after);
}
static void *free_it(void *block)
{
    free(block);
    return NULL;
}

int main(int argc, char **argv)
{
    REQUIRE(argc > 1);
    const char *what = argv[1];
    /* No fault of the library may look like its answer to the program's. */
    free_many(100);
    if (strcmp(what, "double_free_small") == 0) {
        double_free(100);
    } else if (strcmp(what, "double_free_8") == 0) {
        double_free(8);
    } else if (strcmp(what, "double_free_page") == 0) {
        double_free(8000);
    } else if (strcmp(what, "double_free_large") == 0) {
        void *block = malloc(3 * MIB);
        free(hidden(block));
        free(hidden(block));
    } else if (strcmp(what, "double_free_thread") == 0) {
        void *block = malloc(100);
        pthread_t thread;
        REQUIRE(pthread_create(&thread, NULL, free_it, block) == 0);
        pthread_join(thread, NULL);
        free(hidden(block));
        free_many(100);
    } else if (strcmp(what, "double_free_realloc") == 0) {
        void *block = malloc(100);
        free(hidden(block));
        free(realloc(hidden(block), 10000));
        free_many(100);
    } else if (strcmp(what, "free_stack") == 0) {
        char here[256] __attribute__((aligned(64))) = { 0 };
        free(hidden(here + 64));
    } else if (strcmp(what, "free_static") == 0) {
        free(hidden(of_static + 64));
    } else if (strcmp(what, "free_code") == 0) {
        free(hidden((void *)(((uintptr_t)main + 64) & ~(uintptr_t)15)));
    } else if (strcmp(what, "free_interior") == 0) {
        char *block = malloc(256);
        free(hidden(block + 48));
        free_many(256);
    } else if (strcmp(what, "free_odd") == 0) {
        char *block = malloc(256);
        free(hidden(block + 1));
        free_many(256);
    } else if (strcmp(what, "free_interior_large") == 0) {
        char *block = malloc(4 * MIB);
        memset(block, 0, 4 * MIB);
        free(hidden(block + 4096));
    } else if (strcmp(what, "free_huge_interior") == 0) {
        char *block = malloc(64 * MIB);
        memset(block, 0, 64 * MIB);
        free(hidden(block + 32 * MIB));
    } else if (strcmp(what, "realloc_stack") == 0) {
        char here[256] __attribute__((aligned(64))) = { 0 };
        void *moved = realloc(hidden(here + 64), 500);
        CHECKF(moved == NULL, "%p", moved);
    } else if (strcmp(what, "realloc_interior") == 0) {
        char *block = malloc(256);
        memset(block, 0, 256);
        free(realloc(hidden(block + 48), 5000));
        free_many(256);
    } else {
        return 2;
    }
    return 0;
}
