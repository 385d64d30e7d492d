/* A library for dlopen.c: it allocates in its constructor and destructor, has storage for each
   thread, and gives out blocks that outlive it. */
#include <stdlib.h>
#include <string.h>

static char *kept;
static __thread char each_thread[3000];

__attribute__((constructor)) static void opened(void)
{
    kept = malloc(5000);
    if (!kept)
        abort();
    memset(kept, 7, 5000);
    free(calloc(100, 100));
}
__attribute__((destructor)) static void closed(void)
{
    free(malloc(300));
    if (kept[4999] != 7)
        abort();
    free(kept);
}
char *plugin_block(size_t size)
{
    char *block = malloc(size);
    if (block)
        memset(block, 9, size);
    memset(each_thread, 1, sizeof each_thread);
    return block;
}
void plugin_free(void *block) { free(block); }
