/* The library needs no open file, opens none for good, and writes nowhere: with all files closed,
   standard ones too, malloc works, and files that the program opens get the lowest numbers. */
#include "check.h"

int main(void)
{
    int saved = fcntl(2, F_DUPFD, 500);
    REQUIRE(saved >= 500);
    for (int file = 0; file < 500; file++)
        close(file);
    for (size_t size = 1; size < 40 * MIB; size = size * 2 + 1) {
        char *block = malloc(size);
        if (!block)
            _exit(5);
        block[size - 1] = 1;
        free(realloc(block, size * 2));
    }
    pthread_t thread;
    if (pthread_create(&thread, NULL, (void *(*)(void *))malloc, (void *)100) != 0)
        _exit(6);
    void *block;
    pthread_join(thread, &block);
    free(block);
    malloc_trim(0);
    int lowest = open("/dev/null", O_RDONLY);
    dup2(saved, 2);
    CHECKF(lowest == 0, "%d", lowest);
    return finish();
}
