/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines from all threads to the sinks.
 *
 * For:     a traffic thread puts a line into its ring and goes on; the control
 *          thread makes the header that each target wants, and sends many at
 *          a time.
 * Owns:    the rings, one for each traffic thread.
 * Callers: log.c; log_conf.c before a snapshot is freed.
 * Thread:  see each function.
 *
 * Who wakes whom: while lines come, the control thread looks every DRAIN_MS by
 * itself. When it finds nothing it goes to sleep; the first line after that
 * sends one mail. So a busy thread pays a copy and two atomic accesses for a
 * line, never a system call.
 *
 * A record names targets and tag by pointer. They live in the snapshot that the
 * stream holds; before the control thread frees a snapshot it drains all rings
 * (log_conf.c).
 */
#include <string.h>
#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/base/clock.h"
#include "weir/base/crash.h"
#include "weir/loop/loop.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/start.h"
#include "weir/loop/thread.h"
#include "private.h"

#define RING_BYTES     (512 * 1024)
#define DRAIN_MS       4
#define LAST_FLUSH_MS  500 /* how long slow readers may delay the end of the process */
#define LAST_WAIT_US   2000
#define DROP_REPORT_MS 1000 /* at most one line about drops in this time */

static struct log_ring **rings; /* owns; by thread->index; NULL before the start */
static unsigned ring_count;
static uint64_t ringless; /* atomic: lines of threads that have no ring */

static uint32_t is_awake; /* atomic: the control thread will look at the rings by itself */
static struct mail wake_mail;
static struct timer drain_timer;
static struct deferred flush_work;
static bool has_loop; /* control: timers and deferred work will run */
static uint64_t drops_reported;
static int64_t drops_reported_ms;

/* --- control ---------------------------------------------------------------------- */

static void
write_record(const struct log_record *record, int pid)
{
    struct log_line line = {
        .targets = record->targets,
        .level = (enum log_level)record->level,
        .tag = record->tag,
        .wall_us = record->wall_us,
        .message = str_of(record->bytes, record->message_len),
        .sd = str_of(record->bytes + record->message_len, record->sd_len),
        .event = record->event,
        .is_json = record->is_json != 0,
        .only = record->only,
    };

    log_dispatch(&line, pid);
}

/* The ring whose first record is the oldest; NULL: all are empty up to their marks. */
static struct log_ring *
oldest_ring(const uint64_t *marks, const struct log_record **out)
{
    struct log_ring *oldest = NULL;

    for (unsigned i = 0; i < ring_count; i++) {
        const struct log_record *record =
            rings[i] == NULL ? NULL : log_ring_first(rings[i], marks[i]);

        if (record == NULL || (oldest != NULL && record->wall_us >= (*out)->wall_us))
            continue;
        oldest = rings[i];
        *out = record;
    }
    return oldest;
}

/* Lines of all threads, in the order of their times. */
bool
log_writer_drain(void)
{
    uint64_t marks[THREAD_MAX];
    const struct log_record *record;
    struct log_ring *ring;
    int pid = getpid();
    bool any = false;

    for (unsigned i = 0; i < ring_count; i++)
        marks[i] = rings[i] == NULL ? 0 : log_ring_mark(rings[i]);
    while ((ring = oldest_ring(marks, &record)) != NULL) {
        write_record(record, pid);
        log_ring_release(ring, record);
        any = true;
    }
    return any;
}

/* Lines about lost lines, now and then. */
static void
report_drops(int64_t now_ms)
{
    uint64_t drops = log_writer_dropped();

    if (drops == drops_reported || now_ms - drops_reported_ms < DROP_REPORT_MS)
        return;
    log_process(LOG_LEVEL_WARNING,
                "%llu log messages were dropped because they came faster "
                "than they could be sent.",
                (unsigned long long)(drops - drops_reported));
    drops_reported = drops;
    drops_reported_ms = now_ms;
}

static void
look_again_later(void)
{
    struct loop *loop = loop_here();

    timer_set(loop, &drain_timer, loop_now_ms(loop) + DRAIN_MS);
}

static bool
is_any_waiting(void)
{
    for (unsigned i = 0; i < ring_count; i++) {
        if (rings[i] != NULL && !log_ring_is_empty(rings[i]))
            return true;
    }
    return false;
}

/* A writer stores its line, then looks at is_awake; we clear is_awake, then look at the rings:
 * one of us sees the other. */
