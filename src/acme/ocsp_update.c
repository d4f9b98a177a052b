/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ocsp-update: answers of OCSP responders are fetched before those that are stapled end.
 *
 * For:     certificates that say so; the command `update ssl ocsp-response`.
 * Owns:    the jobs, one for each certificate, across reloads; the timer.
 * Thread:  control.
 *
 * A fetch that fails leaves what is stapled; the next one comes after mindelay, then twice that, up to
 * maxdelay. A reload reads certificates from files: what was fetched for them is stapled again.
 */
#include <openssl/ssl.h>
#include <string.h>
#include <time.h>

#include "weir/base/alloc.h"
#include "weir/config/snapshot.h"
#include "weir/loop/loop.h"
#include "weir/loop/start.h"
#include "weir/loop/thread.h"
#include "weir/loop/timer.h"
#include "weir/telemetry/notice.h"
#include "weir/tls/cert_store.h"
#include "weir/tls/ocsp.h"
#include "private.h"

#define PERIOD_MS   250
#define RUNNING_MAX 16 /* fetches at once */
#define MARGIN_S    10 /* before an answer ends */

struct list ocsp_jobs = { &ocsp_jobs, &ocsp_jobs };
static struct timer timer;
static unsigned running;
static uint64_t synced; /* cert_store_generation() of the last look */

const char *
update_status_text(enum update_status status)
{
    switch (status) {
    case UPDATE_DONE:
        return "Update successful";
    case UPDATE_HTTP_ERROR:
        return "HTTP error";
    case UPDATE_NO_OCSP:
        return "Missing \"ocsp-response\" header";
    case UPDATE_REFUSED:
        return "OCSP response check failure";
    case UPDATE_NOT_PUT:
        return "Error during insertion";
    case UPDATE_UNKNOWN:
        break;
    }
    return "Unknown";
}

/* --- jobs -------------------------------------------------------------------------------------------- */

struct ocsp_job *
ocsp_job_find(const char *path)
{
    LIST_FOR_EACH (job, &ocsp_jobs, struct ocsp_job, link) {
        if (strcmp(job->path, path) == 0)
            return job;
    }
    return NULL;
}

static struct ocsp_job *
add_job(const char *path)
{
    struct ocsp_job *job = alloc_zero(sizeof(*job));

    job->path = alloc_copy(path);
    list_add_last(&ocsp_jobs, &job->link);
    return job;
}

static void
end_fetch(struct ocsp_job *job)
{
    ocsp_fetch_free(job->fetch);
    job->fetch = NULL;
    if (job->is_running)
        running--;
    job->is_running = false;
}

static void
remove_job(struct ocsp_job *job)
{
    end_fetch(job);
    list_remove(&job->link);
    text_fini(&job->answer);
    alloc_free(job->path);
    alloc_free(job);
}

static void
plan(struct ocsp_job *job, int64_t in_s)
{
    job->due_ms = loop_now_ms(this_thread->loop) + in_s * 1000;
    job->next_s = (int64_t)time(NULL) + in_s;
}

static int64_t
clamp(int64_t s, const struct ocsp_settings *settings)
{
    if (s < settings->min_s)
        return settings->min_s;
    return s > settings->max_s ? settings->max_s : s;
}

/* --- the end of a fetch ------------------------------------------------------------------------------ */

void
ocsp_job_fail(struct ocsp_job *job, enum update_status status, const char *reason)
{
    struct ocsp_settings settings = ocsp_settings_of(snapshot_current());
    unsigned doublings = job->bad_in_a_row < 16 ? job->bad_in_a_row : 16;

    job->status = status;
    (void)snprintf(job->reason, sizeof(job->reason), "%s", reason);
    job->runs++;
    job->bad++;
    job->bad_in_a_row++;
    job->is_once = false;
    end_fetch(job);
    plan(job, clamp(settings.min_s << doublings, &settings));
    notice_print(NOTICE_WARNING,
                 "ocsp-update: '%s' %d \"%s\" %u %u: %s; what was stapled before stays, the next try is in %lld s",
                 job->path, (int)status, update_status_text(status), job->bad, job->good, job->reason,
                 (long long)((job->due_ms - loop_now_ms(this_thread->loop)) / 1000));
}

