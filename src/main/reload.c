/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apply a configuration in place.
 *
 * For:     SIGHUP, and commands of the runtime socket (reload_cli.c, dynamic_cli.c).
 * Owns:    the line of changes; the builder thread while it runs, and what it made until it is
 *          published.
 * Thread:  control; build() runs on the builder thread.
 *
 *     reload_start ──> line ──> begin ──> build (builder thread) ──> finish (control): adopt ──> publish
 *                                              │ mistakes                │ cannot bind ...
 *                                              └──────> say why; nothing has changed
 */
#include "weir/main/reload.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/clock.h"
#include "weir/base/list.h"
#include "weir/base/text.h"
#include "weir/config/files_read.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/thread.h"
#include "weir/telemetry/log.h"
#include "weir/telemetry/notice.h"
#include "private.h"

struct reload_job {
    struct list link;             /* in `line` */
    struct reload_ticket *ticket; /* holds */
    bool is_signal;               /* nobody waits for the answer: it is printed */
    bool removes;
    struct transcript *transcript; /* holds; of a rollback */
    struct amendment amendment;    /* owns its texts */
    struct config_sources sources; /* what is read, once it has begun */
    struct amendment *amendments;  /* owns the array */
    struct diag *diag;
    struct snapshot *base; /* held while it is built on */
    struct snapshot *snapshot; /* NULL: refused */
    pthread_t builder;
    int64_t began_us;
};

static const struct config_sources *files;
static void (*on_done)(bool is_applied);
static struct list line = LIST_INIT(line);
static struct reload_job *running;

static void begin_next(void);

/* --- tickets ---------------------------------------------------------------------------- */

void
reload_ticket_drop(struct reload_ticket *ticket)
{
    if (ticket == NULL || --ticket->refs > 0)
        return;
    text_fini(&ticket->messages);
    text_fini(&ticket->reason);
    text_fini(&ticket->changes);
    alloc_free(ticket);
}

static void
job_free(struct reload_job *job)
{
    reload_ticket_drop(job->ticket);
    transcript_drop(job->transcript);
    alloc_free((void *)job->amendment.name);
    alloc_free((void *)job->amendment.item);
    alloc_free((void *)job->amendment.line);
    alloc_free(job->amendments);
    diag_free(job->diag);
    alloc_free(job);
}

/* --- the end of a change ------------------------------------------------------------------ */

static bool
apply(struct reload_job *job)
{
    if (!snapshot_adopt(job->snapshot, job->diag)) {
        snapshot_free(job->snapshot);
        job->snapshot = NULL;
        return false;
    }
    snapshot_publish(job->snapshot);
    return true;
}

/* While both still stand. */
static void
tell_changes(struct reload_job *job)
{
    struct text *out = &job->ticket->changes;

    if (job->snapshot == NULL || job->ticket->kind == RELOAD_AMEND || job->is_signal)
        return;
    outline_compare(&job->base->outline, &job->snapshot->outline, out);
    files_read_compare(job->base->files, job->snapshot->files,
                       job->snapshot->transcript, out);
}

static void
say_result(const struct reload_job *job)
{
    const struct reload_ticket *ticket = job->ticket;

    if (ticket->messages.len > 0)
        notice_print_framed(text_str(&ticket->messages));
    if (ticket->is_fine) {
        notice_print(NOTICE_NOTICE, "Configuration applied in place (generation %llu, %lld ms).",
                     (unsigned long long)ticket->generation,
                     (long long)((ticket->build_us + ticket->apply_us) / 1000));
        log_event(log_global_targets(), LOG_LEVEL_NOTICE, NULL, "reload", STR("\"applied\": true"),
                  "Configuration applied in place (generation %llu).",
                  (unsigned long long)ticket->generation);
    } else {
        notice_print(NOTICE_ALERT, "Configuration refused; the running one goes on unchanged.");
        log_event(log_global_targets(), LOG_LEVEL_ALERT, NULL, "reload", STR("\"applied\": false"),
                  "Configuration refused; the running one goes on unchanged.");
    }
}

static void
put_to_work(struct reload_job *job)
{
    struct reload_ticket *ticket = job->ticket;
    int64_t from_us = clock_monotonic_us();

    ticket->build_us = from_us - job->began_us;
    if (ticket->kind == RELOAD_TRY) {
        ticket->is_fine = job->snapshot != NULL;
        snapshot_free(job->snapshot);
        return;
    }
    if (job->snapshot == NULL)
        return;
    ticket->is_fine = apply(job);
    ticket->apply_us = clock_monotonic_us() - from_us;
    if (!ticket->is_fine)
        return;
    ticket->generation = job->snapshot->generation;
    if (ticket->kind == RELOAD_ROLLBACK)
        history_went_back(job->snapshot->transcript);
    else if (ticket->kind == RELOAD_APPLY)
        history_add(job->snapshot);
}

/* Why files may be missing. */
static void
hint_chroot(struct reload_job *job)
{
    const char *folder = global_conf_of(snapshot_current())->chroot;

    if (job->ticket->is_fine || job->ticket->kind == RELOAD_AMEND || folder == NULL ||
        strcmp(folder, "/") == 0)
        return;
    text_printf(&job->ticket->messages,
                "[NOTICE]   this process lives in the chroot '%s' and finds files there "
                "alone; a restart reads those outside.\n",
                folder);
}

