/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show sess, shutdown session, shutdown sessions server.
 *
 * For:     the runtime socket.
 * Thread:  control; streams are looked at, and ended, by their own threads, which are asked by
 * mail. The command comes back until all have answered.
 */
#include <stdio.h>
#include <stdlib.h>

#include "private.h"

#include "weir/base/alloc.h"
#include "weir/base/text.h"
#include "weir/cli/command.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/thread.h"
#include "weir/server/server.h"

/* One question to all threads. */
struct ask {
    uint64_t id;          /* of the stream that is meant; 0: all */
    struct text *answers; /* owns; one for each thread */
    unsigned found;       /* atomic */
    bool is_done;
    bool is_abandoned; /* the command went away: whoever ends last frees it */
};

static struct ask *
ask_new(void)
{
    struct ask *ask = alloc_zero(sizeof(*ask));

    ask->answers = alloc_array(thread_count(), sizeof(*ask->answers));
    return ask;
}

static void
ask_free(struct ask *ask)
{
    for (unsigned i = 0; i < thread_count(); i++)
        text_fini(&ask->answers[i]);
    alloc_free(ask->answers);
    alloc_free(ask);
}

static void
on_all_answered(void *arg)
{
    struct ask *ask = arg;

    ask->is_done = true;
    if (ask->is_abandoned)
        ask_free(ask);
}

static void
on_command_end(struct command_call *call)
{
    struct ask *ask = call->state;

    call->state = NULL;
    if (ask == NULL)
        return;
    if (ask->is_done)
        ask_free(ask);
    else
        ask->is_abandoned = true;
}

static void
ask_all(struct command_call *call, struct ask *ask, void (*fn)(void *arg))
{
    call->state = ask;
    call->end = on_command_end;
    mailbox_call_all(fn, on_all_answered, ask);
}

static uint64_t
id_of(const struct stream *s)
{
    return (uint64_t)(uintptr_t)s;
}

/* --- show sess ----------------------------------------------------------- */

static void
add_age(struct text *out, int64_t ms)
{
    int64_t seconds = ms / 1000;

    if (seconds >= 86400)
        text_printf(out, "%lldd%lldh", (long long)(seconds / 86400),
                    (long long)(seconds / 3600 % 24));
    else if (seconds >= 3600)
        text_printf(out, "%lldh%lldm", (long long)(seconds / 3600), (long long)(seconds / 60 % 60));
    else if (seconds >= 60)
        text_printf(out, "%lldm%llds", (long long)(seconds / 60), (long long)(seconds % 60));
    else
        text_printf(out, "%llds", (long long)seconds);
}

static const char *
family_name(const struct addr *addr)
{
    switch ((enum addr_family)addr->family) {
    case ADDR_IPV4:
        return "tcpv4";
    case ADDR_IPV6:
        return "tcpv6";
    case ADDR_UNIX:
    case ADDR_ABSTRACT:
    case ADDR_ABSTRACT_SHORT:
    case ADDR_SOCKPAIR:
        return "unix_stream";
    case ADDR_NONE:
    case ADDR_FD:
        break;
    }
    return "?";
}

static void
add_stream(struct stream *s, struct text *out)
{
    const struct loop *loop = stream_loop(s);
    const struct addr *src = connection_src(s->session->client);
    char text[ADDR_TEXT_MAX];

    if (addr_is_ip(src))
        addr_format(src, text, sizeof(text));
    else
        snprintf(text, sizeof(text), "unix:%lld", (long long)session_listener_id(s->session));
    text_printf(out, "0x%llx: proto=%s src=%s fe=%s be=%s srv=%s", (unsigned long long)id_of(s),
                family_name(src), text, s->eval.frontend->name,
                (s->flags & STREAM_HAD_BACKEND) != 0 ? s->eval.backend->name : "<NONE>",
                s->eval.server == NULL ? "<none>" : s->eval.server->name);
    text_printf(out, " thr=%u step=\"%s\" age=", this_thread->index, stream_step(s)->name);
    add_age(out, (loop->now_us - s->times.accepted) / 1000);
    text_printf(out, " rq[in=%llu,out=%llu] rp[in=%llu,out=%llu]",
                (unsigned long long)stream_bytes_from_client(s),
                (unsigned long long)stream_bytes_to_server(s),
                (unsigned long long)stream_bytes_from_server(s),
                (unsigned long long)stream_bytes_to_client(s));
    text_printf(out, " fd=%d,%d rc=%u exp=", s->session->client->fd,
                s->eval.server_conn == NULL ? -1 : s->eval.server_conn->fd, s->retries_done);
    if (timer_is_running(&s->timer))
        add_age(out, s->timer.deadline_ms - loop->now_ms);
    text_puts(out, "\n");
}

