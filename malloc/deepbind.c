/* Plugins that are opened with RTLD_DEEPBIND, beside a malloc that was put before the C library's.
 *
 * Such a plugin looks for each name in itself and in the libraries it is linked to first, so it finds the C
 * library's malloc, while the rest of the process has another; the C library itself, its strdup for one, has
 * that too. What the plugin then frees of others' it gives to the wrong one, which ends the process. No
 * malloc can do anything about that. This can: it takes the flag away, as sanitizers do, and the plugin
 * finds what all others find. (Where a plugin has functions of the same names as the program, and
 * RTLD_DEEPBIND is there to keep them apart, it is no remedy.)
 *
 *     cc -O2 -shared -fPIC -o libfamalloc-deepbind.so deepbind.c -ldl
 *     LD_PRELOAD="/path/to/libfamalloc.so /path/to/libfamalloc-deepbind.so" program
 *
 * The loader asks who calls dlopen, for the paths where that one's libraries are. So the next dlopen is not
 * called but jumped to: that is what compilers make of a call in the last place where they optimise.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <stddef.h>

#ifndef __OPTIMIZE__
#error "compile it with -O2: see above"
#endif

typedef void *(*open_t)(const char *, int);
typedef void *(*open_in_t)(Lmid_t, const char *, int);

static open_t next_open;
static open_in_t next_open_in;

__attribute__((constructor)) static void find(void)
{
    *(void **)&next_open = dlsym(RTLD_NEXT, "dlopen");
    *(void **)&next_open_in = dlsym(RTLD_NEXT, "dlmopen");
}

void *dlopen(const char *name, int flags)
{
    if (!next_open)
        find();
    return next_open(name, flags & ~RTLD_DEEPBIND);
}

/* In a namespace of its own a library has a C library of its own, whatever the flags. */
void *dlmopen(Lmid_t space, const char *name, int flags)
{
    if (!next_open_in)
        find();
    return next_open_in(space, name, space == LM_ID_BASE ? flags & ~RTLD_DEEPBIND : flags);
}
