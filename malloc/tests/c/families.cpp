// The part of famalloc.h that is for C++.

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "famalloc.h"

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);                \
            std::exit(1);                                                                          \
        }                                                                                          \
    } while (0)

static fam_family_t of(const void *address) {
    fam_query_t found;
    CHECK(fam_query(address, &found));
    return found.family;
}

struct alignas(256) Wide {
    int value;
};

int main() {
    const fam_family_t parser = fam_family("parser"), cache = fam_family("cache");
    int *outside = nullptr, *inside = nullptr;
    try {
        fam::scope scope(parser);
        inside = new int(7);
        {
            fam::scope deeper(cache);
            CHECK(fam_scope_current() == cache);
        }
        CHECK(fam_scope_current() == parser);
        throw std::runtime_error("out");
    } catch (const std::runtime_error &) {
        CHECK(fam_scope_current() == FAM_GENERAL);
        outside = new int(8);
    }
    CHECK(of(inside) == parser && of(outside) == FAM_GENERAL);
    delete inside;
    delete outside;

    std::vector<int, fam::allocator<int>> numbers{fam::allocator<int>(parser)};
    for (int at = 0; at < 10000; at++)
        numbers.push_back(at);
    CHECK(of(numbers.data()) == parser && numbers[9999] == 9999);
    std::vector<int, fam::allocator<int>> others(fam::allocator<int>{cache});
    others = std::move(numbers);
    CHECK(of(others.data()) == parser && others.size() == 10000);
    others.resize(20000);
    CHECK(of(others.data()) == parser);

    using Pair = std::pair<const int, std::string>;
    std::map<int, std::string, std::less<int>, fam::allocator<Pair>> map{fam::allocator<Pair>(cache)};
    map[3] = "three";
    CHECK(of(&*map.begin()) == cache && map.at(3) == "three");

    std::vector<Wide, fam::allocator<Wide>> wide(10, Wide{1}, fam::allocator<Wide>(cache));
    CHECK(of(wide.data()) == cache && reinterpret_cast<std::size_t>(wide.data()) % 256 == 0);

    fam::allocator<long> one(parser);
    fam::allocator<char> two(one);
    CHECK(one == fam::allocator<long>(cache) && two.family() == parser);
    bool thrown = false;
    try {
        volatile std::size_t most = static_cast<std::size_t>(-1);
        one.deallocate(one.allocate(most / 4), 1);
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    CHECK(thrown);

    // An exception passes through a walk.
    thrown = false;
    try {
        fam_walk(
            parser, [](void *, std::size_t, void *) { throw std::runtime_error("enough"); }, nullptr);
    } catch (const std::runtime_error &) {
        thrown = true;
    }
    CHECK(thrown && fam_check(nullptr, 0) == 0);
    return 0;
}
