/* What every program here uses: checks that name their line and go on, patterns that tell blocks
   apart, and values that the compiler must not see through. Nothing here allocates, so a check can
   report from wherever the allocator is called. */
#ifndef CHECK_H
#define CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Floods tell nothing: the program ends after so many. */
#define MOST_FAILURES 20

static int failures __attribute__((unused));

__attribute__((format(printf, 4, 5), unused)) static void
failed(const char *file, int line, const char *what, const char *format, ...)
{
    char text[512];
    int length = snprintf(text, sizeof text, "%s:%d: %s", file, line, what);
    if (length > 400)
        length = 400;
    if (*format) {
        va_list arguments;
        length += snprintf(text + length, sizeof text - length, ": ");
        va_start(arguments, format);
        length += vsnprintf(text + length, sizeof text - length - 1, format, arguments);
        va_end(arguments);
        if (length > (int)sizeof text - 2)
            length = sizeof text - 2;
    }
    text[length++] = '\n';
    if (write(2, text, length) != length)
        _exit(3);
    if (__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED) >= MOST_FAILURES)
        _exit(1);
}

/* Counts a failure and goes on. */
#define CHECK(what) \
    do { if (!(what)) failed(__FILE__, __LINE__, #what, "%s", ""); } while (0)
/* The same, with a word on the values. */
#define CHECKF(what, ...) \
    do { if (!(what)) failed(__FILE__, __LINE__, #what, __VA_ARGS__); } while (0)
/* Nothing after it would make sense. */
#define REQUIRE(what) \
    do { if (!(what)) { failed(__FILE__, __LINE__, #what, "errno %d", errno); _exit(1); } } while (0)

/* The exit status of the program. */
__attribute__((unused)) static int finish(void) { return __atomic_load_n(&failures, __ATOMIC_RELAXED) ? 1 : 0; }

/* Whether the library under test is the project's, not a peer that the tests are tried against. */
__attribute__((unused)) static int own(void) { return getenv("FAMALLOC_OWN") != NULL; }

/* The compiler knows nothing of what comes back. */
__attribute__((unused)) static inline void *hidden(const void *pointer)
{
    void *same = (void *)(uintptr_t)pointer;
    __asm__ volatile("" : "+r"(same) : : "memory");
    return same;
}
__attribute__((unused)) static inline size_t amount(size_t value)
{
    __asm__ volatile("" : "+r"(value));
    return value;
}

__attribute__((unused)) static inline int aligned_to(const void *pointer, size_t alignment)
{
    return ((uintptr_t)pointer & (alignment - 1)) == 0;
}

/* A block's bytes follow from its seed, so that a byte of another block shows. */
__attribute__((unused)) static inline unsigned char byte_of(size_t seed, size_t at)
{
    return (unsigned char)(seed * 37 + at * 7 + (at >> 8) * 3 + 1);
}
__attribute__((unused)) static void fill(void *block, size_t size, size_t seed)
{
    unsigned char *bytes = (unsigned char *)block;
    for (size_t at = 0; at < size; at++)
        bytes[at] = byte_of(seed, at);
}
__attribute__((unused)) static int intact(const void *block, size_t size, size_t seed)
{
    const unsigned char *bytes = (const unsigned char *)block;
    for (size_t at = 0; at < size; at++)
        if (bytes[at] != byte_of(seed, at))
            return 0;
    return 1;
}
__attribute__((unused)) static int all_bytes(const void *block, size_t size, int value)
{
    const unsigned char *bytes = (const unsigned char *)block;
    for (size_t at = 0; at < size; at++)
        if (bytes[at] != (unsigned char)value)
            return 0;
    return 1;
}

/* Marsaglia's xorshift. */
__attribute__((unused)) static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}
/* Mostly small, some large, a few huge. */
__attribute__((unused)) static size_t random_size(uint64_t *state)
{
    uint64_t kind = next_random(state) % 1000, value = next_random(state);
    if (kind < 800)
        return value % 256 + 1;
    if (kind < 970)
        return value % (16 * KIB) + 1;
    if (kind < 998)
        return value % (256 * KIB) + 1;
    return value % (4 * MIB) + 1;
}

/* A line of /proc/self/status in KiB; 0 where there is no such file. */
__attribute__((unused)) static size_t status_kib(const char *name)
{
    char text[4096];
    size_t length = 0;
    ssize_t got;
    int saved = errno, file = open("/proc/self/status", O_RDONLY);
    if (file < 0) {
        errno = saved;
        return 0;
    }
    while (length < sizeof text - 1 && (got = read(file, text + length, sizeof text - 1 - length)) > 0)
        length += got;
    close(file);
    errno = saved;
    text[length] = 0;
    char *found = strstr(text, name);
    return found ? strtoul(found + strlen(name) + 1, NULL, 10) : 0;
}
__attribute__((unused)) static size_t resident_kib(void) { return status_kib("VmRSS"); }

/* Waits for a child that must end well. Its own alarm ends it where it hangs. */
__attribute__((unused)) static int ended_well(pid_t child)
{
    int status = -1;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return 0;
    if (status != 0)
        failed(__FILE__, __LINE__, "child", "%s %d",
               WIFSIGNALED(status) ? (WTERMSIG(status) == SIGALRM ? "hung until signal" : "killed by signal") : "exit status",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return status == 0;
}

#endif
