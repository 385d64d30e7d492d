/* mallinfo, mallinfo2, malloc_stats, malloc_info, malloc_trim, mallopt: what their pages promise.
   The numbers follow what the program does; that is all that can be asked of every malloc. */
#include "check.h"

/* glibc 2.33 brought it. */
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
#define IN_USE(info) ((info).uordblks + (info).hblkhd)

static void information(void)
{
    enum { MANY = 64 * 1024 };
    static void *blocks[MANY];
    struct mallinfo2 empty = mallinfo2();
    for (size_t at = 0; at < MANY; at++) {
        blocks[at] = malloc(1000);
        REQUIRE(blocks[at] != NULL);
        memset(blocks[at], 1, 1000);
    }
    struct mallinfo2 full = mallinfo2();
    size_t grown = IN_USE(full) - IN_USE(empty);
    CHECKF(grown >= MANY * 1000 * 9 / 10 && grown <= MANY * 1000 * 3 / 2, "%zu", grown);
    CHECK(full.arena + full.hblkhd >= full.uordblks);
    for (size_t at = 0; at < MANY; at++)
        free(blocks[at]);
    struct mallinfo2 freed = mallinfo2();
    CHECKF(IN_USE(freed) < IN_USE(empty) + MIB, "%zu, %zu, %zu", IN_USE(empty), IN_USE(full), IN_USE(freed));

    void *large = malloc(100 * MIB);
    struct mallinfo2 with = mallinfo2();
    CHECKF(IN_USE(with) >= IN_USE(freed) + 100 * MIB, "%zu, %zu", IN_USE(freed), IN_USE(with));
    free(large);
    struct mallinfo2 without = mallinfo2();
    CHECKF(IN_USE(without) < IN_USE(with) - 90 * MIB, "%zu, %zu", IN_USE(with), IN_USE(without));
}

/* The fields of the old form are int, and may wrap. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static void old_information(void)
{
    struct mallinfo2 wide = mallinfo2();
    struct mallinfo narrow = mallinfo();
    long apart = (long)(int)wide.uordblks - (long)narrow.uordblks;
    CHECKF(apart > -(long)MIB && apart < (long)MIB, "%zu, %d", wide.uordblks, narrow.uordblks);
}
#pragma GCC diagnostic pop
#else
static void information(void) {}
static void old_information(void) {}
#endif

static void written_to_stderr(void)
{
    char name[] = "/tmp/statistics.XXXXXX";
    int file = mkstemp(name), saved = dup(2);
    REQUIRE(file >= 0 && saved >= 0);
    unlink(name);
    fflush(stderr);
    dup2(file, 2);
    malloc_stats();
    fflush(stderr);
    dup2(saved, 2);
    char text[8192];
    ssize_t length = pread(file, text, sizeof text - 1, 0);
    CHECKF(length > 20, "%zd bytes", length);
    int digits = 0, lines = 0;
    for (ssize_t at = 0; at < length; at++) {
        digits += text[at] >= '0' && text[at] <= '9';
        lines += text[at] == '\n';
    }
    CHECK(digits > 2 && lines > 1);
    close(file);
    close(saved);
}

static void written_as_xml(void)
{
    char text[20000] = "";
    FILE *memory = fmemopen(text, sizeof text - 1, "w");
    REQUIRE(memory != NULL);
    CHECK(malloc_info(0, memory) == 0);
    fclose(memory);
    char *start = strstr(text, "<malloc"), *end = strstr(text, "</malloc>");
    CHECKF(start == text && end > start, "%.60s", text);
    /* As many elements end as begin. */
    int open = 0;
    for (char *at = text; *at; at++) {
        if (at[0] == '<')
            open += at[1] == '/' ? -1 : 1;
        if (at[0] == '/' && at[1] == '>')
            open--;
    }
    CHECKF(open == 0, "%d elements left open", open);
    /* No options are defined. The page: -1 with EINVAL; glibc gives EINVAL itself. */
    errno = 0;
    int result = malloc_info(1, stdout);
    CHECKF(result == EINVAL || (result == -1 && errno == EINVAL), "%d, errno %d", result, errno);
}

static void trimmed(void)
{
    enum { MANY = 30000 };
    static void *blocks[MANY];
    for (int turn = 0; turn < 2; turn++) {
        for (size_t at = 0; at < MANY; at++) {
            blocks[at] = malloc(3000);
            REQUIRE(blocks[at] != NULL);
            memset(blocks[at], 1, 3000);
        }
        size_t full = resident_kib();
        void *last = malloc(100);
        for (size_t at = 0; at < MANY; at++)
            free(blocks[at]);
        int released = malloc_trim(turn ? 4096 : 0);
        CHECKF(released == 0 || released == 1, "%d", released);
        size_t trimmed = resident_kib();
        /* Nine tenths of what was freed are with the system again. */
        CHECKF(full == 0 || trimmed + 80 * KIB < full, "%zu KiB became %zu KiB", full, trimmed);
        free(last);
    }
    /* Nothing to release is no error. */
    malloc_trim(0);
    int again = malloc_trim(0);
    CHECK(again == 0 || again == 1);
    malloc_trim(SIZE_MAX);
}

static void options(void)
{
    /* 1 where the option was set, 0 where it was not; the page of glibc's says no more. */
    static const int known[] = { M_MMAP_THRESHOLD, M_MMAP_MAX, M_TRIM_THRESHOLD, M_TOP_PAD, M_ARENA_MAX, M_CHECK_ACTION, M_MXFAST };
    for (size_t at = 0; at < COUNT(known); at++) {
        int result = mallopt(known[at], known[at] == M_MXFAST ? 64 : known[at] == M_CHECK_ACTION ? 3 : 8 * 1024 * 1024);
        CHECKF(result == 1 || result == 0, "%d: %d", known[at], result);
    }
    int result = mallopt(123456, 1);
    CHECKF(result == 1 || result == 0, "%d", result);
    /* What is freed is filled with the byte, and what is allocated with its complement, where the
       option is known; zero stays zero with calloc. */
    mallopt(M_PERTURB, 0x55);
    char *block = calloc(1, 1000);
    CHECK(block && all_bytes(block, 1000, 0));
    free(block);
    mallopt(M_PERTURB, 0);
}

static void *in_thread(void *unused)
{
    for (int turn = 0; turn < 300; turn++) {
        void *blocks[50];
        for (size_t at = 0; at < COUNT(blocks); at++)
            blocks[at] = malloc(at * 50);
        malloc_trim(0);
        old_information();
        for (size_t at = 0; at < COUNT(blocks); at++)
            free(blocks[at]);
    }
    return unused;
}

int main(void)
{
    information();
    old_information();
    written_to_stderr();
    written_as_xml();
    trimmed();
    /* All of them while threads allocate. */
    pthread_t threads[3];
    (void)old_information;
    for (size_t at = 0; at < COUNT(threads); at++)
        REQUIRE(pthread_create(&threads[at], NULL, at == 0 ? in_thread : (void *(*)(void *))malloc, (void *)(uintptr_t)(at ? 100 : 0)) == 0);
    for (int turn = 0; turn < 50; turn++)
        written_as_xml();
    for (size_t at = 0; at < COUNT(threads); at++)
        pthread_join(threads[at], NULL);
    options();
    return finish();
}
