/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends a request through the rules without opening a socket: one end of a pair of sockets is given
 * to the traffic thread as if a client had connected, the other one says the request.
 *
 * For:     explain_run.c, expect_run.c.
 * Thread:  boot, which is the control thread by then; the traffic thread runs the rules meanwhile.
 */
#include <errno.h>
#include <semaphore.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/base/crash.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/thread.h"
#include "weir/main/explain_run.h"
#include "weir/proxy/proxy.h"
#include "weir/stream/explaining.h"

struct visit {
    const struct bind_conf *bind;
    int fd; /* the traffic thread's end */
    struct addr src, dst;
    struct explain *explain;
    sem_t done;
};

/* --- which frontend ------------------------------------------------------------------------- */

static const struct bind_conf *
bind_with_port(const struct proxy_conf *conf, int port)
{
    LIST_FOR_EACH (bind, &conf->binds, struct bind_conf, link) {
        if (port == 0 || (addr_is_ip(&bind->addr) && bind->addr.port == port))
            return bind;
    }
    return NULL;
}

/* The one of that name, or the first that listens on the port. */
static const struct bind_conf *
find_bind(const struct explain_question *question, const struct proxy_conf **owner)
{
    LIST_FOR_EACH (conf, proxy_list(snapshot_current()), struct proxy_conf, link) {
        const struct bind_conf *bind = NULL;

        if (question->frontend == NULL)
            bind = bind_with_port(conf, question->port);
        else if (strcmp(conf->name, question->frontend) == 0)
            bind = bind_with_port(conf, 0);
        if (bind == NULL || bind->listener == NULL)
            continue;
        *owner = conf;
        return bind;
    }
    return NULL;
}

/* When there is just one frontend, it is meant. */
static const struct bind_conf *
find_only(const struct proxy_conf **owner)
{
    const struct bind_conf *only = NULL;

    LIST_FOR_EACH (conf, proxy_list(snapshot_current()), struct proxy_conf, link) {
        const struct bind_conf *bind = bind_with_port(conf, 0);

        if (bind == NULL)
            continue;
        if (only != NULL)
            return NULL;
        only = bind;
        *owner = conf;
    }
    return only;
}

static bool
complain(const struct explain_question *question, struct error *err)
{
    struct text names = TEXT_INIT;

    LIST_FOR_EACH (conf, proxy_list(snapshot_current()), struct proxy_conf, link) {
        LIST_FOR_EACH (bind, &conf->binds, struct bind_conf, link)
            text_printf(&names, "%s%s (%s)", names.len > 0 ? ", " : "", conf->name,
                        bind->addr_text);
    }
    if (question->frontend != NULL)
        error_set(err, "there is no frontend '%s' that listens; there are: %s", question->frontend,
                  text_cstr(&names));
    else
        error_set(err, "no frontend listens on port %d; say which one is meant with --frontend: %s",
                  question->port, text_cstr(&names));
    text_fini(&names);
    return false;
}

/* --- the visit ------------------------------------------------------------------------------ */

static void
on_end(struct explain *explain)
{
    struct visit *visit = explain->owner_data;

    sem_post(&visit->done);
}

/* On the traffic thread. */
static void
enter(void *arg)
{
    struct visit *visit = arg;

    explaining_accept(visit->bind->listener, visit->fd, &visit->src, &visit->dst, visit->explain);
}

static void
read_answer(int fd, struct text *answer)
{
    char bytes[4096];
    ssize_t got;

    while ((got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
        text_add(answer, str_of(bytes, (size_t)got));
}

static void
send_request(int fd, const struct explain_question *question)
{
    struct text request = TEXT_INIT;

    explain_question_write(question, &request);
    (void)!write(fd, request.ptr, request.len);
    shutdown(fd, SHUT_WR);
    text_fini(&request);
}

static void
set_target(struct visit *visit, const struct explain_question *question)
{
    visit->src = question->src;
    visit->dst = visit->bind->addr;
    if (!addr_is_ip(&visit->dst))
        return;
    if (visit->dst.family == ADDR_IPV4 && visit->dst.ip4.s_addr == 0)
        addr_parse_host(STR("127.0.0.1"), &visit->dst);
    visit->dst.port = visit->bind->addr.port;
}

static struct str
find_location(const struct text *answer)
{
    struct str bytes = text_str(answer), rest;
    long end = str_find(bytes, STR("\r\n\r\n"), 0);
    long at = end < 0 ? -1 : str_find_nocase(str_slice(bytes, 0, (size_t)end), STR("\nlocation:"), 0);

    if (at < 0)
        return STR_NONE;
    rest = str_slice(bytes, (size_t)at + strlen("\nlocation:"), bytes.len);
    return str_trim(str_slice(rest, 0, (size_t)str_find_char(rest, '\r')));
}

static bool
open_pair(int fds[2], struct error *err)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == -1)
        return error_set(err, "socketpair: %s", strerror(errno));
    return true;
}

bool
explain_ask(const struct explain_question *question, struct explained *explained, struct error *err)
{
    const struct proxy_conf *owner = NULL;
    struct visit visit = { .explain = &explained->explain };
    int fds[2];

    memset(explained, 0, sizeof(*explained));
    explain_init(&explained->explain);
    visit.bind = find_bind(question, &owner);
    if (visit.bind == NULL && question->frontend == NULL)
        visit.bind = find_only(&owner);
    if (visit.bind == NULL || visit.bind->listener == NULL)
        return complain(question, err);
    if (!open_pair(fds, err))
        return false;
    visit.fd = fds[0];
    set_target(&visit, question);
    sem_init(&visit.done, 0, 0);
    explained->explain.is_offline = true;
    explained->explain.given = question->given;
    explained->explain.on_end = on_end;
    explained->explain.owner_data = &visit;
    explained->frontend = owner->name;
    explained->address = visit.bind->addr_text;
    send_request(fds[1], question);
    mailbox_call(thread_at(1), enter, &visit);
    while (sem_wait(&visit.done) == -1 && errno == EINTR)
        continue;
    read_answer(fds[1], &explained->answer);
    explained->location = find_location(&explained->answer);
    sem_destroy(&visit.done);
    close(fds[1]);
    return true;
}

void
explained_fini(struct explained *explained)
{
    explain_fini(&explained->explain);
    text_fini(&explained->answer);
}
