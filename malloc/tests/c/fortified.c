/* With _FORTIFY_SOURCE, what compilers know of a size is checked where memory is written. What was made
   larger in place is, by the returned pointer, as large as was asked for. The argument is "within" or
   "beyond" that. */

#include <string.h>

#include "families.h"

int main(int count, char **arguments) {
    fam_family_t family = fam_family("fortified");
    /* So that the compiler knows neither how many bytes are written, nor that they are too many. */
    volatile size_t written;

    char *object = fam_malloc(family, 10);
    CHECK(count == 2 && object);
    size_t usable = fam_usable_size(object);
    CHECK(usable >= 16);
    char *grown = fam_try_resize(object, usable);
    CHECK(grown == object);
    written = usable;
    memset(grown, 1, written);
    CHECK(all((unsigned char *)grown, 0, usable, 1));

    char *little = fam_try_resize(grown, 12);
    CHECK(little == object);
    written = strcmp(arguments[1], "within") == 0 ? 12 : 16;
    memset(little, 2, written);
    CHECK(all((unsigned char *)object, 0, 12, 2));
    fam_free(object);
    return 0;
}
