/* bignum: arithmetic with millions of tiny numbers.
 *
 * Stands for computer algebra and for interpreters whose integers have any length: every result is
 * a fresh block of 8 to 40 bytes, and nearly all of them die within a few operations.
 *
 * First it expands square roots into continued fractions and checks every convergent h/k by
 * h*h - D*k*k = +-d. Then it factors products of two primes by Pollard's rho ("A Monte Carlo method
 * for factorization", BIT 15, 1975). Division is Algorithm D of Knuth's TAOCP, volume 2, 4.3.1.
 *
 * Prints: checksum HEX. Argument: percent of the work, 100 unless told.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Least limb first, no zero limb at the end; zero has no limbs. */
typedef struct {
    uint32_t len;
    uint32_t limb[];
} num;

static void fail(const char *what) {
    fprintf(stderr, "bignum: %s\n", what);
    exit(1);
}

static num *make(uint32_t len) {
    num *n = malloc(sizeof *n + len * sizeof n->limb[0]);
    if (!n) fail("out of memory");
    n->len = len;
    return n;
}

static num *trim(num *n) {
    while (n->len && !n->limb[n->len - 1]) n->len--;
    return n;
}

static num *from(uint64_t value) {
    num *n = make(2);
    n->limb[0] = (uint32_t)value;
    n->limb[1] = (uint32_t)(value >> 32);
    return trim(n);
}

static uint64_t low(const num *n) {
    return (n->len > 0 ? n->limb[0] : 0) | (uint64_t)(n->len > 1 ? n->limb[1] : 0) << 32;
}

/* Puts a new value into a variable and frees the one it had. */
static void set(num **at, num *value) {
    free(*at);
    *at = value;
}

