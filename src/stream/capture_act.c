/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Captures in rules, expressions and formats: the action capture; the fetches capture.req.hdr and
 * capture.res.hdr; the converters capture-req and capture-res; %hr %hrl %hs %hsl %CC %CS.
 *
 * Thread: builder parses; the stream's owner runs.
 */
#include <string.h>

#include "weir/expr/log_format.h"
#include "weir/expr/sample.h"

#include "capture.h"

/* --- the action --------------------------------------------------------------- */

struct capture_action {
    struct sample *sample;
    enum capture_side side;
    unsigned id;
};

static enum verdict
run_capture(const struct action *action, struct eval *eval)
{
    const struct capture_action *capture = action->data;
    struct value value;

    if (eval->stream != NULL &&
        sample_run_as(capture->sample, eval, VALUE_STR, &value) == FETCH_OK)
        capture_put(eval->stream, capture->side, capture->id, value.str);
    return VERDICT_CONTINUE;
}

static bool
parse_capture_len(struct parse *parse, struct capture_action *capture)
{
    struct proxy_conf *conf = parse->object;
    int64_t len;

    if (!proxy_conf_is_front(conf))
        return parse_alert(parse, "'capture ... len' belongs to a frontend, which owns the captures; "
                                  "use 'id <id>' in a backend");
    if (!parse_int(parse, "a length", 1, 65535, &len))
        return false;
    capture->id = capture_list_add(parse, &capture_conf_of(conf)->lists[capture->side],
                                   (struct capture){ .len = (unsigned)len });
    return true;
}

static bool
parse_capture_id(struct parse *parse, struct capture_action *capture)
{
    struct capture_conf *conf = capture_conf_of(parse->object);
    struct capture_use *use = ARENA_NEW(parse->arena, struct capture_use);
    int64_t id;

    if (!parse_int(parse, "the id of a capture", 0, 65535, &id))
        return false;
    capture->id = (unsigned)id;
    *use = (struct capture_use){ conf->uses, parse_pos(parse), capture->side, capture->id };
    conf->uses = use;
    return true;
}

static bool
parse_capture(struct parse *parse, struct action *action)
{
    struct capture_action *capture = ARENA_NEW(parse->arena, struct capture_action);
    bool is_request = action->hook == HOOK_HTTP_REQUEST || action->hook == HOOK_TCP_REQUEST;

    action->data = capture;
    action->run = run_capture;
    capture->side = is_request ? CAPTURE_REQUEST : CAPTURE_RESPONSE;
    capture->sample = sample_parse(parse, action->place);
    if (capture->sample == NULL)
        return false;
    if (words_accept(parse->words, "id"))
        return parse_capture_id(parse, capture);
    if (is_request && words_accept(parse->words, "len"))
        return parse_capture_len(parse, capture);
    return parse_alert_next(parse, is_request ? "'capture' needs 'len <bytes>' or 'id <id>' here"
                                              : "'capture' needs 'id <id>' here");
}

static const struct action_kind kinds[] = {
    { "capture", HOOKS_HTTP | ON(HOOK_TCP_REQUEST), .args = "<expr> len <bytes> | id <id>",
      .parse = parse_capture, .help = "Keep the value of an expression for logs and later rules." },
};
REGISTER(action_kind, kinds);

/* --- expressions ----------------------------------------------------------------- */

static enum fetched
run_header(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    struct str value = eval->stream == NULL ? STR_NONE
                                            : capture_find(eval->stream,
                                                           (enum capture_side)fetch->private,
                                                           args[0].num);

    if (value.ptr == NULL)
        return FETCH_NONE;
    value_set_str(out, value);
    return FETCH_OK;
}

enum line_word { LINE_METHOD, LINE_TARGET, LINE_REQUEST_VERSION, LINE_RESPONSE_VERSION };

static struct str
version_of(const struct message *msg)
{
    if (msg == NULL)
        return STR_NONE;
    return msg->version_major == 1 && msg->version_minor == 0 ? STR("HTTP/1.0") : STR("HTTP/1.1");
}

static struct str
find_word(const struct stream *s, enum line_word word)
{
    switch (word) {
    case LINE_METHOD:
        if (s->asked_target.ptr == NULL && s->request != NULL)
            return s->request->method_text;
        return s->asked_method;
    case LINE_TARGET:
        if (s->asked_target.ptr == NULL && s->request != NULL)
            return s->request->target;
        return s->asked_target;
    case LINE_REQUEST_VERSION:
        return version_of(s->request);
    case LINE_RESPONSE_VERSION:
        return version_of(s->response);
    }
    return STR_NONE;
}

static enum fetched
run_word(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    struct str word = eval->stream == NULL
                          ? STR_NONE
                          : find_word(eval->stream, (enum line_word)fetch->private);

    (void)args;
    if (word.ptr == NULL)
        return FETCH_NONE;
    value_set_str(out, word);
    return FETCH_OK;
}

static bool
run_keep(struct eval *eval, const struct converter *conv, const struct arg *args,
         struct value *value)
{
    enum capture_side side = (enum capture_side)conv->private;