/* On the control thread, when the builder is done. */
static void
finish(void *arg)
{
    struct reload_job *job = arg;
    bool is_said = job->ticket->kind == RELOAD_APPLY || job->ticket->kind == RELOAD_ROLLBACK;

    pthread_join(job->builder, NULL);
    if (is_said)
        notice_begin_startup();
    tell_changes(job);
    put_to_work(job);
    snapshot_drop(job->base);
    diag_print(job->diag, &job->ticket->messages, DIAG_WARNING);
    diag_print_reason(job->diag, &job->ticket->reason);
    hint_chroot(job);
    if (is_said) {
        say_result(job);
        notice_end_startup();
    }
    if (job->is_signal && on_done != NULL)
        on_done(job->ticket->is_fine);
    job->ticket->is_done = true;
    running = NULL;
    job_free(job);
    begin_next();
}

/* --- its beginning ------------------------------------------------------------------------- */

static void *
build(void *arg)
{
    struct reload_job *job = arg;

    job->snapshot = snapshot_build(&job->sources, job->diag);
    mailbox_call(thread_at(0), finish, job);
    return NULL;
}

static bool
is_about_same(const struct amendment *a, const struct amendment *b)
{
    if (!(a->places & b->places) || strcmp(a->name, b->name) != 0)
        return false;
    if (b->item == NULL)
        return true; /* about the whole section */
    return a->item != NULL && strcmp(a->item, b->item) == 0;
}

/* Those of the running configuration, without what is undone, and with what is new. What the files
 * say is undone by an amendment that removes; that stays. */
static void
collect_amendments(struct reload_job *job)
{
    const struct snapshot *base = job->base;
    const struct amendment *change = &job->amendment;
    bool is_undone = false;
    unsigned count = 0;

    job->amendments = alloc_array(base->amendment_count + 1, sizeof(*job->amendments));
    for (unsigned i = 0; i < base->amendment_count; i++) {
        const struct amendment *before = &base->amendments[i];

        if (job->removes && !before->is_removal && is_about_same(before, change)) {
            is_undone |= change->item != NULL || before->kind == AMEND_SECTION;
            continue;
        }
        job->amendments[count++] = *before;
    }
    if (!is_undone)
        job->amendments[count++] = *change;
    job->sources = (struct config_sources){ .transcript = base->transcript,
                                            .amendments = job->amendments,
                                            .amendment_count = count,
                                            .base = base };
}

static void
choose_sources(struct reload_job *job)
{
    switch (job->ticket->kind) {
    case RELOAD_APPLY:
    case RELOAD_TRY:
        job->sources = *files;
        break;
    case RELOAD_ROLLBACK:
        job->sources = (struct config_sources){ .transcript = job->transcript };
        break;
    case RELOAD_AMEND:
        collect_amendments(job);
        break;
    }
}

static void
begin(struct reload_job *job)
{
    running = job;
    job->base = snapshot_current();
    snapshot_hold(job->base);
    job->diag = diag_new();
    job->began_us = clock_monotonic_us();
    choose_sources(job);
    if (pthread_create(&job->builder, NULL, build, job) == 0)
        return;
    notice_print(NOTICE_ALERT, "cannot start the builder thread; configuration unchanged");
    text_puts(&job->ticket->reason, "cannot start the builder thread");
    snapshot_drop(job->base);
    job->ticket->is_done = true;
    running = NULL;
    job_free(job);
}

static void
begin_next(void)
{
    while (running == NULL && !list_is_empty(&line)) {
        struct reload_job *job = LIST_FIRST(&line, struct reload_job, link);

        list_remove(&job->link);
        begin(job);
    }
}

static struct reload_job *
job_new(enum reload_kind kind)
{
    struct reload_job *job = alloc_zero(sizeof(*job));

    job->ticket = alloc_zero(sizeof(*job->ticket));
    job->ticket->refs = 1;
    job->ticket->kind = kind;
    return job;
}

/* Returns the ticket, for one more holder. */
static struct reload_ticket *
stand_in_line(struct reload_job *job)
{
    struct reload_ticket *ticket = job->ticket;

    ticket->refs++;
    list_add_last(&line, &job->link);
    begin_next();
    return ticket;
}

void
reload_set_sources(const struct config_sources *what)
{
    files = what;
    history_add(snapshot_current());
}

void
reload_on_done(void (*fn)(bool is_applied))
{
    on_done = fn;
}

void
reload_request(void)
{
    struct reload_job *job;

    LIST_FOR_EACH (waiting, &line, struct reload_job, link) {
        if (waiting->is_signal)
            return;
    }
    job = job_new(RELOAD_APPLY);
    job->is_signal = true;
    reload_ticket_drop(stand_in_line(job));
}

struct reload_ticket *
reload_start(enum reload_kind kind)
{
    return stand_in_line(job_new(kind));
}

struct reload_ticket *
reload_start_rollback(unsigned steps)
{
    struct transcript *transcript = history_find(steps);
    struct reload_job *job;

    if (transcript == NULL)
        return NULL;
    job = job_new(RELOAD_ROLLBACK);
    job->transcript = transcript_hold(transcript);
    return stand_in_line(job);
}

struct reload_ticket *
reload_start_amend(const struct amendment *amendment, bool removes)
{
    struct reload_job *job = job_new(RELOAD_AMEND);

    job->amendment = *amendment;
    job->amendment.name = alloc_copy(amendment->name);
    job->amendment.item = amendment->item == NULL ? NULL : alloc_copy(amendment->item);
    job->amendment.line = amendment->line == NULL ? NULL : alloc_copy(amendment->line);
    job->amendment.is_removal = job->removes = removes;
    return stand_in_line(job);
}
