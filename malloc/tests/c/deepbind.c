/* A program that opens a plugin with RTLD_DEEPBIND, by a name that only the program's own path leads to, and
   exchanges memory with it. "whole" frees on either side what the other has allocated; "half" leaves out what
   only a malloc can free that both sides have. */
#include "check.h"
#include <dlfcn.h>

int main(int argc, char **argv)
{
    REQUIRE(argc > 2);
    void *plugin = dlopen(argv[1], RTLD_NOW | RTLD_DEEPBIND);
    if (!plugin) {
        CHECKF(plugin, "%s", dlerror());
        return finish();
    }
    char *(*make)(size_t);
    void (*give)(void *);
    *(void **)&make = dlsym(plugin, "plugin_block");
    *(void **)&give = dlsym(plugin, "plugin_free");
    REQUIRE(make && give);
    for (int turn = 0; turn < 100; turn++) {
        char *block = make(300);
        REQUIRE(block != NULL);
        CHECK(all_bytes(block, 300, 9));
        block = realloc(block, 700);
        CHECK(all_bytes(block, 300, 9));
        free(block);
        give(make(100));
        if (strcmp(argv[2], "whole") == 0) {
            give(malloc(100));
            /* The C library's own malloc is the program's. */
            give(strdup("a text"));
        }
    }
    return finish();
}
