/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of snapshots: built, adopted, published, held, retired, freed.
 *
 * For:     boot and reload.
 * Owns:    the published snapshot, and the retired ones until nobody holds them.
 * Thread:  builder builds; control adopts, publishes and frees; any reads; hold and drop on the
 * holder's thread.
 *
 *     snapshot_build ──> snapshot_adopt ──> snapshot_publish ──> (the next is published) retired
 *          └── mistakes ──────┴──> snapshot_free                    │ a grace period, no holder
 * left └──> RELEASE hooks, arena freed
 */
#include "weir/config/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/crash.h"
#include "weir/base/list.h"
#include "weir/loop/grace.h"
#include "weir/loop/loop.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/thread.h"
#include "weir/loop/timer.h"
#include "private.h"

#define SNAPSHOT_MAGIC 0x534e4150u
#define RETRY_MS       200
#define HOOKS_MAX      512

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

/* --- hooks -------------------------------------------------------------------------- */

static int
compare_hooks(const void *a, const void *b)
{
    const struct config_hook *left = *(const struct config_hook *const *)a;
    const struct config_hook *right = *(const struct config_hook *const *)b;

    if (left->order != right->order)
        return left->order < right->order ? -1 : 1;
    return strcmp(left->name, right->name);
}

static size_t
collect_hooks(enum config_stage stage, const struct config_hook **hooks)
{
    size_t count = 0;

    FOR_EACH_REGISTERED (config_hook, hook, list) {
        MUST(count < HOOKS_MAX);
        if (hook->stage == stage)
            hooks[count++] = hook;
    }
    qsort(hooks, count, sizeof(*hooks), compare_hooks);
    return count;
}

/* All hooks run, so that all mistakes are told; ADOPT ends at the first failure. */
static bool
run_hooks(struct snapshot *snapshot, enum config_stage stage, struct diag *diag)
{
    const struct config_hook *hooks[HOOKS_MAX];
    size_t count = collect_hooks(stage, hooks);
    bool fine = true;

    for (size_t i = 0; i < count; i++) {
        struct parse parse = { .snapshot = snapshot, .arena = &snapshot->arena, .diag = diag };

        if (hooks[i]->run(&parse))
            continue;
        fine = false;
        if (stage == CONFIG_ADOPT)
            break;
    }
    return fine;
}

/* --- building ------------------------------------------------------------------------- */

struct snapshot *
snapshot_build(const struct config_sources *sources, struct diag *diag)
{
    struct snapshot *snapshot = alloc_zero(sizeof(*snapshot));
    bool fine;

    snapshot->magic = SNAPSHOT_MAGIC;
    arena_init(&snapshot->arena);
    snapshot->globals = slots_new(SLOT_GLOBAL, &snapshot->arena);
    fine = run_hooks(snapshot, CONFIG_START, diag);
    fine = parser_read(sources, snapshot, diag) && fine;
    fine = run_hooks(snapshot, CONFIG_RESOLVE, diag) && fine;
    if (fine && diag_count(diag, DIAG_ALERT) == 0)
        fine = run_hooks(snapshot, CONFIG_CHECK, diag);
    if (fine && diag_count(diag, DIAG_ALERT) == 0)
        return snapshot;
    snapshot_free(snapshot);
    return NULL;
}

bool
snapshot_adopt(struct snapshot *snapshot, struct diag *diag)
{
    return run_hooks(snapshot, CONFIG_ADOPT, diag) && diag_count(diag, DIAG_ALERT) == 0;
}

void
snapshot_free(struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    MUST_BE(snapshot, SNAPSHOT_MAGIC);
    run_hooks(snapshot, CONFIG_RELEASE, NULL);
    if (snapshot->holds != NULL) {
        alloc_free(snapshot->holds->counts);
        alloc_free(snapshot->holds);
    }
    snapshot->magic = 0;
    arena_fini(&snapshot->arena);
    alloc_free(snapshot);
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
    run_hooks(snapshot, CONFIG_PUBLISH, NULL);
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
