/* whose: prints the file that `malloc` comes from, to see whether a preloaded library took effect. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(void) {
    Dl_info info;
    void *block = malloc(100);
    if (!block || !dladdr(dlsym(RTLD_DEFAULT, "malloc"), &info)) return 1;
    free(block);
    puts(info.dli_fname);
    return 0;
}
