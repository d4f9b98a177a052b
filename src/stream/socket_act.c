/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actions on sockets: type of service and mark of packets, disappearing without a word.
 *
 * For:     rules.
 * Thread:  owner; the parsers on the builder.
 */
#include <string.h>

#include "weir/net/connector.h"
#include "weir/os/socket.h"

#include "private.h"

/* --- set-fc-tos, set-fc-mark --------------------------------------------- */

static enum verdict
run_client_tos(const struct action *action, struct eval *eval)
{
    int64_t n;

    if (amount_find(action->data, eval, &n))
        socket_set_tos(eval->client->fd, (int)(n & 0xff));
    return VERDICT_CONTINUE;
}

static enum verdict
run_client_mark(const struct action *action, struct eval *eval)
{
    int64_t n;

    if (amount_find(action->data, eval, &n))
        (void)socket_set_mark(eval->client->fd, (unsigned)n);
    return VERDICT_CONTINUE;
}

/* --- set-bc-tos, set-bc-mark --------------------------------------------- */

/* They count from the first packet on: its connection is new, and for this stream only. */
static struct dial_marks *
marks_of(struct stream *s)
{
    struct dial_marks *marks = s->server_marks;

    if (marks == NULL) {
        marks = arena_take(&s->arena, sizeof(*marks));
        if (marks == NULL)
            return NULL;
        *marks = (struct dial_marks){ .tos = -1, .mark = -1 };
        s->server_marks = marks;
    }
    s->flags |= STREAM_NO_REUSE | STREAM_SINGLE_USE;
    return marks;
}

static enum verdict
run_server_tos(const struct action *action, struct eval *eval)
{
    struct dial_marks *marks;
    int64_t n;

    if (amount_find(action->data, eval, &n) && (marks = marks_of(eval->stream)) != NULL)
        marks->tos = n & 0xff;
    return VERDICT_CONTINUE;
}

static enum verdict
run_server_mark(const struct action *action, struct eval *eval)
{
    struct dial_marks *marks;
    int64_t n;

    if (amount_find(action->data, eval, &n) && (marks = marks_of(eval->stream)) != NULL)
        marks->mark = (int64_t)(uint32_t)n;
    return VERDICT_CONTINUE;
}

/* --- reading ------------------------------------------------------------- */

static bool
parse_bits(struct parse *parse, struct action *action, action_fn *run, int64_t max)
{
    struct amount *amount = ARENA_NEW(parse->arena, struct amount);

    action->data = amount;
    action->run = run;
    return amount_parse_bits(parse, action, max, amount);
}

static bool
parse_client_tos(struct parse *parse, struct action *action)
{
    return parse_bits(parse, action, run_client_tos, 255);
}

static bool
parse_client_mark(struct parse *parse, struct action *action)
{
    return parse_bits(parse, action, run_client_mark, UINT32_MAX);
}

static bool
parse_server_tos(struct parse *parse, struct action *action)
{
    return parse_bits(parse, action, run_server_tos, 255);
}

static bool
parse_server_mark(struct parse *parse, struct action *action)
{
    return parse_bits(parse, action, run_server_mark, UINT32_MAX);
}

/* --- silent-drop --------------------------------------------------------- */

/* number: how far its reset gets; 0: there is none. */
static enum verdict
run_silent_drop(const struct action *action, struct eval *eval)
{
    if (action->number == 0)
        socket_set_silent(eval->client->fd);
    else
        socket_set_reset_hops(eval->client->fd, (int)action->number);
    return VERDICT_DROP;
}

static bool
parse_silent_drop(struct parse *parse, struct action *action)
{
    int64_t hops = 0;

    action->run = run_silent_drop;
    if (words_accept(parse->words, "rst-ttl") && !parse_int(parse, "a number of hops", 1, 255, &hops))
        return false;
    action->number = (intptr_t)hops;
    return true;
}

#define ON_CLIENT                                                                                  \
    (ON(HOOK_TCP_CONNECTION) | ON(HOOK_TCP_SESSION) | ON(HOOK_TCP_REQUEST) |                       \
     ON(HOOK_TCP_RESPONSE) | ON(HOOK_HTTP_REQUEST) | ON(HOOK_HTTP_RESPONSE))
#define ON_SERVER (ON(HOOK_TCP_REQUEST) | ON(HOOK_HTTP_REQUEST))

static const struct action_kind kinds[] = {
    { "set-fc-tos", ON_CLIENT, .args = "<tos>|<expr>", .parse = parse_client_tos,
      .help = "Type of service (DSCP) of packets to the client." },
    { "set-tos", ON_CLIENT, .args = "<tos>|<expr>", .parse = parse_client_tos,
      .help = "Older name of set-fc-tos." },
    { "set-fc-mark", ON_CLIENT, .args = "<mark>|<expr>", .parse = parse_client_mark,
      .help = "Mark packets to the client for the kernel's filters and routes." },
    { "set-mark", ON_CLIENT, .args = "<mark>|<expr>", .parse = parse_client_mark,
      .help = "Older name of set-fc-mark." },
    { "set-bc-tos", ON_SERVER, .args = "<tos>|<expr>", .parse = parse_server_tos,
      .help = "Type of service (DSCP) of packets to the server." },
    { "set-bc-mark", ON_SERVER, .args = "<mark>|<expr>", .parse = parse_server_mark,
      .help = "Mark packets to the server for the kernel's filters and routes." },
    { "silent-drop", ON_CLIENT, .is_final = true, .args = "[rst-ttl <hops>]",
      .parse = parse_silent_drop, .help = "Forget the connection without telling the client." },
};
REGISTER(action_kind, kinds);
