/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http-request early-hint: an answer 103 (RFC 8297) ahead of the real one. The fields of all such
 * rules of a list go into one answer, which leaves when the list has run or waits.
 *
 * Thread: builder parses; the stream's owner runs.
 */
#include "weir/expr/log_format.h"
#include "weir/http/message.h"
#include "weir/http/validate.h"

#include "private.h"

struct early_hint {
    struct str name;
    const struct log_format *value;
};

/* The answer that the rules of this list fill. */
static struct message *
hint_of(struct stream *s)
{
    if (s->hint == NULL && (s->hint = message_take()) != NULL) {
        s->hint->flags = MESSAGE_IS_RESPONSE | MESSAGE_LOCAL | MESSAGE_NO_BODY_EXPECTED;
        s->hint->version_major = s->hint->version_minor = 1;
        s->hint->status = 103;
        s->hint->reason = STR("Early Hints");
    }
    return s->hint;
}

void
early_hint_send(struct stream *s)
{
    struct message *hint = s->hint;

    s->hint = NULL;
    if (endpoint_send_head(s->front, hint))
        endpoint_flush(s->front, false);
    message_give(hint);
}

/* Clients of HTTP/1.0 do not know such answers. */
static enum verdict
run_early_hint(const struct action *action, struct eval *eval)
{
    const struct early_hint *hint = action->data;
    struct stream *s = eval->stream;
    struct message *msg;
    struct str value;

    if (s == NULL || eval->request == NULL ||
        (eval->request->version_major == 1 && eval->request->version_minor == 0))
        return VERDICT_CONTINUE;
    value = log_format_to_str(hint->value, eval);
    msg = value.ptr == NULL ? NULL : hint_of(s);
    if (msg == NULL || !message_add_field_copy(msg, hint->name, value))
        return VERDICT_FAILED;
    return VERDICT_CONTINUE;
}

static bool
parse_early_hint(struct parse *parse, struct action *action)
{
    struct early_hint *hint = ARENA_NEW(parse->arena, struct early_hint);
    const char *name = parse_word(parse, "the name of a header field"), *text;

    if (name == NULL)
        return false;
    if (!validate_token(str_from(name)))
        return parse_alert(parse, "'%s' cannot be the name of a header field", name);
    text = parse_word(parse, "a format");
    if (text == NULL)
        return false;
    hint->name = str_from(arena_copy(parse->arena, name));
    hint->value = log_format_parse(parse, text, action->place, FORMAT_IS_HEADER);
    action->data = hint;
    action->run = run_early_hint;
    return hint->value != NULL;
}

static const struct action_kind kinds[] = {
    { "early-hint", ON(HOOK_HTTP_REQUEST), .args = "<name> <format>", .parse = parse_early_hint,
      .help = "Send an answer 103 with this header field ahead of the real answer." },
};
REGISTER(action_kind, kinds);
