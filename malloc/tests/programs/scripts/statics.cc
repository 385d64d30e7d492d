// Objects that are made before main and destroyed after it, in the program, its threads and its atexit.
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

static std::map<std::string, int> &registry() {
    static std::map<std::string, int> all;
    return all;
}

template <int N> struct Entry {
    std::vector<std::string> words;
    std::string name = "entry number " + std::to_string(N) + " with a name too long to lie in place";
    Entry() {
        for (int i = 0; i < N; i++) words.push_back(name + std::to_string(i));
        registry()[name] = N;
    }
    ~Entry() {
        std::size_t sum = 0;
        for (auto &word : words) sum += word.size();
        if (N % 10 == 0) std::printf("gone: %d, %zu, %zu left\n", N, sum, registry().size());
        registry().erase(name);
    }
    static Entry one;
};
template <int N> Entry<N> Entry<N>::one;

template <int... N> static std::size_t touch(std::integer_sequence<int, N...>) {
    return (0 + ... + Entry<N>::one.words.size());
}

static const std::size_t touched = touch(std::make_integer_sequence<int, 60>());
static std::unique_ptr<int[]> numbers(new int[1000]());
static std::string *never_destroyed = new std::string(500, 'n');

struct Local {
    std::string text = std::string(300, 'l');
    ~Local() { text += "more, at the end of the thread"; std::printf("local %zu\n", text.size()); }
};
static thread_local Local local;

static void at_exit() {
    std::vector<std::string> late(100, std::string(100, 'z'));
    std::printf("atexit %zu, %zu registered\n", late.size(), registry().size());
}

__attribute__((constructor(101))) static void early() {
    char *text = static_cast<char *>(std::malloc(100));
    std::snprintf(text, 100, "before all others");
    std::puts(text);
    std::free(text);
}

__attribute__((destructor(101))) static void last() {
    void *memory = std::calloc(50, 50);
    std::printf("after all others: %d\n", memory != nullptr);
    std::free(memory);
}

int main() {
    std::atexit(at_exit);
    std::cout << touched << ' ' << registry().size() << ' ' << never_destroyed->size() << std::endl;
    for (int i = 0; i < 5; i++) std::thread([] { local.text += "x"; }).join();
    local.text += "in the main thread";
    std::cout << numbers[999] << std::endl;
}
