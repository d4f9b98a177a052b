/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots of a server, taken by several threads at once: the count never stands above the limit, not
 * even for a moment, because a stream that meets such a moment finds no slot and enters the line
 * with nobody left to serve it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>

#include "weir/server/queue.h"
#include "weir/server/server.h"

enum { TAKERS = 3, TRIES = 300000, LIMIT = 2 };

static struct server_conf conf;
static struct server_set set;
static struct backend_live back = { .set = &set };
static struct proxy backend = { .back = &back };
static struct server srv = { .backend = &backend, .conf = &conf, .maxconn = LIMIT };
static uint32_t finished, seen_above, taken;

static void
serve_nobody(struct queue *queue)
{
    (void)queue;
}

static void *
try_often(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < TRIES; i++) {
        if (server_slot_take(&srv, NULL))
            __atomic_add_fetch(&taken, 1, __ATOMIC_RELAXED);
    }
    __atomic_add_fetch(&finished, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void *
watch(void *arg)
{
    (void)arg;
    while (__atomic_load_n(&finished, __ATOMIC_ACQUIRE) < TAKERS)
        seen_above += __atomic_load_n(&srv.current, __ATOMIC_RELAXED) > LIMIT;
    return NULL;
}

static void
a_full_server_is_never_counted_beyond_its_limit(void **state)
{
    pthread_t takers[TAKERS], watcher;

    (void)state;
    queue_init(&srv.queue, serve_nobody);
    queue_init(&back.queue, serve_nobody);
    assert_true(server_slot_take(&srv, NULL)); /* one is free for the takers */
    assert_int_equal(pthread_create(&watcher, NULL, watch, NULL), 0);
    for (unsigned i = 0; i < TAKERS; i++)
        assert_int_equal(pthread_create(&takers[i], NULL, try_often, NULL), 0);
    for (unsigned i = 0; i < TAKERS; i++)
        pthread_join(takers[i], NULL);
    pthread_join(watcher, NULL);
    assert_int_equal(taken, LIMIT - 1);
    assert_int_equal(srv.current, LIMIT);
    assert_int_equal(srv.current_max, LIMIT);
    assert_int_equal(seen_above, 0);
}

static void
what_is_given_back_can_be_taken(void **state)
{
    (void)state;
    server_slot_give(&srv);
    assert_true(server_slot_take(&srv, NULL));
    assert_false(server_slot_take(&srv, NULL));
    assert_int_equal(srv.current, LIMIT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_server_is_never_counted_beyond_its_limit),
        cmocka_unit_test(what_is_given_back_can_be_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
