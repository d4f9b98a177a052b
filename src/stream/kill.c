/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams that end because somebody else wants it: an operator, or a server that went down
 * (on-marked-down) or came back (on-marked-up).
 *
 * For:     stream_cli.c, and the server room through its observers.
 * Thread:  control asks; every traffic thread ends its own.
 */
#include "private.h"

#include "weir/base/alloc.h"
#include "weir/loop/mailbox.h"
#include "weir/server/server.h"

struct kill_job {
    struct server *server; /* holds; NULL: all */
    struct proxy *backend; /* borrows: of the server that holds it; only its backup servers */
    enum end_cause cause;
};

static bool
is_meant(const struct kill_job *job, const struct stream *s)
{
    const struct server *srv = s->eval.server;
    const struct server_conf *conf;

    if (srv == NULL || s->queue_entry.queue != NULL)
        return false;
    if (job->backend == NULL)
        return srv == job->server;
    conf = grace_read(srv->conf);
    return srv->backend == job->backend && conf != NULL && conf->backup;
}

static void
kill_one(struct stream *s, void *arg)
{
    const struct kill_job *job = arg;

    if (is_meant(job, s))
        stream_kill(s, job->cause);
}

static void
kill_here(void *arg)
{
    stream_for_each(kill_one, arg);
}

static void
killed(void *arg)
{
    struct kill_job *job = arg;

    server_drop(job->server);
    alloc_free(job);
}

static void
begin(struct server *srv, struct proxy *backend, enum end_cause cause)
{
    struct kill_job *job = alloc_zero(sizeof(*job));

    server_hold(srv);
    job->server = srv;
    job->backend = backend;
    job->cause = cause;
    mailbox_call_all(kill_here, killed, job);
}

void
kill_streams_of_server(struct server *srv, enum end_cause cause)
{
    begin(srv, NULL, cause);
}

/* --- a server went down, or came back ------------------------------------ */

static void
on_changed(struct server *srv, unsigned what)
{
    const struct server_conf *conf = srv->conf;

    if ((what & (SERVER_CHANGED_STATE | SERVER_CHANGED_ADMIN)) == 0 || conf == NULL)
        return;
    if (conf->on_marked_down != 0 &&
        (srv->state == SERVER_STOPPED || (srv->admin & ADMIN_MAINT) != 0))
        begin(srv, NULL, END_DOWN);
    if (conf->on_marked_up != 0 && !conf->backup && server_is_usable(srv))
        begin(srv, srv->backend, END_ACTIVE);
}

static const struct server_observer observers[] = { { on_changed } };
REGISTER(server_observer, observers);
