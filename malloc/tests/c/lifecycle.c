/* Allocation at all times of a process: before any library's constructor, in constructors, in main,
   in what atexit and on_exit registered, in destructors, and while main's end and the calls of other
   threads go side by side. Blocks of one time are freed in another. */
#include "check.h"

static char *from_preinit, *from_constructor, *from_main, *from_exit;

static void use(void)
{
    for (size_t size = 1; size < 5 * MIB; size = size * 4 + 3) {
        char *block = malloc(size), *zero = calloc(1, size);
        if (!block || !zero || !all_bytes(zero, size, 0))
            _exit(5);
        fill(block, size, size);
        block = realloc(block, size * 2);
        if (!block || !intact(block, size, size))
            _exit(6);
        free(block);
        free(zero);
    }
}

static char *made(size_t seed)
{
    char *block = malloc(3000);
    if (!block)
        _exit(7);
    fill(block, 3000, seed);
    return block;
}
static void unmade(char *block, size_t seed)
{
    if (!intact(block, 3000, seed))
        _exit(8);
    free(block);
}

static void before(void)
{
    use();
    from_preinit = made(1);
}
__attribute__((section(".preinit_array"), used)) static void (*const before_libraries)(void) = before;

__attribute__((constructor(101))) static void constructor(void)
{
    use();
    unmade(from_preinit, 1);
    from_preinit = made(2);
    from_constructor = made(3);
}
__attribute__((destructor(101))) static void destructor(void)
{
    use();
    unmade(from_constructor, 3);
    unmade(from_exit, 5);
    if (finish())
        _exit(1);
}

static void at_exit(void)
{
    use();
    unmade(from_main, 4);
    from_exit = made(5);
}
static void on_the_exit(int status, void *block)
{
    use();
    unmade(block, 6);
    if (status != 0)
        _exit(9);
}

static void *for_ever(void *seed)
{
    uint64_t state = (uintptr_t)seed + 1;
    for (;;) {
        size_t size = random_size(&state) % (100 * KIB) + 1;
        char *block = malloc(size);
        if (!block)
            _exit(10);
        block[0] = 1;
        free(realloc(block, size * 2));
    }
    return NULL;
}
static void *leaves_main_behind(void *unused)
{
    usleep(10000);
    use();
    exit(0);
    return unused;
}

int main(void)
{
    use();
    unmade(from_preinit, 2);
    from_main = made(4);
    REQUIRE(atexit(at_exit) == 0);
    REQUIRE(on_exit(on_the_exit, made(6)) == 0);
    for (int turn = 0; turn < 36; turn++) {
        pid_t forked = fork();
        REQUIRE(forked >= 0);
        if (forked == 0) {
            alarm(60);
            pthread_t thread;
            for (intptr_t at = 0; at < 3; at++)
                REQUIRE(pthread_create(&thread, NULL, for_ever, (void *)at) == 0);
            if (turn % 3 == 0) {
                REQUIRE(pthread_create(&thread, NULL, leaves_main_behind, NULL) == 0);
                pthread_exit(NULL);
            }
            if (turn % 3 == 1)
                usleep(turn * 200);
            if (turn % 7 == 6)
                quick_exit(0);
            exit(0);
        }
        if (!ended_well(forked))
            _exit(1);
    }
    return finish();
}
