/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers and unique ids.
 *
 * For:     choices (balancing, jitter), ids of requests, keys.
 * Owns:    per thread: the state of a fast generator (xoshiro256**, public
 *          domain, Blackman and Vigna), and a small stock of strong bytes, so
 *          that an id does not cost a system call.
 * Callers: everybody.
 * Thread:  any.
 *
 * After fork() both processes have the same state. The child counts itself one
 * generation up, and each thread starts anew when it sees another generation.
 */
#include "weir/base/entropy.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "weir/base/crash.h"
#include "weir/base/encode.h"

#define STOCK_BYTES 512

struct generator {
    uint64_t state[4];
    unsigned generation; /* of process_generation; 0: not seeded */
};

struct stock {
    unsigned char bytes[STOCK_BYTES];
    size_t left; /* how many at the end of bytes[] were not given out */
    unsigned generation;
};

/* Written in a child of fork() only, when it has one thread. */
static unsigned process_generation = 1;
static pthread_once_t fork_watch_once = PTHREAD_ONCE_INIT;

static _Thread_local struct generator generator;
static _Thread_local struct stock stock;

static void
on_fork_child(void)
{
    process_generation++;
}

static void
watch_forks(void)
{
    MUST(pthread_atfork(NULL, NULL, on_fork_child) == 0);
}

void
entropy_fill(void *to, size_t len)
{
    char *at = to;

    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);

        MUST(got > 0 || errno == EINTR);
        if (got > 0) {
            at += got;
            len -= (size_t)got;
        }
    }
}

static void
generator_seed(void)
{
    pthread_once(&fork_watch_once, watch_forks);
    do
        entropy_fill(generator.state, sizeof(generator.state));
    while ((generator.state[0] | generator.state[1] | generator.state[2] | generator.state[3]) ==
           0);
    generator.generation = process_generation;
}

static uint64_t
rotate_left(uint64_t n, unsigned by)
{
    return n << by | n >> (64 - by);
}

uint64_t
entropy_next(void)
{
    uint64_t *s = generator.state;
    uint64_t result, t;

    if (__builtin_expect(generator.generation != process_generation, 0))
        generator_seed();
    result = rotate_left(s[1] * 5, 7) * 9;
    t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* Lemire's way: the high half of a product, and another try in the rare cases where low
 * numbers would be a little likelier. */
uint64_t
entropy_below(uint64_t bound)
{
    unsigned __int128 product;

    MUST(bound > 0);
    do
        product = (unsigned __int128)entropy_next() * bound;
    while ((uint64_t)product < -bound % bound);
    return (uint64_t)(product >> 64);
}

static void
take_from_stock(unsigned char *to, size_t len)
{
    unsigned char *from;

    if (stock.left < len || stock.generation != process_generation) {
        pthread_once(&fork_watch_once, watch_forks);
        entropy_fill(stock.bytes, sizeof(stock.bytes));
        stock.left = sizeof(stock.bytes);
        stock.generation = process_generation;
    }
    from = stock.bytes + sizeof(stock.bytes) - stock.left;
    memcpy(to, from, len);
    explicit_bzero(from, len);
    stock.left -= len;
}

/* Sets version and variant, and writes 8-4-4-4-12 digits. */
static size_t
format_uuid(char *to, unsigned char id[16], unsigned version)
{
    static const size_t group_bytes[5] = { 4, 2, 2, 2, 6 };
    const char *from = (const char *)id;
    char *at = to;

    id[6] = (unsigned char)(version << 4 | (id[6] & 15));
    id[8] = 0x80 | (id[8] & 0x3f);
    for (int i = 0; i < 5; i++) {
        if (i > 0)
            *at++ = '-';
        at += hex_encode(at, str_of(from, group_bytes[i]));
        from += group_bytes[i];
    }
    return (size_t)(at - to);
}

size_t
entropy_format_uuid4(char *to)
{
    unsigned char id[16];

    take_from_stock(id, sizeof(id));
    return format_uuid(to, id, 4);
}

size_t
entropy_format_uuid7(char *to, int64_t wall_us)
{
    uint64_t ms = (uint64_t)wall_us / 1000;
    unsigned char id[16];

    take_from_stock(id + 6, sizeof(id) - 6);
    for (int i = 0; i < 6; i++)
        id[i] = (unsigned char)(ms >> (40 - 8 * i));
    return format_uuid(to, id, 7);
}
