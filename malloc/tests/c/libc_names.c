/* The names with which the C library speaks of its own malloc: __libc_malloc and its kin. Whoever mixes them
   with malloc finds one allocator behind both. With OWN_MALLOC the program has a malloc of its own over
   them, an old way to count: calloc, strdup, posix_memalign and reallocarray then go with its free, as
   they do with the C library's. */
#include "check.h"

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void *__libc_valloc(size_t);
extern void *__libc_pvalloc(size_t);
extern void __libc_free(void *);

static const size_t SIZES[] = { 1, 24, 100, 1000, 5000, 70000, 500000, 5000000 };

/* Each block is freed by the one way and by the other. */
static void free_by(int way, void *block) { way ? __libc_free(block) : free(block); }
static void *realloc_by(int way, void *block, size_t size) { return way ? __libc_realloc(block, size) : realloc(block, size); }

#ifdef OWN_MALLOC
static long calls, resized;
void *malloc(size_t size)
{
    calls++;
    return __libc_malloc(size);
}
void free(void *block) { __libc_free(block); }
void *realloc(void *block, size_t size)
{
    resized++;
    return __libc_realloc(block, size);
}
#endif

int main(void)
{
    for (int way = 0; way < 2; way++) {
        for (size_t at = 0; at < COUNT(SIZES); at++) {
            size_t size = SIZES[at];
            free_by(way, __libc_malloc(size));
            free_by(way, malloc(size));
            free_by(way, calloc(1, size));
            char *block = __libc_calloc(1, size);
            CHECK(all_bytes(block, size, 0));
            free_by(way, block);
            block = __libc_memalign(256, size);
            CHECK(aligned_to(block, 256));
            free_by(way, block);
            block = __libc_valloc(size);
            CHECK(aligned_to(block, getpagesize()));
            free_by(way, block);
            block = __libc_pvalloc(size);
            CHECK(aligned_to(block, getpagesize()) && malloc_usable_size(block) % getpagesize() == 0);
            free_by(way, block);
            free_by(way, pvalloc(size));
            REQUIRE(posix_memalign((void **)&block, 64, size) == 0);
            free_by(way, block);
            block = way ? malloc(size) : __libc_malloc(size);
            fill(block, size, at);
            block = realloc_by(way, block, size * 3);
            CHECK(intact(block, size, at));
            block = reallocarray(block, size, 2);
            CHECK(intact(block, size, at));
            free_by(!way, block);
            free_by(way, reallocarray(NULL, size, 2));
        }
        free_by(way, strdup("text"));
        char *text;
        REQUIRE(asprintf(&text, "%d", way) == 1);
        free_by(way, text);
    }
#ifdef OWN_MALLOC
    CHECK(calls > 0);
    /* What the program does not have calls what it has. */
    long before = resized;
    free(reallocarray(NULL, 10, 10));
    CHECKF(resized == before + 1, "%ld", resized - before);
#endif
    return finish();
}
