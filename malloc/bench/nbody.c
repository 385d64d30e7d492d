/* nbody: stars under gravity, by the method of Barnes and Hut ("A hierarchical O(N log N)
 * force-calculation algorithm", Nature 324, 1986).
 *
 * Stands for simulations and games: a tree of many nodes of two sizes is built from nothing in each
 * step, walked, and freed as a whole. The order in which nodes lie in memory shows in the walk.
 *
 * Allocates leaves of 48 bytes (one star each) and inner nodes of 112 bytes; between the steps only
 * the array of stars lives.
 *
 * Prints: checksum HEX, of the bits of all places. Argument: percent of the work, 100 unless told.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STARS = 20000 };
static const double OPENING = 1.2, STEP = 0.01, SOFTENING = 1e-4;

typedef struct {
    double at[3], speed[3], mass;
} star;

typedef struct node {
    double centre[3], mass; /* Sums while the tree grows, the centre of mass afterwards. */
    uint64_t stars;         /* 1 in a leaf. */
    double size;
    struct node *child[]; /* None, or eight. */
} node;

static uint64_t state = 42;

/* A multiplier of Knuth's MMIX; the high bits, between -1 and 1. */
static double next_random(void) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (double)(state >> 11) / (double)(1ull << 52) - 1.0;
}

static node *make(size_t bytes) {
    node *n = calloc(1, bytes);
    if (!n) {
        fputs("nbody: out of memory\n", stderr);
        exit(1);
    }
    return n;
}

static node *leaf(const star *s) {
    node *n = make(sizeof *n);
    memcpy(n->centre, s->at, sizeof n->centre);
    n->mass = s->mass;
    n->stars = 1;
    return n;
}

/* Which eighth of the cube around `middle`; moves `middle` to that eighth's own. */
static int octant(const double at[3], double middle[3], double half) {
    int which = 0;
    for (int i = 0; i < 3; i++) {
        int upper = at[i] >= middle[i];
        which |= upper << i;
        middle[i] += upper ? half / 2 : -half / 2;
    }
    return which;
}

/* Puts a leaf into the tree under `*root`; a leaf that is in the way moves down. */
static void insert(node **root, node *new, double half) {
    double middle[3] = {0, 0, 0};
    for (int depth = 0; *root; depth++, half /= 2) {
        node *here = *root;
        if (here->stars == 1) {
            if (depth > 60) { /* Two stars in one place. */
                here->mass += new->mass;
                free(new);
                return;
            }
            node *inner = make(sizeof *inner + 8 * sizeof inner->child[0]);
            double below[3] = {middle[0], middle[1], middle[2]};
            inner->size = 2 * half;
            inner->stars = 2;
            inner->mass = here->mass;
            for (int i = 0; i < 3; i++) inner->centre[i] = here->centre[i] * here->mass;
            inner->child[octant(here->centre, below, half)] = here;
            *root = here = inner;
        } else {
            here->stars++;
        }
        here->mass += new->mass;
        for (int i = 0; i < 3; i++) here->centre[i] += new->centre[i] * new->mass;
        root = &here->child[octant(new->centre, middle, half)];
    }
    *root = new;
}

static void settle(node *n) {
    if (!n || n->stars == 1) return;
    for (int i = 0; i < 3; i++) n->centre[i] /= n->mass;
    for (int i = 0; i < 8; i++) settle(n->child[i]);
}

static void pull(const node *n, const double at[3], double force[3]) {
    double way[3], square = SOFTENING;
    for (int i = 0; i < 3; i++) {
        way[i] = n->centre[i] - at[i];
        square += way[i] * way[i];
    }
    if (n->stars == 1 || n->size * n->size < OPENING * OPENING * square) {
        double strength = n->mass / (square * sqrt(square));
        for (int i = 0; i < 3; i++) force[i] += way[i] * strength;
        return;
    }
    for (int i = 0; i < 8; i++)
        if (n->child[i]) pull(n->child[i], at, force);
}

static void drop(node *n) {
    if (!n) return;
    if (n->stars > 1)
        for (int i = 0; i < 8; i++) drop(n->child[i]);
    free(n);
}

int main(int argc, char **argv) {
    int steps = (argc > 1 ? atoi(argv[1]) : 100) * 180 / 100;
    star *stars = calloc(STARS, sizeof *stars);
    if (!stars) return 1;
    for (int s = 0; s < STARS; s++) {
        for (int i = 0; i < 3; i++) stars[s].at[i] = next_random() * next_random();
        stars[s].mass = 1.0 / STARS;
    }
    for (int step = 0; step < steps; step++) {
        double half = 1;
        for (int s = 0; s < STARS; s++)
            for (int i = 0; i < 3; i++)
                while (fabs(stars[s].at[i]) > half) half *= 2;
        node *root = NULL;
        for (int s = 0; s < STARS; s++) insert(&root, leaf(&stars[s]), half);
        settle(root);
        /* A tenth of the stars feel the tree in each step, so that building it counts as well. */
        for (int s = step % 10; s < STARS; s += 10) {
            double force[3] = {0, 0, 0};
            pull(root, stars[s].at, force);
            for (int i = 0; i < 3; i++) stars[s].speed[i] += force[i] * 10 * STEP;
        }
        for (int s = 0; s < STARS; s++)
            for (int i = 0; i < 3; i++) stars[s].at[i] += stars[s].speed[i] * STEP;
        drop(root);
    }
    uint64_t sum = 0;
    for (int s = 0; s < STARS; s++)
        for (int i = 0; i < 3; i++) {
            uint64_t bits;
            memcpy(&bits, &stars[s].at[i], sizeof bits);
            sum = sum * 31 + bits;
        }
    free(stars);
    printf("checksum %016llx\n", (unsigned long long)sum);
    return 0;
}
