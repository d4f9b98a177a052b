/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of snapshots: built, adopted, published, held, retired, freed.
 *
 * For:     boot and reload.
 * Owns:    the published snapshot, and the retired ones until nobody holds them.
 * Thread:  builder builds; control adopts, publishes and frees; any reads; hold and drop on the
 * holder's thread.
 *
 *     snapshot_build ──> snapshot_adopt ──> snapshot_publish ──> (the next is published) ──>
 * retired └── mistakes ──────┴──> snapshot_free                a grace period, then no holder left
 * │ └──────<── RELEASE hooks, arena freed ──<───────────────────┘
 *
 * Holders count on their own thread, without atomic instructions. The sum may be read by the
 * control thread at any time because, once a grace period has passed since another snapshot was
 * published, a thread's count can only rise while it is above zero: nobody gets a retired snapshot
 * from anywhere but a holder on the same thread.
 */
#include "weir/config/snapshot.h"

#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/base/crash.h"
#include "weir/base/list.h"
#include "weir/config/files_read.h"
#include "weir/loop/grace.h"
#include "weir/loop/loop.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/thread.h"
#include "weir/loop/timer.h"
#include "private.h"

#define SNAPSHOT_MAGIC 0x534e4150u
#define RETRY_MS       200

/* Counts of the threads, each on a cache line of its own. */
struct hold_count {
    int64_t count;
    char pad[56];
};

struct snapshot_holds {
    struct list link; /* in `retired` */
    struct snapshot *snapshot;
    struct hold_count *counts; /* owns; thread_count() */
    unsigned thread_count;
};

static struct snapshot *current;
static struct list retired = LIST_INIT(retired);
static unsigned retired_count;
static struct timer reap_timer;
static uint64_t generations;

/* Of the caller's, for the next one that is built on this one. */
static void
copy_amendments(struct snapshot *snapshot, const struct config_sources *sources)
{
    struct amendment *copies =
        ARENA_ARRAY(&snapshot->arena, struct amendment, sources->amendment_count + 1);

    for (unsigned i = 0; i < sources->amendment_count; i++) {
        copies[i] = sources->amendments[i];
        copies[i].name = arena_copy(&snapshot->arena, copies[i].name);
        if (copies[i].item != NULL)
            copies[i].item = arena_copy(&snapshot->arena, copies[i].item);
        if (copies[i].line != NULL)
            copies[i].line = arena_copy(&snapshot->arena, copies[i].line);
    }
    snapshot->amendments = copies;
    snapshot->amendment_count = sources->amendment_count;
}

/* --- building ------------------------------------------------------------------------- */

static bool
run_stages(struct snapshot *snapshot, const struct config_sources *sources, struct diag *diag)
{
    bool fine = hooks_run(snapshot, CONFIG_START, diag);

    fine = parser_read(sources, snapshot, diag) && fine;
    fine = hooks_run(snapshot, CONFIG_RESOLVE, diag) && fine;
    if (fine && diag_count(diag, DIAG_ALERT) == 0)
        fine = hooks_run(snapshot, CONFIG_CHECK, diag);
    return fine && diag_count(diag, DIAG_ALERT) == 0;
}

struct snapshot *
snapshot_build(const struct config_sources *sources, struct diag *diag)
{
    struct snapshot *snapshot = alloc_zero(sizeof(*snapshot));
    bool fine;

    snapshot->magic = SNAPSHOT_MAGIC;
    arena_init(&snapshot->arena);
    environment_init(snapshot);
    snapshot->globals = slots_new(SLOT_GLOBAL, &snapshot->arena);
    copy_amendments(snapshot, sources);
    snapshot->base = sources->base;
    snapshot->transcript = sources->transcript != NULL ? transcript_hold(sources->transcript)
                                                       : transcript_new();
    /* Who may still give up the sight of the files (chroot) keeps what they hold. */
    snapshot->files =
        snapshot_current() == NULL && geteuid() == 0 ? files_read_begin_keeping() : files_read_begin();
    files_read_use_memory(sources->transcript != NULL);
    fine = run_stages(snapshot, sources, diag);
    files_read_use_memory(false);
    files_read_end(snapshot->files);
    snapshot->base = NULL;
    if (fine)
        return snapshot;
    snapshot_free(snapshot);
    return NULL;
}

