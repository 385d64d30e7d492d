"""Objects in Python: dicts, lists, tuples, instances, strings, JSON.

Stands for a data-processing script. Run with PYTHONMALLOC=malloc, so that every object is a block of
the C library's allocator. Prints a checksum. Argument: percent of the work, 100 unless told.
"""

import json
import sys
import zlib


class Order:
    def __init__(self, number, customer, lines):
        self.number = number
        self.customer = customer
        self.lines = lines

    def total(self):
        return sum(line["count"] * line["price"] for line in self.lines)


def numbers(state):
    """xorshift32: Marsaglia, "Xorshift RNGs", 2003."""
    while True:
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        yield state


def main(percent):
    random = numbers(2463534242)
    by_customer = {}
    checksum = 0
    for number in range(percent * 400):
        lines = [
            {"item": f"item-{next(random) % 5000}", "count": next(random) % 9 + 1, "price": next(random) % 10000}
            for _ in range(next(random) % 6 + 1)
        ]
        order = Order(number, f"customer-{next(random) % 700}", lines)
        by_customer.setdefault(order.customer, []).append(order)
        if len(by_customer[order.customer]) > 20:
            kept = sorted(by_customer[order.customer], key=Order.total)[10:]
            by_customer[order.customer] = kept
        if number % 4 == 0:
            text = json.dumps({"number": number, "customer": order.customer, "lines": lines})
            again = json.loads(text)
            words = text.replace('"', " ").split()
            checksum = zlib.crc32(" ".join(reversed(words)).encode(), checksum + len(again["lines"]))
    everything = json.dumps({name: [vars(o) for o in orders] for name, orders in sorted(by_customer.items())})
    checksum = zlib.crc32(json.dumps(json.loads(everything)).encode(), checksum)
    print(f"checksum {checksum:08x}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
