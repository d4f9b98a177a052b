/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait-for-handshake: a request that came as early data of TLS goes on when nobody can be replaying it.
 *
 * For:     rules; and requests that are not safe (RFC 9110 9.2.1), which wait whether a rule says so or not.
 * Thread:  the owner of the stream. Parsers: builder.
 *
 * The connection ends its handshake by itself. We look again after 1, 2, 4 ... ms: handshakes take as long
 * as the way to the client and back, and one that never ends must cost nothing.
 */
#include "weir/tls/tls.h"

#include "private.h"

#define LOOK_MAX_MS 128
#define DOUBLINGS   7

static int64_t
patience_ms(const struct stream *s)
{
    int64_t ms = s->front_timeouts->http_request_ms;

    return ms != 0 ? ms : s->front_timeouts->client_ms;
}

/* After so many looks. */
static int64_t
waited_ms(unsigned looks)
{
    return looks <= DOUBLINGS ? (1 << looks) - 1
                              : LOOK_MAX_MS * 2 - 1 + (int64_t)(looks - DOUBLINGS) * LOOK_MAX_MS;
}

/* eval->resume: how often we have looked. */
static enum verdict
look_again(struct stream *s)
{
    unsigned looks = s->eval.resume;
    int64_t patience = patience_ms(s);

    if (looks > 0 && stream_loop(s)->now_ms < s->rule_expires_ms)
        return VERDICT_WAIT; /* woken by something else */
    if (patience != 0 && waited_ms(looks) >= patience)
        return VERDICT_LATE;
    s->rule_expires_ms = deadline_now_ms(s) + (looks < DOUBLINGS ? 1 << looks : LOOK_MAX_MS);
    if (looks < UINT16_MAX)
        s->eval.resume++;
    return VERDICT_WAIT;
}

/* The handshake has failed, or the client is gone: it may have been somebody else. */
static bool
is_broken(const struct stream *s)
{
    return (s->eval.client->flags & CONN_UNCONFIRMED) == 0 || (s->front->flags & EP_IN_BROKEN) != 0;
}

static enum verdict
wait_for_handshake(struct stream *s)
{
    enum verdict verdict = VERDICT_CONTINUE;

    if (tls_is_early(s->eval.client))
        verdict = is_broken(s) ? VERDICT_REJECT : look_again(s);
    if (verdict != VERDICT_WAIT) {
        s->eval.resume = 0;
        s->rule_expires_ms = 0;
    }
    return verdict;
}

static enum verdict
run_wait_for_handshake(const struct action *action, struct eval *eval)
{
    (void)action;
    return wait_for_handshake(eval->stream);
}

static bool
parse_wait_for_handshake(struct parse *parse, struct action *action)
{
    (void)parse;
    action->run = run_wait_for_handshake;
    return true;
}

static bool
is_safe(const struct message *request)
{
    return request->method == METHOD_GET || request->method == METHOD_HEAD ||
           request->method == METHOD_OPTIONS || request->method == METHOD_TRACE;
}

enum verdict
early_data_hold(struct stream *s)
{
    return is_safe(s->request) ? VERDICT_CONTINUE : wait_for_handshake(s);
}

bool
early_data_tell(struct stream *s)
{
    if (__builtin_expect(!tls_is_early(s->eval.client), 1))
        return true;
    return message_find_field_name(s->request, STR("early-data"), 0) >= 0 ||
           message_add_field_copy(s->request, STR("Early-Data"), STR("1"));
}

bool
early_data_may_go(const struct stream *s)
{
    return s->request != NULL && stream_is_http(s) && is_safe(s->request) &&
           s->request->body == BODY_NONE && s->retries_done == 0 &&
           (tls_is_early(s->eval.client) || (s->eval.backend->retry_on & RETRY_0RTT_REJECTED) != 0);
}

static const struct action_kind kinds[] = {
    { "wait-for-handshake", ON(HOOK_HTTP_REQUEST), .args = "", .parse = parse_wait_for_handshake,
      .help = "A request that came as early data goes on when the client's handshake is over: nobody can be "
              "replaying it then. Requests that are not safe, such as POST, always wait." },
};
REGISTER(action_kind, kinds);
