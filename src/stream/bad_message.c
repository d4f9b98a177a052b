/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests and responses that could not be read: the last one of each proxy and direction, with the
 * place where it is wrong.
 *
 * For:     "show errors".
 * Owns:    copies of their bytes; at most MESSAGES_MAX, the oldest gives way.
 * Callers: session_mux.c and server_side.c by their mux_owner (on_bad); the runtime socket.
 * Thread:  owner adds; control shows. The list is behind a lock: bad messages are rare.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "weir/base/alloc.h"
#include "weir/base/clock.h"
#include "weir/base/number.h"
#include "weir/cli/command.h"
#include "weir/loop/lock.h"
#include "private.h"

#define MESSAGES_MAX 256
#define BYTES_MAX    16384 /* kept of each */
#define ROW_BYTES    70    /* shown in a line */

struct bad_message {
    struct list link; /* in `messages`, the oldest first */
    bool is_response;
    int64_t frontend_id, backend_id, server_id; /* -1: none */
    char *frontend, *backend, *server;          /* own; NULL: none */
    char client[ADDR_TEXT_MAX + 8];
    int64_t wall_us;
    uint64_t number;
    size_t len, at;
    const char *text; /* static: what is wrong */
    char *bytes;      /* owns; `kept` of them */
    size_t kept;
};

static struct lock lock = LOCK_INIT(LOCK_STREAM);
static struct list messages = LIST_INIT(messages);
static unsigned message_count;
static uint64_t event_count;

static void
message_free(struct bad_message *bad)
{
    alloc_free(bad->frontend);
    alloc_free(bad->backend);
    alloc_free(bad->server);
    alloc_free(bad->bytes);
    alloc_free(bad);
}

/* Whose it is: a request its frontend's, a response its backend's. */
static bool
is_of_same_proxy(const struct bad_message *a, const struct bad_message *b)
{
    if (a->is_response != b->is_response)
        return false;
    return a->is_response ? a->backend_id == b->backend_id : a->frontend_id == b->frontend_id;
}

static void
take_out(struct bad_message *bad)
{
    list_remove(&bad->link);
    message_count--;
    message_free(bad);
}

static void
add(struct bad_message *bad)
{
    lock_take(&lock);
    bad->number = event_count++;
    LIST_FOR_EACH_SAFE (other, &messages, struct bad_message, link) {
        if (is_of_same_proxy(other, bad))
            take_out(other);
    }
    if (message_count == MESSAGES_MAX)
        take_out(LIST_FIRST(&messages, struct bad_message, link));
    list_add_last(&messages, &bad->link);
    message_count++;
    lock_give(&lock);
}

static char *
copy_name(const char *name)
{
    return name == NULL ? NULL : alloc_copy(name);
}

static struct bad_message *
message_new(struct str bytes, size_t at, const char *text)
{
    struct bad_message *bad = alloc_zero(sizeof(*bad));

    bad->frontend_id = bad->backend_id = bad->server_id = -1;
    bad->wall_us = clock_wall_us();
    bad->len = bytes.len;
    bad->at = at;
    bad->text = text;
    bad->kept = bytes.len < BYTES_MAX ? bytes.len : BYTES_MAX;
    bad->bytes = alloc_copy_str(str_of(bytes.ptr, bad->kept));
    return bad;
}

static void
note_client(struct bad_message *bad, const struct session *session)
{
    if (session->frontend != NULL) {
        bad->frontend = copy_name(session->frontend->name);
        bad->frontend_id = session->frontend->id;
    }
    if (session->client != NULL)
        addr_format(&session->client->src, bad->client, sizeof(bad->client));
}

void
bad_message_note_request(const struct session *session, struct str bytes, size_t at,
                         const char *text)
{
    struct bad_message *bad = message_new(bytes, at, text);

    note_client(bad, session);
    add(bad);
}

void
bad_message_note_response(const struct stream *s, struct str bytes, size_t at, const char *text)
{
    struct bad_message *bad = message_new(bytes, at, text);

    bad->is_response = true;
    note_client(bad, s->session);
    if (s->eval.backend != NULL) {
        bad->backend = copy_name(s->eval.backend->name);
        bad->backend_id = s->eval.backend->id;
    }
    if (s->eval.server != NULL) {
        bad->server = copy_name(s->eval.server->name);
        bad->server_id = s->eval.server->id;
    }
    add(bad);
}

/* --- show errors ---------------------------------------------------------------------------- */

static void
add_date(struct text *out, int64_t wall_us)
{
    time_t seconds = (time_t)(wall_us / 1000000);
    char date[40];
    struct tm tm;

    localtime_r(&seconds, &tm);
    strftime(date, sizeof(date), "%d/%b/%Y:%H:%M:%S", &tm);
    text_printf(out, "[%s.%03d]", date, (int)(wall_us / 1000 % 1000));
}