    if (eval->stream == NULL)
        return false;
    capture_put(eval->stream, side, args[0].num, value->str);
    return capture_find(eval->stream, side, args[0].num).ptr != NULL;
}

#define PLACE_STREAM (PLACE_L4 & ~(PLACE_FE_CONNECTION | PLACE_FE_SESSION))

static const struct fetch fetches[] = {
    { "capture.req.hdr", VALUE_STR, PLACE_STREAM, { { ARG_INT } }, run_header, CAPTURE_REQUEST,
      .help = "What was captured of the request under this number (from 0)." },
    { "capture.res.hdr", VALUE_STR, PLACE_HTTP_RESPONSE | PLACE_FE_LOG, { { ARG_INT } }, run_header, CAPTURE_RESPONSE,
      .help = "What was captured of the answer under this number (from 0)." },
    { "capture.req.method", VALUE_STR, PLACE_STREAM, { { 0 } }, run_word, LINE_METHOD,
      .help = "The method of the request; also in answers and logs." },
    { "capture.req.uri", VALUE_STR, PLACE_STREAM, { { 0 } }, run_word, LINE_TARGET,
      .help = "The target of the request as it came; also in answers and logs." },
    { "capture.req.ver", VALUE_STR, PLACE_STREAM, { { 0 } }, run_word, LINE_REQUEST_VERSION,
      .help = "HTTP/1.0 or HTTP/1.1, of the request; also in answers and logs." },
    { "capture.res.ver", VALUE_STR, PLACE_STREAM, { { 0 } }, run_word, LINE_RESPONSE_VERSION,
      .help = "HTTP/1.0 or HTTP/1.1, of the answer; also in logs." },
};
REGISTER(fetch, fetches);

static const struct converter converters[] = {
    { "capture-req", VALUE_STR, VALUE_STR, { { ARG_INT } }, run_keep, CAPTURE_REQUEST,
      .help = "Keep the text in the capture of the request with this number." },
    { "capture-res", VALUE_STR, VALUE_STR, { { ARG_INT } }, run_keep, CAPTURE_RESPONSE,
      .help = "Keep the text in the capture of the answer with this number." },
};
REGISTER(converter, converters);

/* --- log lines ---------------------------------------------------------------------- */

/* What would end a part early is written as #XX. */
static void
put_part(struct format_out *out, struct str part)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < part.len; i++) {
        unsigned char c = (unsigned char)part.ptr[i];

        if (c < ' ' || c > 126 || strchr("\"#{|}", c) != NULL) {
            format_char(out, '#');
            format_char(out, digits[c >> 4]);
            format_char(out, digits[c & 15]);
        } else {
            format_char(out, (char)c);
        }
    }
}

static void
run_braces(const struct stream *s, enum capture_side side, unsigned count, struct format_out *out)
{
    format_char(out, '{');
    for (unsigned i = 0; i < count; i++) {
        if (i > 0)
            format_char(out, '|');
        put_part(out, capture_find(s, side, i));
    }
    format_char(out, '}');
}

#define AS_LIST 2

/* Nothing at all, not even quotes, where none are declared. */
static void
run_captures(struct eval *eval, const struct log_alias *alias, unsigned flags,
             struct format_out *out)
{
    enum capture_side side = (enum capture_side)(alias->private & 1);
    unsigned count = eval->frontend == NULL ? 0 : capture_conf_of(eval->frontend)->lists[side].count;

    if (eval->stream == NULL || count == 0)
        return;
    if (alias->private & AS_LIST) {
        for (unsigned i = 0; i < count; i++) {
            if (i > 0 && (flags & FORMAT_LIST) == 0)
                format_char(out, ' ');
            format_str(out, capture_find(eval->stream, side, i), flags);
            if ((flags & FORMAT_LIST) != 0)
                format_char(out, '\0');
        }
        return;
    }
    if (flags & FORMAT_QUOTE)
        format_char(out, '"');
    run_braces(eval->stream, side, count, out);
    if (flags & FORMAT_QUOTE)
        format_char(out, '"');
}

static void
run_cookie(struct eval *eval, const struct log_alias *alias, unsigned flags,
           struct format_out *out)
{
    const struct captures *own = eval->stream == NULL ? NULL : eval->stream->captures;

    format_str(out, own == NULL ? STR_NONE : own->cookies[alias->private], flags);
}

static const struct log_alias aliases[] = {
    { "CC", run_cookie, CAPTURE_REQUEST, ALIAS_HTTP, "captured request cookie" },
    { "CS", run_cookie, CAPTURE_RESPONSE, ALIAS_HTTP, "captured response cookie" },
    { "hr", run_captures, CAPTURE_REQUEST, ALIAS_SILENT,
      "captured request headers" },
    { "hrl", run_captures, CAPTURE_REQUEST | AS_LIST, ALIAS_SILENT | ALIAS_LIST,
      "captured request headers, CLF style" },
    { "hs", run_captures, CAPTURE_RESPONSE, ALIAS_SILENT,
      "captured response headers" },
    { "hsl", run_captures, CAPTURE_RESPONSE | AS_LIST, ALIAS_SILENT | ALIAS_LIST,
      "captured response headers, CLF style" },
};
REGISTER(log_alias, aliases);
