/* free_sized and free_aligned_sized of C23: with the size that was asked for (not the usable one)
   they free what malloc, calloc, realloc and aligned_alloc gave. cfree is free. Libraries that lack
   them are not blamed, except the project's. */
#include "check.h"

extern void free_sized(void *, size_t) __attribute__((weak));
extern void free_aligned_sized(void *, size_t, size_t) __attribute__((weak));
extern void cfree(void *) __attribute__((weak));

/* A turn's dirt must not pile up: nothing leaks. */
enum { TURNS = 30 };

static void turn(void)
{
    for (size_t size = 0; size < 6 * MIB; size += size < 600 ? 1 : size / 5) {
        for (int way = 0; way < 3; way++) {
            char *block = way == 0 ? malloc(size) : way == 1 ? calloc(size, 1) : realloc(malloc(size / 2), size + 1);
            size_t asked = way == 2 ? size + 1 : size;
            REQUIRE(block != NULL);
            fill(block, asked, size);
            CHECK(intact(block, asked, size));
            if (free_sized)
                free_sized(block, asked);
            else
                free(block);
        }
        size_t alignment = (size_t)16 << (size % 12);
        char *block = aligned_alloc(alignment, size);
        REQUIRE(block != NULL);
        fill(block, size, size);
        if (free_aligned_sized)
            free_aligned_sized(block, alignment, size);
        else
            free(block);
        block = malloc(size);
        REQUIRE(block != NULL);
        fill(block, size, size);
        if (cfree)
            cfree(block);
        else
            free(block);
    }
}

static void *free_for_another(void *block)
{
    free_sized(block, 500);
    return NULL;
}

int main(void)
{
    if (own()) {
        CHECK(free_sized != NULL);
        CHECK(free_aligned_sized != NULL);
        CHECK(cfree != NULL);
    }
    if (free_sized)
        free_sized(NULL, 100);
    if (free_aligned_sized)
        free_aligned_sized(NULL, 64, 100);
    if (cfree)
        cfree(NULL);
    turn();
    size_t before = resident_kib();
    for (int at = 0; at < TURNS; at++)
        turn();
    size_t after = resident_kib();
    CHECKF(after < before + 32 * KIB, "%zu KiB became %zu KiB", before, after);
    if (free_sized) {
        pthread_t thread;
        REQUIRE(pthread_create(&thread, NULL, free_for_another, malloc(500)) == 0);
        pthread_join(thread, NULL);
    }
    return finish();
}
