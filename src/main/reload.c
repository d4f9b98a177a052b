/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apply the configuration in place.
 *
 * For:     SIGHUP, and the runtime socket later.
 * Owns:    the builder thread while it runs, and what it made until it is published.
 * Thread:  control; build() runs on the builder thread.
 *
 *     reload_request ──> build (builder thread) ──> finish (control): adopt ──> publish
 *                              │ mistakes                │ cannot bind ...
 *                              └──────> say why; nothing has changed
 */
#include "weir/main/reload.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/clock.h"
#include "weir/base/text.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/thread.h"
#include "weir/telemetry/log.h"
#include "weir/telemetry/notice.h"

struct reload_job {
    struct diag *diag;
    struct snapshot *snapshot; /* NULL: refused */
    pthread_t builder;
    int64_t began_us;
};

static const struct config_sources *sources;
static void (*on_done)(bool is_applied);
static bool is_running;
static bool is_asked_again;

static void
say_diag(const struct diag *diag)
{
    struct text report = TEXT_INIT;

    diag_print(diag, &report, DIAG_WARNING);
    if (report.len > 0)
        notice_print_framed(text_str(&report));
    text_fini(&report);
}

static bool
apply(struct reload_job *job)
{
    if (job->snapshot == NULL)
        return false;
    if (!snapshot_adopt(job->snapshot, job->diag)) {
        snapshot_free(job->snapshot);
        return false;
    }
    snapshot_publish(job->snapshot);
    return true;
}

/* On the control thread, when the builder is done. */
static void
finish(void *arg)
{
    struct reload_job *job = arg;
    bool is_applied;

    pthread_join(job->builder, NULL);
    notice_begin_startup();
    is_applied = apply(job);
    say_diag(job->diag);
    if (is_applied) {
        int64_t took_us = clock_monotonic_us() - job->began_us;

        notice_print(NOTICE_NOTICE, "Configuration applied in place (generation %llu, %lld ms).",
                     (unsigned long long)job->snapshot->generation, (long long)(took_us / 1000));
        log_event(log_global_targets(), LOG_LEVEL_NOTICE, NULL, "reload",
                  STR("\"applied\": true"), "Configuration applied in place (generation %llu).",
                    (unsigned long long)job->snapshot->generation);
    } else {
        notice_print(NOTICE_ALERT, "Configuration refused; the running one goes on unchanged.");
        log_event(log_global_targets(), LOG_LEVEL_ALERT, NULL, "reload",
                  STR("\"applied\": false"),
                  "Configuration refused; the running one goes on unchanged.");
    }
    notice_end_startup();
    if (on_done != NULL)
        on_done(is_applied);
    diag_free(job->diag);
    alloc_free(job);
    is_running = false;
    if (is_asked_again) {
        is_asked_again = false;
        reload_request();
    }
}

static void *
build(void *arg)
{
    struct reload_job *job = arg;

    job->snapshot = snapshot_build(sources, job->diag);
    mailbox_call(thread_at(0), finish, job);
    return NULL;
}

void
reload_set_sources(const struct config_sources *what)
{
    sources = what;
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

    if (is_running) {
        is_asked_again = true;
        return;
    }
    job = alloc_zero(sizeof(*job));
    job->diag = diag_new();
    job->began_us = clock_monotonic_us();
    is_running = true;
    if (pthread_create(&job->builder, NULL, build, job) != 0) {
        notice_print(NOTICE_ALERT, "cannot start the builder thread; configuration unchanged");
        is_running = false;
        diag_free(job->diag);
        alloc_free(job);
    }
}
