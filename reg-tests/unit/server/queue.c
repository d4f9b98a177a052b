/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots and waiting lines with many streams on several threads: no slot is lost or given twice, and
 * nobody waits for ever. Run it under -fsanitize=thread too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "weir/loop/timer.h"
#include "weir/loop/mailbox.h"
#include "weir/server/queue.h"
#include "weir/server/server.h"

enum { THREADS = 4, STREAMS = 24, ROUNDS = 150, MAXCONN = 3, SERVERS = 2 };

/* --- a backend made by hand ------------------------------------------------------------------- */

static struct server servers[SERVERS];
static struct server_conf confs[SERVERS];
static struct server *usable[SERVERS];
static struct server_set set;
static struct backend_live back;
static struct proxy backend = { .back = &back };

static void
serve_own(struct queue *queue)
{
    queue_serve(LIST_ITEM(queue, struct server, queue));
}

static void
serve_any(struct queue *queue)
{
    (void)queue;
    for (unsigned i = 0; i < SERVERS; i++)
        queue_serve(&servers[i]);
}

static void
make_backend(void)
{
    queue_init(&back.queue, serve_any);
    back.set = &set;
    set.usable = set.all = usable;
    set.usable_count = set.all_count = SERVERS;
    for (unsigned i = 0; i < SERVERS; i++) {
        usable[i] = &servers[i];
        servers[i].backend = &backend;
        servers[i].state = SERVER_RUNNING;
        servers[i].conf = &confs[i];
        servers[i].effective_weight = 1;
        servers[i].maxconn = MAXCONN;
        queue_init(&servers[i].queue, serve_own);
    }
}

/* --- streams ---------------------------------------------------------------------------------- */

struct stream_like {
    struct queue_entry entry;
    struct timer timer;
    struct server *server; /* whose slot it has */
    unsigned rounds, number;
    bool is_bound; /* wants the first server only */
};

static struct stream_like streams[THREADS][STREAMS];
static uint32_t holders[SERVERS]; /* atomic; who really has a slot */
static uint32_t finished, left_early, waited, too_many;

static void try_one(struct stream_like *s);

static void
hold(struct stream_like *s, struct server *srv)
{
    uint32_t now = __atomic_add_fetch(&holders[srv - servers], 1, __ATOMIC_SEQ_CST);

    if (now > MAXCONN)
        __atomic_add_fetch(&too_many, 1, __ATOMIC_RELAXED);
    s->server = srv;
    timer_set(loop_here(), &s->timer, loop_now_ms(loop_here()) + s->rounds % 2);
}

static void
on_granted(struct queue_entry *entry)
{
    struct stream_like *s = LIST_ITEM(entry, struct stream_like, entry);

    timer_stop(&s->timer);
    hold(s, entry->granted);
}

static void
on_timer(struct timer *timer)
{
    struct stream_like *s = LIST_ITEM(timer, struct stream_like, timer);
    struct server *srv = s->server;

    if (srv == NULL) { /* tired of waiting */
        queue_leave(&s->entry);
        __atomic_add_fetch(&left_early, 1, __ATOMIC_RELAXED);
    } else {
        s->server = NULL;
        __atomic_sub_fetch(&holders[srv - servers], 1, __ATOMIC_SEQ_CST);
        server_slot_give(srv);
    }
    if (++s->rounds == ROUNDS) {
        __atomic_add_fetch(&finished, 1, __ATOMIC_RELEASE);
        return;
    }
    try_one(s);
}

static void
try_one(struct stream_like *s)
{
    for (unsigned i = 0; i < (s->is_bound ? 1 : SERVERS); i++) {
        if (server_slot_take(&servers[i], NULL)) {
            hold(s, &servers[i]);
            return;
        }
    }
    __atomic_add_fetch(&waited, 1, __ATOMIC_RELAXED);
    if (s->number % 3 == 0) /* first: a grant may come from inside queue_enter() */
        timer_set(loop_here(), &s->timer, loop_now_ms(loop_here()) + 1 + s->rounds % 3);
    s->entry.on_granted = on_granted;
    queue_enter(s->is_bound ? &servers[0].queue : &back.queue, &s->entry, 0);
}

static void
begin_here(void *arg)
{
    struct stream_like *mine = arg;

    for (unsigned i = 0; i < STREAMS; i++) {
        timer_init(&mine[i].timer, on_timer);
        mine[i].number = i;
        mine[i].is_bound = i % 5 == 0;
        try_one(&mine[i]);
    }
}

/* --- the control thread waits -------------------------------------------------------------------
 */

static struct timer look;
static unsigned looks;

static void
on_look(struct timer *timer)
{
    bool is_over = __atomic_load_n(&finished, __ATOMIC_ACQUIRE) == THREADS * STREAMS;

    if (is_over || ++looks > 6000)
        loop_stop(loop_here());
    else
        timer_set(loop_here(), timer, loop_now_ms(loop_here()) + 5);
}

static void
no_slot_is_lost_or_doubled(void **state)
{
    (void)state;
    make_backend();
    for (unsigned i = 0; i < THREADS; i++)
        mailbox_call(thread_at(i + 1), begin_here, streams[i]);
    timer_init(&look, on_look);
    timer_set(loop_here(), &look, 0);
    loop_run(loop_here());
    assert_int_equal(__atomic_load_n(&finished, __ATOMIC_ACQUIRE), THREADS * STREAMS);
    assert_int_equal(too_many, 0);
    assert_true(waited > 0);
    assert_true(left_early > 0);
    assert_int_equal(back.queue.length, 0);
    assert_true(back.queue.length_max > 0);
    for (unsigned i = 0; i < SERVERS; i++) {
        assert_int_equal(servers[i].current, 0);
        assert_int_equal(servers[i].queue.length, 0);
        assert_true(servers[i].current_max == MAXCONN);
    }
}

static int
begin(void **state)
{
    (void)state;
    thread_table_init(THREADS);
    thread_start_all();
    return 0;
}

static int
end(void **state)
{
    (void)state;
    thread_stop_all();
    thread_table_fini();
    return 0;
}

int
main(void)
{
    static const struct CMUnitTest tests[] = { cmocka_unit_test(no_slot_is_lost_or_doubled) };

    return cmocka_run_group_tests(tests, begin, end);
}
