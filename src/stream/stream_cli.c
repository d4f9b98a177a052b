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
#include <string.h>

#include "private.h"

#include "weir/base/alloc.h"
#include "weir/base/json.h"
#include "weir/base/number.h"
#include "weir/base/text.h"
#include "weir/cli/anon.h"
#include "weir/cli/command.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/thread.h"
#include "weir/server/server.h"

/* One question to all threads. Proxies and servers are told by name: definitions may go meanwhile. */
struct ask {
    uint64_t id;          /* of the stream that is meant; 0: all */
    int64_t older_ms;     /* streams of that age or more */
    char *frontend;       /* owns; NULL: any */
    char *backend;        /* owns; NULL: any */
    char *server;         /* owns; of that backend; NULL: any */
    bool with_uri;
    uint32_t anon_key; /* names are shown as numbers; 0: not */
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
    alloc_free(ask->frontend);
    alloc_free(ask->backend);
    alloc_free(ask->server);
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
add_stream(struct stream *s, uint32_t anon, struct text *out)
{
    const struct loop *loop = stream_loop(s);
    const struct addr *src = connection_src(s->session->client);
    char text[ADDR_TEXT_MAX], names[3][ANON_NAME_MAX];

    if (addr_is_ip(src))
        addr_format(src, text, sizeof(text));
    else
        snprintf(text, sizeof(text), "unix:%lld", (long long)session_listener_id(s->session));
    text_printf(out, "0x%llx: proto=%s src=%s fe=%s be=%s srv=%s", (unsigned long long)id_of(s),
                family_name(src), text, anon_name(anon, s->eval.frontend->name, names[0]),
                (s->flags & STREAM_HAD_BACKEND) != 0
                    ? anon_name(anon, s->eval.backend->name, names[1])
                    : "<NONE>",
                s->eval.server == NULL ? "<none>"
                                       : anon_name(anon, s->eval.server->name, names[2]));
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
}

/* As received. Clients choose the bytes: no line end and no quote gets through. */
static void
add_uri(const struct stream *s, struct text *out)
{
    if (s->request == NULL || s->asked_target.ptr == NULL)
        return;
    text_puts(out, " uri=\"");
    json_escape(out, s->asked_method);
    text_add_char(out, ' ');
    json_escape(out, s->asked_target);
    text_add_char(out, '"');
}

static bool
is_meant(const struct stream *s, const struct ask *ask)
{
    if (ask->id != 0 && ask->id != id_of(s))
        return false;
    if (ask->older_ms > 0 &&
        (stream_loop(s)->now_us - s->times.accepted) / 1000 < ask->older_ms)
        return false;
    if (ask->frontend != NULL && strcmp(ask->frontend, s->eval.frontend->name) != 0)
        return false;
    if (ask->backend != NULL && ((s->flags & STREAM_HAD_BACKEND) == 0 ||
                                 strcmp(ask->backend, s->eval.backend->name) != 0))
        return false;
    return ask->server == NULL ||
           (s->eval.server != NULL && strcmp(ask->server, s->eval.server->name) == 0);
}

static void
show_if_meant(struct stream *s, void *arg)
{
    struct ask *ask = arg;
    struct text *out = &ask->answers[this_thread->index];

    if (!is_meant(s, ask))
        return;
    __atomic_add_fetch(&ask->found, 1, __ATOMIC_RELAXED);
    add_stream(s, ask->anon_key, out);
    if (ask->with_uri)
        add_uri(s, out);
    text_add_char(out, '\n');
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

static bool
refuse(struct command_call *call, const char *why)
{
    command_say(call, 3, "%s", why);
    return false;
}

static bool
read_age(struct command_call *call, struct ask *ask)
{
    const char *word = command_next(call);

    if (word == NULL || !number_parse_time(str_from(word), "s", &ask->older_ms, NULL) ||
        ask->older_ms < 0)
        return refuse(call, "'older' expects an age (us ms s m h d; seconds without a unit).");
    return true;
}

static bool
read_frontend(struct command_call *call, struct ask *ask)
{
    const char *word = command_next(call);

    if (word == NULL || proxy_find(str_from(word), SIDE_FRONT) == NULL)
        return refuse(call, "No such frontend.");
    alloc_free(ask->frontend);
    ask->frontend = alloc_copy(word);
    return true;
}

static bool
read_backend(struct command_call *call, struct ask *ask)
{
    const char *word = command_next(call);

    if (word == NULL || proxy_find(str_from(word), SIDE_BACK) == NULL)
        return refuse(call, "No such backend.");
    alloc_free(ask->backend);
    ask->backend = alloc_copy(word);
    return true;
}

static bool
read_server(struct command_call *call, struct ask *ask)
{
    const char *word = command_next(call);
    struct str name = str_from(word), backend;
    struct proxy *proxy;

    if (word == NULL || str_find_char(name, '/') < 0)
        return refuse(call, "Require 'backend/server'.");
    backend = str_split(&name, '/');
    proxy = proxy_find(backend, SIDE_BACK);
    if (proxy == NULL)
        return refuse(call, "No such backend.");
    if (server_find(proxy, name) == NULL)
        return refuse(call, "No such server.");
    alloc_free(ask->backend);
    alloc_free(ask->server);
    ask->backend = alloc_copy_str(backend);
    ask->server = alloc_copy_str(name);
    return true;
}

static bool
explain_words(struct command_call *call)
{
    text_puts(call->out, "show sess [<id> | all | help] [show-uri] [older <age>]\n"
                         "          [server <backend>/<server>] [backend <name>] [frontend <name>]\n"
                         "  <id>      only this one: the first field of a line\n"
                         "  show-uri  method and target of the request, too\n"
                         "  older     only those of that age or more (seconds without a unit)\n"
                         "Conditions are combined.\n");
    return false;
}

static bool
read_show_word(struct command_call *call, struct ask *ask, const char *word)
{
    if (strcmp(word, "all") == 0)
        return true;
    if (strcmp(word, "help") == 0)
        return explain_words(call);
    if (strcmp(word, "show-uri") == 0) {
        ask->with_uri = true;
        return true;
    }
    if (strcmp(word, "older") == 0)
        return read_age(call, ask);
    if (strcmp(word, "frontend") == 0)
        return read_frontend(call, ask);
    if (strcmp(word, "backend") == 0)
        return read_backend(call, ask);
    if (strcmp(word, "server") == 0)
        return read_server(call, ask);
    if (strcmp(word, "susp") == 0)
        return refuse(call, "'show sess susp' is not implemented yet.");
    if (parse_id(word, &ask->id))
        return true;
    command_say(call, 3, "'%s' is no session; the first field of 'show sess' is its id.", word);
    return false;
}

static enum command_result
begin_show(struct command_call *call)
{
    struct ask *ask = ask_new();
    const char *word;

    ask->anon_key = call->anon_key;
    while ((word = command_next(call)) != NULL) {
        if (!read_show_word(call, ask, word)) {
            ask_free(ask);
            return COMMAND_DONE;
        }
    }
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
        return command_say(call, 3, "Session not found.");
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
    { "show sess", "[<id>|all|help] [<filter>]*", LEVEL_OPERATOR, run_show_sess,
      .help = "list the streams, or those that meet all conditions" },
    { "shutdown session", "<id>", LEVEL_ADMIN, run_shutdown_session, .help = "end one stream" },
    { "shutdown sessions server", "<backend>/<server>", LEVEL_ADMIN, run_shutdown_server,
      .help = "end all streams of a server" },
};
REGISTER(command, commands);