static void
add_name(struct text *out, const char *kind, const char *name, int64_t id)
{
    text_printf(out, "%s %s (#%lld)", kind, name == NULL ? "<NONE>" : name,
                (long long)(name == NULL ? -1 : id));
}

static void
add_byte(struct text *out, unsigned char byte)
{
    static const char *const named[] = { ['\t'] = "\\t", ['\n'] = "\\n", ['\r'] = "\\r",
                                         [27] = "\\e" };

    if (byte < COUNT(named) && named[byte] != NULL)
        text_puts(out, named[byte]);
    else if (byte == '\\')
        text_puts(out, "\\\\");
    else if (byte < 32 || byte > 126)
        text_printf(out, "\\x%02X", byte);
    else
        text_add_char(out, (char)byte);
}

/* A line of the message, in rows; those that go on are marked. */
static void
add_bytes(struct text *out, const struct bad_message *bad)
{
    size_t at = 0;

    while (at < bad->kept) {
        size_t line = at;
        bool is_first = true;

        do {
            size_t begin = out->len;

            text_printf(out, "  %05zu%c ", at, is_first ? ' ' : '+');
            while (at < bad->kept && out->len - begin < ROW_BYTES + 9) {
                add_byte(out, (unsigned char)bad->bytes[at]);
                if (bad->bytes[at++] == '\n')
                    break;
            }
            text_add_char(out, '\n');
            is_first = false;
        } while (at < bad->kept && bad->bytes[at - 1] != '\n' && at > line);
    }
}

static void
add_message(struct text *out, const struct bad_message *bad)
{
    text_puts(out, " \n");
    add_date(out, bad->wall_us);
    if (bad->is_response) {
        add_name(out, " backend", bad->backend, bad->backend_id);
        text_puts(out, ": invalid response\n");
        add_name(out, "  frontend", bad->frontend, bad->frontend_id);
    } else {
        add_name(out, " frontend", bad->frontend, bad->frontend_id);
        text_puts(out, ": invalid request\n");
        add_name(out, "  backend", bad->backend, bad->backend_id);
    }
    add_name(out, ", server", bad->server, bad->server_id);
    text_printf(out, ", event #%llu, src %s\n", (unsigned long long)bad->number, bad->client);
    text_printf(out, "  len %zu, error at position %zu: %s\n  \n", bad->len, bad->at,
                bad->text == NULL ? "" : bad->text);
    add_bytes(out, bad);
}

/* Which ones: of one proxy, by name or number, of one direction. */
struct wanted {
    bool is_limited;
    bool requests, responses;
    int64_t front_id, back_id;
};

static bool
is_wanted(const struct wanted *wanted, const struct bad_message *bad)
{
    if (!(bad->is_response ? wanted->responses : wanted->requests))
        return false;
    return !wanted->is_limited || bad->frontend_id == wanted->front_id ||
           bad->frontend_id == wanted->back_id || bad->backend_id == wanted->front_id ||
           bad->backend_id == wanted->back_id;
}

static bool
find_proxy(struct command_call *call, const char *word, struct wanted *wanted)
{
    int64_t id;
    bool is_number = number_parse_int(str_from(word), INT32_MIN, INT32_MAX, &id, NULL);
    const struct proxy *front = proxy_find(str_from(word), SIDE_FRONT);
    const struct proxy *back = proxy_find(str_from(word), SIDE_BACK);

    wanted->is_limited = !is_number || id != -1;
    wanted->front_id = wanted->back_id = is_number ? id : -2;
    if (front != NULL)
        wanted->front_id = front->id;
    if (back != NULL)
        wanted->back_id = back->id;
    if (is_number || front != NULL || back != NULL)
        return true;
    command_say(call, 3, "No such proxy.");
    return false;
}

static enum command_result
run_show_errors(struct command_call *call)
{
    const char *word = command_next(call);
    struct wanted wanted = { .requests = true, .responses = true };

    if (word != NULL && !find_proxy(call, word, &wanted))
        return COMMAND_DONE;
    word = command_next(call);
    if (word != NULL && strcmp(word, "request") == 0)
        wanted.responses = false;
    else if (word != NULL && strcmp(word, "response") == 0)
        wanted.requests = false;
    lock_take(&lock);
    text_puts(call->out, "Total events captured on ");
    add_date(call->out, clock_wall_us());
    text_printf(call->out, " : %llu\n", (unsigned long long)event_count);
    LIST_FOR_EACH (bad, &messages, struct bad_message, link) {
        if (is_wanted(&wanted, bad))
            add_message(call->out, bad);
    }
    lock_give(&lock);
    return COMMAND_DONE;
}

static const struct command commands[] = {
    { "show errors", "[<iid>|<proxy>] [request|response]", LEVEL_OPERATOR, run_show_errors,
      "the last message of each proxy that could not be read, and where it is wrong" },
};
REGISTER(command, commands);
