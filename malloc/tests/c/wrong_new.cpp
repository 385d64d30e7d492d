// Operators that are wrong on purpose, as the mallocs of wrong.c are.
#include <cstdlib>
#include <new>

#if defined(NEW_KNOWS_NO_HANDLER)
void *operator new(size_t size) { if (void *block = malloc(size)) return block; throw std::bad_alloc(); }
#elif defined(NEW_CALLS_ONCE)
void *operator new(size_t size, const std::nothrow_t &) noexcept
{
    void *block = malloc(size);
    if (!block && std::get_new_handler())
        std::get_new_handler()();
    return block;
}
#elif defined(NEW_GIVES_NULL)
void *operator new[](size_t size) { return malloc(size); }
#elif defined(NEW_UNALIGNED)
void *operator new(size_t size, std::align_val_t) { if (void *block = malloc(size)) return block; throw std::bad_alloc(); }
#elif defined(NEW_PASSES_BY)
void *operator new(size_t size, const std::nothrow_t &) noexcept { return malloc(size); }
#elif defined(DELETE_LEAKS)
void operator delete(void *) noexcept {}
void operator delete(void *, size_t) noexcept {}
#else
#error "which fault?"
#endif
