"""Containers, strings, threads, processes and compressed bytes, without a word of addresses or times."""
import array, collections, ctypes, gc, hashlib, heapq, io, itertools, json, pickle, random
import re, struct, subprocess, sys, threading, zlib

chance = random.Random(7)
digest = hashlib.sha256()


def note(*words):
    digest.update(repr(words).encode())


words = ["".join(chance.choices("abcdefgh", k=chance.randint(1, 40))) for _ in range(20000)]
counts = collections.Counter(words)
note(counts.most_common(50))
index = {word: [i for i in range(len(word))] for word in words}
for word in words[::3]:
    index.pop(word, None)
note(sorted(index)[:100], sum(map(len, index.values())))
note(json.loads(json.dumps({w: len(w) for w in words[:2000]})) == {w: len(w) for w in words[:2000]})
note(pickle.loads(pickle.dumps(index, protocol=4)) == index)

text = " ".join(words)
note(re.findall(r"\b(a+)(b|c)*\w{3,9}\b", text)[:200], re.sub("[aeiou]", "-", text)[:500])

rows = bytearray()
for i in range(5000):
    rows += struct.pack("<IdH", i, i / 3, i % 7)
    if i % 100 == 99:
        del rows[:700]
note(bytes(rows), zlib.decompress(zlib.compress(bytes(rows), 9)) == rows)

numbers = array.array("q", range(100000))
numbers.extend(numbers[::-7])
note(sum(numbers), len(numbers))
heap = []
for i in range(20000):
    heapq.heappush(heap, (chance.random(), i))
note([heapq.heappop(heap)[1] for _ in range(500)])
note(pow(3, 50000) % (10**4000 + 7), len(hex(2**20000)))


class Node:
    def __init__(self, left, right):
        self.left, self.right, self.around = left, right, self


def tree(depth):
    return Node(tree(depth - 1), tree(depth - 1)) if depth else None


for _ in range(5):
    tree(12)
note(gc.collect() > 0)

results = {}


def work(number):
    local = random.Random(number)
    held = {}
    for step in range(20000):
        held[local.randrange(500)] = "x" * local.randrange(2000)
    results[number] = hashlib.md5("".join(held[key] for key in sorted(held)).encode()).hexdigest()


threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
note(sorted(results.items()))

# C's own functions, from Python: what one side allocates the other frees.
libc = ctypes.CDLL(None)
for function in ("malloc", "calloc", "realloc", "strdup", "aligned_alloc"):
    getattr(libc, function).restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
for size in itertools.chain(range(0, 3000, 37), (1 << 16, 1 << 20, 9 << 20)):
    block = libc.malloc(ctypes.c_size_t(size))
    ctypes.memset(block, 0x5A, size)
    block = libc.realloc(ctypes.c_void_p(block), ctypes.c_size_t(size * 2 + 1))
    note(ctypes.string_at(block, size) == b"\x5a" * size)
    libc.free(block)
    zeros = libc.calloc(ctypes.c_size_t(size), ctypes.c_size_t(3))
    note(ctypes.string_at(zeros, size * 3) == bytes(size * 3))
    libc.free(zeros)
copy = libc.strdup(b"a string of C")
note(ctypes.string_at(copy))
libc.free(copy)
aligned = libc.aligned_alloc(ctypes.c_size_t(4096), ctypes.c_size_t(8192))
note(aligned % 4096)
libc.free(aligned)

child = subprocess.run([sys.executable, "-c", "print(sum(len(str(i)) for i in range(100000)))"],
                       capture_output=True, text=True, check=True)
note(child.stdout, child.stderr)
lines = io.StringIO("\n".join(sorted(words)))
note([len(line) for line in lines][:1000])
print(digest.hexdigest())