void
ocsp_job_answer(struct ocsp_job *job, struct str der)
{
    struct ocsp_settings settings = ocsp_settings_of(snapshot_current());
    struct error err = ERROR_INIT;
    int64_t next_s = 0, now_s = (int64_t)time(NULL);
    enum ocsp_verdict verdict = ocsp_take(job->path, der, &next_s, &err);

    if (verdict != OCSP_TAKEN) {
        ocsp_job_fail(job, verdict == OCSP_REFUSED ? UPDATE_REFUSED : UPDATE_NOT_PUT, err.text);
        return;
    }
    text_clear(&job->answer);
    text_add(&job->answer, der);
    job->seen = cert_store_find(job->path);
    job->status = UPDATE_DONE;
    job->reason[0] = '\0';
    job->runs++;
    job->good++;
    job->bad_in_a_row = 0;
    job->is_once = false;
    job->last_s = now_s;
    end_fetch(job);
    plan(job, clamp(next_s == 0 ? settings.max_s : next_s - now_s - MARGIN_S, &settings));
    notice_print(NOTICE_NOTICE, "ocsp-update: '%s' %d \"%s\" %u %u", job->path, (int)job->status,
                 update_status_text(job->status), job->bad, job->good);
}

/* --- when ---------------------------------------------------------------------------------------------- */

static void
start(struct ocsp_job *job)
{
    struct error err = ERROR_INIT;

    job->is_running = true;
    running++;
    if (ocsp_fetch_start(job, &err) == NULL)
        ocsp_job_fail(job, UPDATE_UNKNOWN, err.text);
}

/* Its files were read again, or it is another one now. */
static void
look_at_certificate(struct ocsp_job *job)
{
    const struct tls_cert *cert = cert_store_find(job->path);
    struct error err = ERROR_INIT;
    int64_t next_s;

    if (cert == NULL || cert == job->seen || job->is_running)
        return;
    if (job->answer.len > 0 && ocsp_take(job->path, text_str(&job->answer), &next_s, &err) == OCSP_TAKEN) {
        job->seen = cert_store_find(job->path);
        return;
    }
    text_clear(&job->answer);
    job->seen = cert;
    job->bad_in_a_row = 0;
    plan(job, 0);
}

static void
sync_jobs(void)
{
    size_t count;
    char **paths = ocsp_wanted(&count);

    LIST_FOR_EACH (job, &ocsp_jobs, struct ocsp_job, link)
        job->is_wanted = false;
    for (size_t i = 0; i < count; i++) {
        struct ocsp_job *job = ocsp_job_find(paths[i]);

        if (job == NULL)
            job = add_job(paths[i]);
        job->is_wanted = true;
        look_at_certificate(job);
        alloc_free(paths[i]);
    }
    alloc_free(paths);
    LIST_FOR_EACH_SAFE (job, &ocsp_jobs, struct ocsp_job, link) {
        if (!job->is_wanted && !job->is_once && !job->is_running)
            remove_job(job);
    }
    synced = cert_store_generation();
}

static void
start_due(int64_t now_ms)
{
    bool is_off = ocsp_settings_of(snapshot_current()).is_off;

    LIST_FOR_EACH (job, &ocsp_jobs, struct ocsp_job, link) {
        if (running >= RUNNING_MAX)
            return;
        if (!job->is_running && (job->is_once || (!is_off && job->is_wanted && job->due_ms <= now_ms)))
            start(job);
    }
}

static void
on_timer(struct timer *fired)
{
    int64_t now_ms = loop_now_ms(this_thread->loop);

    if (snapshot_current() != NULL) { /* nothing is configured in unit tests */
        if (cert_store_generation() != synced)
            sync_jobs();
        start_due(now_ms);
    }
    timer_set(this_thread->loop, fired, now_ms + PERIOD_MS);
}

struct ocsp_job *
ocsp_job_start(const char *path, struct error *err)
{
    const struct tls_cert *cert = cert_store_find(path);
    struct ocsp_question question;
    struct ocsp_job *job;

    if (cert == NULL || cert->x509 == NULL) {
        error_set(err, "unknown certificate");
        return NULL;
    }
    if (!ocsp_question_make(cert, &question, err))
        return NULL;
    ocsp_question_fini(&question);
    job = ocsp_job_find(path);
    if (job == NULL)
        job = add_job(path);
    job->is_once = true;
    return job;
}

/* --- life ---------------------------------------------------------------------------------------------- */

static void
start_thread(void)
{
    if (!thread_is_control())
        return;
    timer_init(&timer, on_timer);
    timer_set(this_thread->loop, &timer, loop_now_ms(this_thread->loop) + 1);
}

static void
stop_thread(void)
{
    if (!thread_is_control())
        return;
    timer_stop(&timer);
    while (!list_is_empty(&ocsp_jobs))
        remove_job(LIST_ITEM(ocsp_jobs.next, struct ocsp_job, link));
}

static const struct start_hook hooks[] = {
    { START_THREAD, start_thread },
    { STOP_THREAD, stop_thread },
};
REGISTER(start_hook, hooks);
