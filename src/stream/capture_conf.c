/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of a frontend that say what is captured: capture request header, capture response
 * header, capture cookie, declare capture.
 *
 * Thread: builder.
 */
#include <string.h>

#include "weir/config/keyword.h"
#include "weir/http/token.h"
#include "weir/http/validate.h"

#include "capture.h"

#define CAPTURE_LEN_MAX 65535

static bool
parse_len(struct parse *parse, unsigned *out)
{
    int64_t len;

    if (!words_accept(parse->words, "len"))
        return parse_alert_next(parse, "'%s' needs 'len <bytes>' here", parse->keyword);
    if (!parse_int(parse, "a length", 1, CAPTURE_LEN_MAX, &len))
        return false;
    *out = (unsigned)len;
    return true;
}

static bool
parse_name(struct parse *parse, struct capture *capture)
{
    const char *name = parse_word(parse, "the name of a header field");
    char *lower;

    if (name == NULL)
        return false;
    if (!validate_token(str_from(name)))
        return parse_alert(parse, "'%s' cannot be the name of a header field", name);
    lower = arena_copy(parse->arena, name);
    for (char *c = lower; *c != '\0'; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    capture->name = str_from(lower);
    capture->id = field_name_find(lower, capture->name.len);
    return true;
}

static bool
parse_capture_header(struct parse *parse)
{
    struct capture_conf *conf = capture_conf_of(parse->object);
    bool is_request = strcmp(parse->keyword, "capture request header") == 0;
    struct capture capture = { 0 };

    if (!parse_name(parse, &capture) || !parse_len(parse, &capture.len))
        return false;
    capture_list_add(parse, &conf->lists[is_request ? CAPTURE_REQUEST : CAPTURE_RESPONSE],
                     capture);
    return parse_end(parse);
}

static bool
parse_capture_cookie(struct parse *parse)
{
    struct capture_conf *conf = capture_conf_of(parse->object);
    const char *name = parse_word(parse, "the beginning of a cookie's name");

    if (name == NULL)
        return false;
    conf->cookie = str_from(arena_copy(parse->arena, name));
    return parse_len(parse, &conf->cookie_len) && parse_end(parse);
}

static bool
parse_declare_capture(struct parse *parse)
{
    static const char *const sides[] = { "request", "response", NULL };
    struct capture_conf *conf = capture_conf_of(parse->object);
    struct capture capture = { 0 };
    int side;

    if (!parse_choice(parse, "request or response", sides, &side) ||
        !parse_len(parse, &capture.len))
        return false;
    capture_list_add(parse, &conf->lists[side], capture);
    return parse_end(parse);
}

/* Ids that rules of frontends name must be there. Those of backends depend on the frontend. */
static bool
check_uses(struct parse *parse)
{
    bool fine = true;

    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        const struct capture_conf *captures = capture_conf_of(conf);

        if (!proxy_conf_is_front(conf))
            continue;
        for (const struct capture_use *use = captures->uses; use != NULL; use = use->next) {
            if (use->id >= captures->lists[use->side].count)
                fine = parse_alert_at(parse, use->pos,
                                      "'%s' has no capture of a %s with id %u; add 'declare "
                                      "capture %s len <bytes>'",
                                      conf->name, use->side == CAPTURE_REQUEST ? "request"
                                                                               : "response",
                                      use->id,
                                      use->side == CAPTURE_REQUEST ? "request" : "response");
        }
    }
    return fine;
}

static const struct config_hook hooks[] = {
    { CONFIG_CHECK, ORDER_STREAM, check_uses, "capture" },
};
REGISTER(config_hook, hooks);

static const struct keyword keywords[] = {
    { "capture request header", IN_FRONTEND | IN_LISTEN, .args = "<name> len <bytes>",
      .parse = parse_capture_header, .help = "Keep the last header field of this name (%hr)." },
    { "capture response header", IN_FRONTEND | IN_LISTEN, .args = "<name> len <bytes>",
      .parse = parse_capture_header,
      .help = "Keep the last header field of this name of the answer (%hs)." },
    { "capture cookie", IN_FRONTEND | IN_LISTEN, .args = "<name> len <bytes>",
      .parse = parse_capture_cookie,
      .help = "Keep the cookie whose name begins so, of requests (%CC) and answers (%CS)." },
    { "declare capture", IN_FRONTEND | IN_LISTEN, .args = "request|response len <bytes>",
      .parse = parse_declare_capture,
      .help = "Room for a capture that rules and converters fill by its number." },
};
REGISTER(keyword, keywords);
