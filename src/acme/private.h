/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of room acme share.
 */
#pragma once

#include "weir/base/list.h"
#include "weir/base/text.h"
#include "weir/dns/resolver.h"
#include "weir/mux/client.h"

/* --- ocsp_update.c: all on control ---------------------------------------------- */

enum update_status { /* as tools know the numbers */
    UPDATE_UNKNOWN,
    UPDATE_DONE,
    UPDATE_HTTP_ERROR,
    UPDATE_NO_OCSP, /* another content type */
    UPDATE_REFUSED,
    UPDATE_NOT_PUT,
};
const char *update_status_text(enum update_status status);

/* One certificate that is kept fresh, or is fetched for once. */
struct ocsp_job {
    struct list link;
    char *path;          /* owns */
    bool is_wanted;      /* by the configuration */
    bool is_once;        /* somebody asked for it now */
    bool is_running;
    int64_t due_ms;      /* loop time */
    int64_t next_s, last_s; /* of the clock; 0: none */
    unsigned good, bad, bad_in_a_row;
    unsigned runs;       /* that have ended */
    enum update_status status;
    char reason[160];    /* of the last failure */
    struct text answer;  /* what was taken last */
    const void *seen;    /* the certificate that it was put to; only compared */
    /* while it runs: */
    struct ocsp_fetch *fetch;
};

extern struct list ocsp_jobs;
/* Fetches now, whatever the configuration says. NULL: the certificate is unknown, or err. */
struct ocsp_job *ocsp_job_start(const char *path, struct error *err);
struct ocsp_job *ocsp_job_find(const char *path);

/* --- ocsp_fetch.c ------------------------------------------------------------------ */

/* One question over HTTP. */
struct ocsp_fetch *ocsp_fetch_start(struct ocsp_job *job, struct error *err);
void ocsp_fetch_free(struct ocsp_fetch *fetch); /* NULL is fine */
/* It has ended: what came, or why nothing did. */
void ocsp_job_answer(struct ocsp_job *job, struct str der);
void ocsp_job_fail(struct ocsp_job *job, enum update_status status, const char *reason);