static int compare(const num *a, const num *b) {
    if (a->len != b->len) return a->len < b->len ? -1 : 1;
    for (uint32_t i = a->len; i-- > 0;)
        if (a->limb[i] != b->limb[i]) return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

static num *add(const num *a, const num *b) {
    if (a->len < b->len) return add(b, a);
    num *sum = make(a->len + 1);
    uint64_t carry = 0;
    for (uint32_t i = 0; i < a->len; i++) {
        carry += (uint64_t)a->limb[i] + (i < b->len ? b->limb[i] : 0);
        sum->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    sum->limb[a->len] = (uint32_t)carry;
    return trim(sum);
}

/* a - b, where a is no less than b. */
static num *sub(const num *a, const num *b) {
    num *rest = make(a->len);
    int64_t borrow = 0;
    for (uint32_t i = 0; i < a->len; i++) {
        borrow += (int64_t)a->limb[i] - (i < b->len ? b->limb[i] : 0);
        rest->limb[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
    if (borrow) fail("a difference below zero");
    return trim(rest);
}

static num *mul(const num *a, const num *b) {
    num *product = make(a->len + b->len);
    memset(product->limb, 0, product->len * sizeof product->limb[0]);
    for (uint32_t i = 0; i < a->len; i++) {
        uint64_t carry = 0;
        for (uint32_t j = 0; j < b->len; j++) {
            carry += (uint64_t)a->limb[i] * b->limb[j] + product->limb[i + j];
            product->limb[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
        product->limb[i + b->len] = (uint32_t)carry;
    }
    return trim(product);
}

static num *shifted(const num *a, int bits, uint32_t len) {
    num *n = make(len);
    uint32_t carry = 0;
    for (uint32_t i = 0; i < len; i++) {
        uint32_t limb = i < a->len ? a->limb[i] : 0;
        n->limb[i] = limb << bits | carry;
        carry = bits ? limb >> (32 - bits) : 0;
    }
    return n;
}

/* The quotient; the remainder where it is asked for. */
static num *divide(const num *a, const num *b, num **remainder) {
    if (!b->len) fail("division by zero");
    int bits = __builtin_clz(b->limb[b->len - 1]);
    uint32_t n = b->len, steps = a->len >= n ? a->len - n + 1 : 0;
    num *rest = shifted(a, bits, a->len + 1), *by = shifted(b, bits, n), *quotient = make(steps);
    for (uint32_t j = steps; j-- > 0;) {
        uint64_t top = (uint64_t)rest->limb[j + n] << 32 | rest->limb[j + n - 1];
        uint64_t guess = top / by->limb[n - 1], over = top % by->limb[n - 1];
        while (guess >> 32
               || (n > 1 && guess * by->limb[n - 2] > (over << 32 | rest->limb[j + n - 2]))) {
            guess--;
            over += by->limb[n - 1];
            if (over >> 32) break;
        }
        int64_t borrow = 0;
        uint64_t carry = 0;
        for (uint32_t i = 0; i < n; i++) {
            carry += guess * by->limb[i];
            borrow += (int64_t)rest->limb[i + j] - (uint32_t)carry;
            rest->limb[i + j] = (uint32_t)borrow;
            borrow >>= 32;
            carry >>= 32;
        }
        borrow += (int64_t)rest->limb[j + n] - (int64_t)carry;
        rest->limb[j + n] = (uint32_t)borrow;
        if (borrow < 0) { /* The guess was one too high. */
            guess--;
            carry = 0;
            for (uint32_t i = 0; i < n; i++) {
                carry += (uint64_t)rest->limb[i + j] + by->limb[i];
                rest->limb[i + j] = (uint32_t)carry;
                carry >>= 32;
            }
            rest->limb[j + n] += (uint32_t)carry;
        }
        quotient->limb[j] = (uint32_t)guess;
    }
    if (remainder) {
        for (uint32_t i = 0; bits && i + 1 < rest->len; i++)
            rest->limb[i] = rest->limb[i] >> bits | rest->limb[i + 1] << (32 - bits);
        rest->limb[rest->len - 1] >>= bits;
        *remainder = trim(rest);
    } else {
        free(rest);
    }
    free(by);
    return trim(quotient);
}

static num *modulo(const num *a, const num *b) {
    num *rest;
    free(divide(a, b, &rest));
    return rest;
}

static num *gcd(const num *a, const num *b) {
    num *x = modulo(a, b), *y = modulo(b, b);
    set(&y, add(y, b));
    while (x->len) {
        num *rest = modulo(y, x);
        free(y);
        y = x;
        x = rest;
    }
    free(x);
    return y;
}

/* The first terms of the continued fraction of the square root of `value`; no square. */
static uint64_t expand(uint64_t value, uint64_t root, int terms) {
    num *D = from(value), *a0 = from(root), *m = from(0), *d = from(1), *a = from(root);
    num *h1 = from(1), *h = from(root), *k1 = from(0), *k = from(1);
    uint64_t digest = 0;
    for (int i = 1; i <= terms; i++) {
        num *t = mul(d, a);
        set(&m, sub(t, m));
        set(&t, mul(m, m));
        set(&t, sub(D, t));
        set(&d, divide(t, d, NULL));
        set(&t, add(a0, m));
        set(&a, divide(t, d, NULL));
        free(t);

        num *hh = mul(h, h), *kk = mul(k, k);
        set(&kk, mul(kk, D));
        num *difference = i % 2 ? sub(kk, hh) : sub(hh, kk);
        if (compare(difference, d)) fail("a convergent is wrong");
        free(difference);
        free(hh);
        free(kk);

        num *next = mul(a, h);
        set(&h1, add(next, h1));
        set(&next, mul(a, k));
        set(&k1, add(next, k1));
        free(next);
        num *swap = h;
        h = h1, h1 = swap;
        swap = k, k = k1, k1 = swap;
        digest = digest * 31 + low(h) + low(a);
    }
    num *all[] = {D, a0, m, d, a, h1, h, k1, k};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) free(all[i]);
    return digest;
}

/* A factor of `value`; zero where this road finds none. */
static uint64_t factor(uint64_t value) {
    num *n = from(value), *x = from(2), *y = from(2), *one = from(1), *product = from(1);
    uint64_t found = 0;
    for (int i = 1; !found; i++) {
        set(&x, mul(x, x)), set(&x, add(x, one)), set(&x, modulo(x, n));
        for (int twice = 0; twice < 2; twice++)
            set(&y, mul(y, y)), set(&y, add(y, one)), set(&y, modulo(y, n));
        num *distance = compare(x, y) < 0 ? sub(y, x) : sub(x, y);
        set(&product, mul(product, distance)), set(&product, modulo(product, n));
        free(distance);
        if (i % 8) continue;
        num *common = gcd(product, n);
        found = compare(common, one) ? low(common) : 0;
        free(common);
    }
    num *all[] = {n, x, y, one, product};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) free(all[i]);
    return found == value ? 0 : found;
}

static uint64_t next_prime(uint64_t from_here) {
    for (uint64_t candidate = from_here | 1;; candidate += 2) {
        uint64_t by = 3;
        while (by * by <= candidate && candidate % by) by += 2;
        if (by * by > candidate) return candidate;
    }
}

int main(int argc, char **argv) {
    uint64_t percent = argc > 1 ? strtoull(argv[1], NULL, 10) : 100, sum = 0, root = 1;
    for (uint64_t value = 2; value < 2 + 280 * percent; value++) {
        if ((root + 1) * (root + 1) == value) root++;
        if (root * root != value) sum = sum * 7 + expand(value, root, 45);
    }
    for (uint64_t i = 0; i < 20 * percent; i++) {
        uint64_t p = next_prime(100000 + i * 977), q = next_prime(900000 + i * 1861);
        uint64_t found = factor(p * q);
        if (found && found != p && found != q) fail("a wrong factor");
        sum = sum * 7 + found;
    }
    printf("checksum %016llx\n", (unsigned long long)sum);
    return 0;
}
