/* Blocks of the functions that tools which replace malloc have never heard of, or have not until lately:
   valgrind puts its own in place of malloc, free and the commonest others. Each goes with free. */
#include "check.h"

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void *__libc_pvalloc(size_t);
extern void free_sized(void *, size_t) __attribute__((weak));
extern void free_aligned_sized(void *, size_t, size_t) __attribute__((weak));

int main(void)
{
    for (int turn = 0; turn < 3; turn++) {
        free(reallocarray(NULL, 10, 20));
        free(reallocarray(malloc(3), 10, 20));
        free(realloc(reallocarray(NULL, 10, 20), 3000));
        free(pvalloc(100));
        free(valloc(100));
        free(aligned_alloc(64, 128));
        free(strdup("text"));
        free(__libc_malloc(100));
        free(__libc_calloc(3, 100));
        free(__libc_memalign(64, 100));
        free(__libc_pvalloc(100));
        if (free_sized)
            free_sized(malloc(100), 100);
        if (free_aligned_sized)
            free_aligned_sized(aligned_alloc(64, 128), 64, 128);
    }
    return finish();
}
