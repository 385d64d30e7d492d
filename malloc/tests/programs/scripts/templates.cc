// Templates for the compiler to chew, and containers, exceptions, threads and shared pointers for the run.
#include <algorithm>
#include <cstdint>
#include <deque>
#include <future>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <new>
#include <numeric>
#include <string>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

template <std::size_t N> struct Fib { static constexpr std::uint64_t value = Fib<N - 1>::value + Fib<N - 2>::value; };
template <> struct Fib<0> { static constexpr std::uint64_t value = 0; };
template <> struct Fib<1> { static constexpr std::uint64_t value = 1; };

template <std::size_t... I> auto squares(std::index_sequence<I...>) { return std::make_tuple((I * I)...); }

struct alignas(128) Wide {
    std::uint64_t words[16] = {};
};

using Value = std::variant<std::monostate, int, std::string, std::vector<std::string>>;

static std::uint32_t seed = 7;
static std::uint32_t chance(std::uint32_t bound) { return (seed = seed * 1664525u + 1013904223u, (seed >> 8) % bound); }

int main() {
    std::cout << Fib<80>::value << ' ' << std::get<63>(squares(std::make_index_sequence<64>())) << '\n';

    std::map<std::string, std::vector<int>> index;
    std::unordered_map<int, std::shared_ptr<std::string>> shared;
    for (int i = 0; i < 20000; i++) {
        index[std::string(1 + chance(40), static_cast<char>('a' + chance(8)))].push_back(i);
        shared[static_cast<int>(chance(500))] = std::make_shared<std::string>(chance(300), 'x');
    }
    std::uint64_t sum = 0;
    for (auto &[key, value] : index) sum = sum * 31 + key.size() * std::accumulate(value.begin(), value.end(), 0ull);
    for (int i = 0; i < 500; i++) if (auto found = shared.find(i); found != shared.end()) sum = sum * 31 + found->second->size();
    std::cout << index.size() << ' ' << sum << '\n';

    std::vector<Value> values;
    for (int i = 0; i < 5000; i++)
        switch (chance(4)) {
        case 0: values.emplace_back(); break;
        case 1: values.emplace_back(i); break;
        case 2: values.emplace_back(std::string(chance(100), 'y')); break;
        default: values.emplace_back(std::vector<std::string>(chance(5), std::string(chance(60), 'z')));
        }
    std::stable_sort(values.begin(), values.end());
    std::cout << std::count_if(values.begin(), values.end(), [](auto &v) { return v.index() == 3; }) << '\n';

    std::string text;
    for (int i = 0; i < 20000; i++) {
        text += "key" + std::to_string(chance(1000)) + "=value;";
        if (text.size() > 50000) text.erase(0, 40000);
    }
    std::cout << text.size() << ' ' << std::hash<std::string>{}(text) << '\n';

    int caught = 0;
    for (int i = 0; i < 2000; i++)
        try {
            if (i % 2) throw std::runtime_error(std::string(chance(500), 'e'));
            (void)std::string("short").at(10);
        } catch (const std::exception &) { caught++; }
    std::cout << caught << '\n';

    // Sizes that no machine has are refused, by exception and by null.
    volatile std::size_t huge = SIZE_MAX / 2 - 64;
    try { delete[] new char[huge]; std::cout << "given\n"; } catch (const std::bad_alloc &) { std::cout << "refused\n"; }
    std::cout << (new (std::nothrow) char[huge] == nullptr) << '\n';

    std::deque<std::unique_ptr<Wide>> wide;
    bool aligned = true;
    for (int i = 0; i < 2000; i++) {
        wide.push_back(std::make_unique<Wide>());
        aligned = aligned && reinterpret_cast<std::uintptr_t>(wide.back().get()) % 128 == 0;
        if (chance(3) == 0) wide.pop_front();
    }
    std::cout << aligned << ' ' << wide.size() << '\n';

    // One thread makes, another destroys.
    std::vector<std::future<std::vector<std::string>>> futures;
    for (int t = 0; t < 6; t++)
        futures.push_back(std::async(std::launch::async, [t] {
            std::vector<std::string> made;
            for (int i = 0; i < 5000; i++) made.emplace_back(static_cast<std::size_t>((i * 7 + t) % 300), 'm');
            return made;
        }));
    std::size_t total = 0;
    for (auto &future : futures) for (auto &one : future.get()) total += one.size();
    std::cout << total << '\n';

    std::pmr::monotonic_buffer_resource arena(std::pmr::new_delete_resource());
    std::pmr::list<std::pmr::string> list(&arena);
    for (int i = 0; i < 3000; i++) list.emplace_back(static_cast<std::size_t>(i % 100), 'p');
    std::string sizes;
    for (auto &one : list) sizes += std::to_string(one.size()) + ',';
    std::cout << std::hash<std::string>{}(sizes) << '\n';
}
