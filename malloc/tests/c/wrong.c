/* Mallocs that are wrong on purpose, each in one point that its define names: the C library's malloc
   with a fault put before it. conformance_notices.rs checks that the programs here find them out. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void __libc_free(void *);
extern void *__libc_memalign(size_t, size_t);

__attribute__((unused)) static int impossible(size_t size) { return size > PTRDIFF_MAX - 100; }

#if defined(MALLOC_UNALIGNED)
/* Every block is 8 bytes off. */
static void *off(char *block) { return block ? block + 8 : NULL; }
static void *on(void *block) { return block && ((uintptr_t)block & 15) == 8 ? (char *)block - 8 : block; }
void *malloc(size_t size) { return off(__libc_malloc(impossible(size) ? size : size + 8)); }
void free(void *block) { __libc_free(on(block)); }
void *realloc(void *block, size_t size) { return ((uintptr_t)block & 15) == 8 ? off(__libc_realloc(on(block), size + 8)) : __libc_realloc(block, size); }
#elif defined(MALLOC_ZERO_SAME)
static long same[2];
void *malloc(size_t size) { return size ? __libc_malloc(size) : same; }
void free(void *block) { if (block != same) __libc_free(block); }
void *realloc(void *block, size_t size) { return __libc_realloc(block == same ? NULL : block, size); }
#elif defined(MALLOC_ZERO_NULL)
void *malloc(size_t size) { return size ? __libc_malloc(size) : NULL; }
#elif defined(MALLOC_TOO_MUCH)
void *malloc(size_t size) { return __libc_malloc(impossible(size) ? 100 : size); }
#elif defined(MALLOC_NO_ERRNO)
void *malloc(size_t size) { int before = errno; void *block = __libc_malloc(size); errno = before; return block; }
#elif defined(MALLOC_TWICE)
/* The same block for two callers, now and then. */
void *malloc(size_t size)
{
    static void *last;
    static unsigned calls;
    if (size == 200 && ++calls % 16 == 0 && last)
        return last;
    void *block = __libc_malloc(size);
    if (size == 200)
        last = block;
    return block;
}
void free(void *block) { (void)block; }
#elif defined(MALLOC_LATE)
/* Not there before its constructor has run. */
static int ready;
__attribute__((constructor)) static void start(void) { ready = 1; }
void *malloc(size_t size) { return ready ? __libc_malloc(size) : NULL; }
#elif defined(MALLOC_INTERRUPTED)
/* A signal makes it fail. */
void *malloc(size_t size)
{
    struct timespec short_time = { 0, 1000 };
    static __thread unsigned calls;
    if (++calls % 16 == 0 && ppoll(NULL, 0, &short_time, NULL) < 0 && errno == EINTR)
        return NULL;
    return __libc_malloc(size);
}
#elif defined(MALLOC_DEAD_THREAD)
/* It refuses threads that are about to end. */
static pthread_key_t key;
static __thread int dead, known;
static void end(void *unused) { (void)unused; dead = 1; }
__attribute__((constructor)) static void start(void) { pthread_key_create(&key, end); }
void *malloc(size_t size)
{
    if (dead)
        return NULL;
    if (!known) {
        known = 1;
        pthread_setspecific(key, &known);
    }
    return __libc_malloc(size);
}
#elif defined(MALLOC_DEAD_OBJECT)
/* The same, as runtimes with destructors for thread storage have it. */
extern int __cxa_thread_atexit_impl(void (*)(void *), void *, void *);
static __thread int dead, known;
static void end(void *unused) { (void)unused; dead = 1; }
void *malloc(size_t size)
{
    static int object;
    if (dead)
        return NULL;
    if (!known) {
        known = 1;
        __cxa_thread_atexit_impl(end, NULL, &object);
    }
    return __libc_malloc(size);
}
#elif defined(MALLOC_THREAD_LEAK)
/* Eight KiB for each thread are never seen again. */
static __thread int known;
void *malloc(size_t size)
{
    if (!known) {
        known = 1;
        memset(__libc_malloc(8192), 1, 8192);
    }
    return __libc_malloc(size);
}
#elif defined(START_LEAK)
/* A record of each thread that is to start stays when it does not. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument)
{
    static int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    extern void *dlsym(void *, const char *);
    if (!next)
        *(void **)&next = dlsym((void *)-1L, "pthread_create");
    void *record = memset(malloc(4096), 1, 4096);
    int error = next(thread, attributes, body, argument);
    if (error == 0)
        free(record);
    return error;
}
#elif defined(MALLOC_OPEN_FILE)
void *malloc(size_t size)
{
    static int file = -1;
    if (file < 0 || fcntl(file, F_GETFD) < 0)
        file = open("/dev/zero", O_RDONLY);
    return __libc_malloc(size);
}
#elif defined(MALLOC_RESERVES)
static void *reserved;
void *malloc(size_t size)
{
    if (!reserved)
        reserved = mmap(NULL, (size_t)4 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return reserved == MAP_FAILED ? NULL : __libc_malloc(size);
}
#elif defined(MALLOC_LARGE_STACK)
void *malloc(size_t size)
{
    volatile char large[60000];
    for (size_t at = 0; at < sizeof large; at += 512)
        large[at] = 1;
    return __libc_malloc(size + (large[512] & 0));
}
#elif defined(CALLOC_DIRTY)
void *calloc(size_t members, size_t size) { return members * size == 5000 || members * size == 30 ? __libc_malloc(members * size) : __libc_calloc(members, size); }
#elif defined(CALLOC_WRAPS)
void *calloc(size_t members, size_t size) { return __libc_calloc(1, members * size); }
#elif defined(FREE_ERRNO)
void free(void *block) { if (block && malloc_usable_size(block) > 1000000) errno = EINVAL; __libc_free(block); }
#elif defined(FREE_NOTHING)
void free(void *block) { (void)block; }
#elif defined(REALLOC_LOSES)
/* The last bytes of large blocks that shrink. */
void *realloc(void *block, size_t size)
{
    size_t before = malloc_usable_size(block);
    char *moved = __libc_realloc(block, size);
    if (moved && before > 100000 && size < before / 4 && size > 16)
        memset(moved + size - 8, 0, 8);
    return moved;
}
#elif defined(REALLOC_FAILURE_FREES)
void *realloc(void *block, size_t size)
{
    void *moved = __libc_realloc(block, size);
    if (!moved && size)
        __libc_free(block);
    return moved;
}
#elif defined(REALLOC_ZERO_LEAKS)
void *realloc(void *block, size_t size) { return block && !size ? NULL : __libc_realloc(block, size); }
#elif defined(REALLOCARRAY_WRAPS)
void *reallocarray(void *block, size_t members, size_t size) { return __libc_realloc(block, members * size); }
#elif defined(MEMALIGN_AS_IT_IS)
/* What is no power of two is no alignment at all. */
void *memalign(size_t alignment, size_t size) { return alignment & (alignment - 1) ? __libc_malloc(size) : __libc_memalign(alignment, size); }
#elif defined(MEMALIGN_A_PAGE)
void *memalign(size_t alignment, size_t size) { return __libc_memalign(alignment > 4096 ? 4096 : alignment, size); }
#elif defined(ALIGNED_ALLOC_ROUNDS)
void *aligned_alloc(size_t alignment, size_t size) { return __libc_memalign(alignment, size); }
#elif defined(POSIX_MEMALIGN_SETS_NULL)
int posix_memalign(void **block, size_t alignment, size_t size)
{
    int before = errno;
    if (alignment % sizeof(void *) || alignment & (alignment - 1) || !alignment)
        return EINVAL;
    *block = __libc_memalign(alignment, size);
    errno = before;
    return *block ? 0 : ENOMEM;
}
#elif defined(POSIX_MEMALIGN_SETS_ERRNO)
int posix_memalign(void **block, size_t alignment, size_t size)
{
    if (alignment % sizeof(void *) || alignment & (alignment - 1) || !alignment)
        return EINVAL;
    void *made = __libc_memalign(alignment, size);
    if (made)
        *block = made;
    return made ? 0 : ENOMEM;
}
#elif defined(PVALLOC_NO_ROUNDING)
void *pvalloc(size_t size) { return __libc_memalign(4096, size); }
#elif defined(PVALLOC_WRAPS)
void *pvalloc(size_t size) { return __libc_memalign(4096, (size + 4095) / 4096 * 4096); }
#elif defined(USABLE_TOO_MUCH)
size_t malloc_usable_size(void *block)
{
    static size_t (*next)(void *);
    extern void *dlsym(void *, const char *);
    if (!next)
        *(void **)&next = dlsym((void *)-1L, "malloc_usable_size");
    return block ? next(block) + 16 : 0;
}
#elif defined(TRIM_NOTHING)
int malloc_trim(size_t pad) { (void)pad; return 0; }
#elif defined(INFO_OPEN)
int malloc_info(int options, FILE *file) { return options ? EINVAL : fprintf(file, "<malloc><heap></malloc>") < 0; }
#elif defined(FORK_FORGETS)
/* Its lock is not held by the thread that forks. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
void *malloc(size_t size)
{
    pthread_mutex_lock(&lock);
    void *block = __libc_malloc(size);
    pthread_mutex_unlock(&lock);
    return block;
}
#else
#error "which fault?"
#endif
