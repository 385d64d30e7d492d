/* A C program that opens a library in C++ (RTLD_LOCAL, so that the C++ runtime that comes with it is
   seen by nobody else), as interpreters do with their extensions. new must still throw bad_alloc and
   call the new handler. The argument names the library. */
#include "check.h"
#include <dlfcn.h>

int main(int argc, char **argv)
{
    REQUIRE(argc > 1);
    free(malloc(100));
    for (int turn = 0; turn < 3; turn++) {
        void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        if (!library) {
            CHECKF(library, "%s", dlerror());
            _exit(1);
        }
        int (*run)(size_t);
        *(void **)&run = dlsym(library, "plugin_run");
        REQUIRE(run != NULL);
        int result = run((size_t)PTRDIFF_MAX);
        CHECKF(result == 0, "%d", result);
        CHECK(dlclose(library) == 0);
    }
    return finish();
}
