/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http-request auth: asks the client who it is, with 401; with 407 where requests come as to a
 * proxy (option http-use-proxy-header and an absolute target).
 *
 * Thread: builder parses; traffic runs.
 */
#include "weir/http/message.h"
#include "weir/http/reply_action.h"

#include "private.h"

static bool
is_to_proxy(const struct eval *eval)
{
    return eval->request != NULL && (eval->request->flags & MESSAGE_ABSOLUTE_FORM) != 0 &&
           eval->frontend->option.http_use_proxy_header;
}

/* The answer is the error page of the status, with the question added. */
static enum verdict
run_auth(const struct action *action, struct eval *eval)
{
    struct reply_action *reply = arena_take(eval->arena, sizeof(*reply));
    struct reply_field *field = arena_take(eval->arena, sizeof(*field));
    bool to_proxy = is_to_proxy(eval);

    if (reply == NULL || field == NULL)
        return VERDICT_FAILED;
    *field = (struct reply_field){
        to_proxy ? STR("proxy-authenticate") : STR("www-authenticate"),
        str_from(action->data),
    };
    *reply = (struct reply_action){
        .kind = REPLY_ACTION_PAGE,
        .status = to_proxy ? 407 : 401,
        .fields = field,
        .field_count = 1,
    };
    eval->reply = reply;
    return VERDICT_REPLY;
}

/* Without a realm, the name of the section. */
static bool
parse_auth(struct parse *parse, struct action *action)
{
    const struct proxy_conf *conf = parse->object;
    const char *realm = conf->name;

    if (words_accept(parse->words, "realm")) {
        realm = parse_word(parse, "a realm");
        if (realm == NULL)
            return false;
    }
    action->run = run_auth;
    action->data = arena_printf(parse->arena, "Basic realm=\"%s\"", realm == NULL ? "" : realm);
    return true;
}

static const struct action_kind kinds[] = {
    { "auth", ON(HOOK_HTTP_REQUEST), .is_final = true, .args = "[realm <text>]",
      .parse = parse_auth, .help = "Ask the client for a user and a password (401)." },
};
REGISTER(action_kind, kinds);