bool
snapshot_adopt(struct snapshot *snapshot, struct diag *diag)
{
    return hooks_run(snapshot, CONFIG_ADOPT, diag) && diag_count(diag, DIAG_ALERT) == 0;
}

static void
free_memory(void *object)
{
    struct snapshot *snapshot = object;

    if (snapshot->holds != NULL) {
        alloc_free(snapshot->holds->counts);
        alloc_free(snapshot->holds);
    }
    environment_fini(snapshot);
    transcript_drop(snapshot->transcript);
    files_read_free(snapshot->files);
    snapshot->magic = 0;
    arena_fini(&snapshot->arena);
    alloc_free(snapshot);
}

/* Live objects let go of a published one in RELEASE; whoever read a pointer to it from them just
 * before has a grace period to be done with it. */
void
snapshot_free(struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    MUST_BE(snapshot, SNAPSHOT_MAGIC);
    hooks_run(snapshot, CONFIG_RELEASE, NULL);
    if (snapshot->holds != NULL)
        grace_free_later(snapshot, free_memory);
    else
        free_memory(snapshot);
}

/* --- publishing and retiring ------------------------------------------------------------ */

static bool
is_held(const struct snapshot_holds *holds)
{
    int64_t sum = 0;

    for (unsigned i = 0; i < holds->thread_count; i++)
        sum += __atomic_load_n(&holds->counts[i].count, __ATOMIC_ACQUIRE);
    return sum != 0;
}

/* Looks again while some are held: streams may last for hours, and dropping must cost nothing. */
static void
reap(struct timer *timer)
{
    LIST_FOR_EACH_SAFE (holds, &retired, struct snapshot_holds, link) {
        if (is_held(holds))
            continue;
        list_remove(&holds->link);
        retired_count--;
        snapshot_free(holds->snapshot);
    }
    if (!list_is_empty(&retired))
        timer_set(loop_here(), timer, loop_now_ms(loop_here()) + RETRY_MS);
}

/* After a grace period: nobody can begin to hold it any more. */
static void
retire(void *object)
{
    struct snapshot *snapshot = object;

    list_add_last(&retired, &snapshot->holds->link);
    retired_count++;
    if (reap_timer.fire == NULL)
        timer_init(&reap_timer, reap);
    reap(&reap_timer);
}

void
snapshot_publish(struct snapshot *snapshot)
{
    struct snapshot *before = current;

    MUST_BE(snapshot, SNAPSHOT_MAGIC);
    snapshot->holds = alloc_zero(sizeof(*snapshot->holds));
    snapshot->holds->snapshot = snapshot;
    snapshot->holds->thread_count = thread_count();
    snapshot->holds->counts = alloc_aligned(64, sizeof(struct hold_count) * (thread_count() + 1));
    list_init(&snapshot->holds->link);
    snapshot->generation = ++generations;
    grace_publish(current, snapshot);
    hooks_run(snapshot, CONFIG_PUBLISH, NULL);
    if (before != NULL)
        grace_free_later(before, retire);
}

unsigned
snapshot_retired_count(void)
{
    return retired_count;
}

struct snapshot *
snapshot_current(void)
{
    return grace_read(current);
}

void
snapshot_hold(struct snapshot *snapshot)
{
    int64_t *count = &snapshot->holds->counts[this_thread->index].count;

    __atomic_store_n(count, *count + 1, __ATOMIC_RELAXED);
}

void
snapshot_drop(struct snapshot *snapshot)
{
    int64_t *count = &snapshot->holds->counts[this_thread->index].count;

    __atomic_store_n(count, *count - 1, __ATOMIC_RELEASE);
}
