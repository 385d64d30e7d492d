// What is counted in C++: operators new OPERATIONS. An operation is an `operator new` and the sized
// `operator delete`, as a container calls them.
#include <cstdint>
#include <cstdlib>
#include <new>

int main(int count, char **arguments) {
    const std::size_t size = 48;
    const long operations = count == 3 ? std::atol(arguments[2]) : 0;
    for (long i = 0; i < operations; i++) {
        void *start = ::operator new(size);
        *static_cast<volatile std::uint64_t *>(start) = 1;
        ::operator delete(start, size);
    }
    return operations > 0 ? 0 : 64;
}