static void
show_if_meant(struct stream *s, void *arg)
{
    struct ask *ask = arg;

    if (ask->id != 0 && ask->id != id_of(s))
        return;
    __atomic_add_fetch(&ask->found, 1, __ATOMIC_RELAXED);
    add_stream(s, &ask->answers[this_thread->index]);
}

static void
show_here(void *arg)
{
    stream_for_each(show_if_meant, arg);
}

static bool
parse_id(const char *word, uint64_t *out)
{
    char *end;

    *out = strtoull(word, &end, 16);
    return end != word && *end == 0 && *out != 0;
}

static enum command_result
begin_show(struct command_call *call)
{
    const char *word = command_next(call);
    struct ask *ask;
    uint64_t id = 0;

    if (word != NULL && strcmp(word, "all") != 0 && !parse_id(word, &id))
        return command_say(call, 3, "'%s' is no session; the first field of 'show sess' is its id.",
                           word);
    ask = ask_new();
    ask->id = id;
    ask_all(call, ask, show_here);
    return COMMAND_WAIT;
}

static enum command_result
run_show_sess(struct command_call *call)
{
    struct ask *ask = call->state;

    if (ask == NULL)
        return begin_show(call);
    if (!ask->is_done)
        return COMMAND_WAIT;
    for (unsigned i = 0; i < thread_count(); i++)
        text_add(call->out, text_str(&ask->answers[i]));
    if (ask->id != 0 && ask->found == 0)
        text_puts(call->out, "  (nil)\n");
    return COMMAND_DONE;
}

/* --- shutdown session ---------------------------------------------------- */

static void
kill_if_meant(struct stream *s, void *arg)
{
    struct ask *ask = arg;

    if (ask->id != id_of(s))
        return;
    __atomic_add_fetch(&ask->found, 1, __ATOMIC_RELAXED);
    stream_kill(s, END_KILLED);
}

static void
kill_here(void *arg)
{
    stream_for_each(kill_if_meant, arg);
}

static enum command_result
begin_shutdown(struct command_call *call)
{
    const char *word = command_next(call);
    struct ask *ask;
    uint64_t id;

    if (word == NULL)
        return command_say(call, 3, "Session pointer expected (use 'show sess').");
    if (!parse_id(word, &id))
        return command_say(call, 3, "No such session (use 'show sess').");
    ask = ask_new();
    ask->id = id;
    ask_all(call, ask, kill_here);
    return COMMAND_WAIT;
}

static enum command_result
run_shutdown_session(struct command_call *call)
{
    struct ask *ask = call->state;

    if (ask == NULL)
        return begin_shutdown(call);
    if (!ask->is_done)
        return COMMAND_WAIT;
    if (ask->found == 0)
        return command_say(call, 3, "No such session (use 'show sess').");
    return COMMAND_DONE;
}

/* --- shutdown sessions server -------------------------------------------- */

static enum command_result
run_shutdown_server(struct command_call *call)
{
    const char *word = command_next(call);
    struct str name = str_from(word), backend;
    struct proxy *proxy;
    struct server *srv;

    if (word == NULL || str_find_char(name, '/') < 0)
        return command_say(call, 3, "Require 'backend/server'.");
    backend = str_split(&name, '/');
    proxy = proxy_find(backend, SIDE_BACK);
    if (proxy == NULL)
        return command_say(call, 3, "No such backend.");
    srv = server_find(proxy, name);
    if (srv == NULL)
        return command_say(call, 3, "No such server.");
    kill_streams_of_server(srv, END_KILLED);
    return COMMAND_DONE;
}

static const struct command commands[] = {
    { "show sess", "[<id>|all]", LEVEL_OPERATOR, run_show_sess,
      .help = "list the streams, or one of them" },
    { "shutdown session", "<id>", LEVEL_ADMIN, run_shutdown_session, .help = "end one stream" },
    { "shutdown sessions server", "<backend>/<server>", LEVEL_ADMIN, run_shutdown_server,
      .help = "end all streams of a server" },
};
REGISTER(command, commands);
