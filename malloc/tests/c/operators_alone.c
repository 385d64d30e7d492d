/* operator new in a program without a C++ library, where there is nobody to throw bad_alloc: a message and
   an abort. The argument says whether there is such a size. */
#include "check.h"
#include <dlfcn.h>

int main(int argc, char **argv)
{
    REQUIRE(argc > 1);
    void *(*give)(size_t);
    void (*take)(void *);
    *(void **)&give = dlsym(RTLD_DEFAULT, "_Znwm");
    *(void **)&take = dlsym(RTLD_DEFAULT, "_ZdlPv");
    REQUIRE(give && take);
    void *block = give(100);
    REQUIRE(block != NULL);
    take(block);
    /* Addresses have 47 bits, or, on some machines, 56. */
    give(amount(strcmp(argv[1], "size") == 0 ? (size_t)PTRDIFF_MAX / 2 : SIZE_MAX));
    return 0;
}
