/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show ssl ocsp-updates, update ssl ocsp-response.
 *
 * For:     people and tools. Owns: nothing. Thread: control.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "weir/base/alloc.h"
#include "weir/cli/command.h"
#include "weir/tls/cert_store.h"
#include "weir/tls/ocsp.h"
#include "private.h"

/* --- show ------------------------------------------------------------------------------------------ */

static void
add_date(struct text *out, int64_t s)
{
    char date[40];
    time_t when = (time_t)s;
    struct tm tm;

    if (s == 0 || gmtime_r(&when, &tm) == NULL ||
        strftime(date, sizeof(date), "%d/%b/%Y:%H:%M:%S +0000", &tm) == 0)
        text_puts(out, "-");
    else
        text_puts(out, date);
}

static void
show_job(struct text *out, const struct ocsp_job *job)
{
    const struct tls_cert *cert = cert_store_find(job->path);

    if (cert != NULL)
        ocsp_add_key(cert, out);
    text_printf(out, " | %s | ", job->path);
    add_date(out, job->next_s);
    text_puts(out, " | ");
    add_date(out, job->last_s);
    text_printf(out, " | %u | %u | %d | %s\n", job->good, job->bad, (int)job->status,
                update_status_text(job->status));
}

static int
by_next(const void *a, const void *b)
{
    const struct ocsp_job *first = *(struct ocsp_job *const *)a;
    const struct ocsp_job *second = *(struct ocsp_job *const *)b;

    return (first->next_s > second->next_s) - (first->next_s < second->next_s);
}

static enum command_result
run_show(struct command_call *call)
{
    const struct ocsp_job **jobs = NULL;
    size_t count = 0, cap = 0;

    LIST_FOR_EACH (job, &ocsp_jobs, struct ocsp_job, link) {
        if (count == cap) {
            cap = cap == 0 ? 16 : cap * 2;
            jobs = alloc_resize(jobs, cap * sizeof(*jobs));
        }
        if (job->is_wanted)
            jobs[count++] = job;
    }
    if (count > 0)
        qsort(jobs, count, sizeof(*jobs), by_next);
    text_puts(call->out, "OCSP Certid | Path | Next Update | Last Update | Successes | Failures | Last Update Status | "
                         "Last Update Status (str)\n");
    for (size_t i = 0; i < count; i++)
        show_job(call->out, jobs[i]);
    alloc_free(jobs);
    return COMMAND_DONE;
}

/* --- update ---------------------------------------------------------------------------------------- */

struct update {
    char *path;    /* owns */
    unsigned runs; /* of the job when it was asked for */
};

static void
end_update(struct command_call *call)
{
    struct update *update = call->state;

    alloc_free(update->path);
    alloc_free(update);
}

static enum command_result
begin_update(struct command_call *call)
{
    const char *path = command_next(call);
    struct error err = ERROR_INIT;
    const struct ocsp_job *job;
    struct update *update;

    if (path == NULL)
        return command_say(call, 3, "'update ssl ocsp-response' expects a filename");
    job = ocsp_job_start(path, &err);
    if (job == NULL)
        return command_say(call, 3, "%s.\nCan't send ocsp request for %s!", err.text, path);
    update = alloc_zero(sizeof(*update));
    update->path = alloc_copy(path);
    update->runs = job->runs;
    call->state = update;
    call->end = end_update;
    return COMMAND_WAIT;
}

static enum command_result
run_update(struct command_call *call)
{
    const struct update *update = call->state;
    const struct ocsp_job *job;
    const struct tls_cert *cert;

    if (update == NULL)
        return begin_update(call);
    job = ocsp_job_find(update->path);
    if (job == NULL)
        return command_say(call, 3, "The certificate is gone.");
    if (job->runs == update->runs)
        return COMMAND_WAIT;
    if (job->status != UPDATE_DONE)
        return command_say(call, 3, "%s: %s.", update_status_text(job->status), job->reason);
    cert = cert_store_find(update->path);
    if (cert != NULL)
        ocsp_show(cert, call->out);
    return COMMAND_DONE;
}

static const struct command commands[] = {
    { "show ssl ocsp-updates", "", LEVEL_USER, run_show,
      "list certificates whose OCSP answers are fetched, with the next time and the last outcome" },
    { "update ssl ocsp-response", "<certfile>", LEVEL_ADMIN, run_update,
      "fetch the OCSP answer of a certificate now, and staple it" },
};
REGISTER(command, commands);
