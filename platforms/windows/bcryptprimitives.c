/* The one function that Rust's standard library takes from bcryptprimitives.dll, which Wine 8 has not got. */
#include <stddef.h>

typedef int BOOL;
__declspec(dllimport) unsigned char __stdcall SystemFunction036(void *buffer, unsigned long length);

__declspec(dllexport) BOOL __stdcall ProcessPrng(unsigned char *buffer, size_t length)
{
    const size_t most = 1 << 20;
    while (length > 0) {
        size_t part = length < most ? length : most;
        if (!SystemFunction036(buffer, (unsigned long)part))
            return 0;
        buffer += part;
        length -= part;
    }
    return 1;
}