static void
fall_asleep(void)
{
    __atomic_store_n(&is_awake, 0, __ATOMIC_SEQ_CST);
    if (is_any_waiting() && __atomic_exchange_n(&is_awake, 1, __ATOMIC_SEQ_CST) == 0)
        look_again_later();
}

static void
on_drain_timer(struct timer *timer)
{
    bool any = log_writer_drain();

    (void)timer;
    report_drops(loop_now_ms(loop_here()));
    if (log_sink_flush_all() || any)
        look_again_later();
    else
        fall_asleep();
}

static void
on_wake(struct mail *mail)
{
    (void)mail;
    look_again_later();
}

/* At the end of a turn in which the control thread itself had something to say. */
static void
run_flush(struct deferred *work)
{
    (void)work;
    if (log_sink_flush_all() && __atomic_exchange_n(&is_awake, 1, __ATOMIC_SEQ_CST) == 0)
        look_again_later();
}

void
log_writer_write(const struct log_line *line)
{
    log_dispatch(line, getpid());
    if (has_loop)
        loop_defer(loop_here(), &flush_work);
    else
        log_sink_flush_all();
}

/* --- traffic ---------------------------------------------------------------------- */

static void
wake_control(void)
{
    if (__atomic_load_n(&is_awake, __ATOMIC_SEQ_CST) != 0 ||
        __atomic_exchange_n(&is_awake, 1, __ATOMIC_SEQ_CST) != 0)
        return;
    mailbox_send(thread_at(0), &wake_mail, on_wake);
}

void
log_writer_pass_on(const struct log_line *line)
{
    struct log_ring *ring = this_thread->index < ring_count ? rings[this_thread->index] : NULL;
    struct log_record *record;

    if (ring == NULL) {
        __atomic_fetch_add(&ringless, 1, __ATOMIC_RELAXED);
        return;
    }
    record = log_ring_reserve(ring, line->message.len + line->sd.len);
    if (record == NULL)
        return;
    record->level = (uint8_t)line->level;
    record->sd_len = (uint16_t)line->sd.len;
    record->message_len = (uint32_t)line->message.len;
    record->targets = line->targets;
    record->tag = line->tag;
    record->event = line->event;
    record->is_json = line->is_json;
    record->only = (int16_t)line->only;
    record->wall_us = line->wall_us;
    memcpy(record->bytes, line->message.ptr, line->message.len);
    if (line->sd.len > 0)
        memcpy(record->bytes + line->message.len, line->sd.ptr, line->sd.len);
    log_ring_commit(ring, record);
    wake_control();
}

uint64_t
log_writer_dropped(void)
{
    uint64_t sum = __atomic_load_n(&ringless, __ATOMIC_RELAXED);

    for (unsigned i = 0; i < ring_count; i++)
        sum += rings[i] == NULL ? 0 : log_ring_dropped(rings[i]);
    return sum;
}

/* --- start and stop --------------------------------------------------------------- */

/* The memory of a ring costs nothing until lines run through it. */
static void
make_rings(void)
{
    MUST(rings == NULL);
    ring_count = thread_count();
    rings = alloc_array(ring_count + 1, sizeof(*rings));
    for (unsigned i = 1; i < ring_count; i++)
        rings[i] = log_ring_new(RING_BYTES);
}

static void
start_thread(void)
{
    if (!thread_is_control())
        return;
    timer_init(&drain_timer, on_drain_timer);
    deferred_init(&flush_work, run_flush);
    has_loop = true;
}

/* The control thread is the last one to stop. */
static void
stop_thread(void)
{
    if (!thread_is_control() || !has_loop)
        return;
    has_loop = false;
    deferred_cancel(&flush_work);
    timer_stop(&drain_timer);
}

/* The last lines are often the ones that matter. */
static void
finish(void)
{
    int64_t end_ms = clock_monotonic_ms() + LAST_FLUSH_MS;

    log_writer_drain();
    while (log_sink_flush_all() && clock_monotonic_ms() < end_ms)
        usleep(LAST_WAIT_US);
    for (unsigned i = 0; i < ring_count; i++)
        log_ring_free(rings[i]);
    alloc_free(rings);
    rings = NULL;
    ring_count = 0;
}

static const struct start_hook hooks[] = {
    { START_AFTER_CONFIG, make_rings },
    { START_THREAD, start_thread },
    { STOP_THREAD, stop_thread },
    { STOP_PROCESS, finish },
};
REGISTER(start_hook, hooks);
