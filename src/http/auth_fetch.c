/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches of the credentials of a request (RFC 7617, RFC 6750): http_auth, http_auth_group, and the
 * parts of the Authorization field.
 *
 * Thread: traffic, inside a rule.
 */
#include <string.h>

#include "weir/base/encode.h"
#include "weir/http/userlist.h"
#include "fetch.h"

/* --- the field ------------------------------------------------------------------------------- */

/* Clients of a proxy write absolute targets, and speak to it in a field of its own. */
static struct str
find_field(const struct message *msg)
{
    struct str value = STR_NONE;
    int at;

    if (msg == NULL)
        return STR_NONE;
    at = message_find_field_name(msg, STR("authorization"), 0);
    if (msg->scheme.len > 0 && message_find_field_name(msg, STR("proxy-authorization"), 0) >= 0)
        at = message_find_field_name(msg, STR("proxy-authorization"), 0);
    if (at >= 0)
        value = field_value(&msg->fields[at]);
    return value;
}

/* "Basic abc": the first word; the rest goes to `credentials`. */
static struct str
scheme_of(struct str field, struct str *credentials)
{
    struct str scheme = str_split(&field, ' ');

    *credentials = field.ptr == NULL ? STR("") : str_trim(field);
    return scheme;
}

struct basic {
    struct str user, password;
};

static bool
read_basic(struct eval *eval, struct basic *basic)
{
    struct str field = find_field(eval->request), credentials, text;
    char *to;
    size_t len;

    if (field.ptr == NULL || !str_eq_nocase(scheme_of(field, &credentials), STR("basic")))
        return false;
    to = arena_take(eval->arena, BASE64_DECODED_MAX(credentials.len) + 1);
    if (to == NULL || !base64_decode(to, &len, credentials))
        return false;
    text = str_of(to, len);
    basic->user = str_split(&text, ':');
    basic->password = text;
    return text.ptr != NULL;
}

/* --- whom we know ------------------------------------------------------------------------------ */

static void *
resolve_userlist(struct parse *parse, struct source_pos pos, struct str text, void *proxy_conf)
{
    struct userlist *list = userlist_find(parse->snapshot, text);

    (void)proxy_conf;
    if (list == NULL)
        parse_alert_at(parse, pos, "there is no userlist '%.*s'", STR_ARG(text));
    return list;
}

static const struct arg_type arg_types[] = { { "userlist", resolve_userlist } };
REGISTER(arg_type, arg_types);

static const struct userlist_user *
find_user(struct eval *eval, const struct arg *args, struct basic *basic)
{
    if (!read_basic(eval, basic))
        return NULL;
    return userlist_check(args[0].ptr, eval->snapshot, basic->user, basic->password);
}

static enum fetched
run_auth(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    struct basic basic;

    (void)fetch;
    if (!read_basic(eval, &basic))
        return FETCH_NONE;
    return fetched_bool(out, userlist_check(args[0].ptr, eval->snapshot, basic.user,
                                            basic.password) != NULL);
}

/* Conditions see the groups of the user, one after the other; everybody else sees its name. */
static enum fetched
run_auth_group(struct eval *eval, const struct fetch *fetch, const struct arg *args,
               struct value *out)
{
    struct basic basic;
    const struct userlist_user *user = find_user(eval, args, &basic);
    const char *group;

    (void)fetch;
    if (user == NULL)
        return FETCH_NONE;
    if (out->cursor == VALUE_SINGLE)
        return fetched_str(out, basic.user);
    group = userlist_group(user, (unsigned)out->cursor);
    if (group == NULL)
        return FETCH_NONE;
    out->cursor++;
    if (userlist_group(user, (unsigned)out->cursor) != NULL)
        out->flags |= VALUE_MORE;
    return fetched_str(out, str_from(group));
}

/* --- the parts ----------------------------------------------------------------------------------- */

static enum fetched
run_user(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    struct basic basic;

    (void)args;
    if (!read_basic(eval, &basic))
        return FETCH_NONE;
    return fetched_str(out, fetch->private == 0 ? basic.user : basic.password);
}

static enum fetched
run_type(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    struct str field = find_field(eval->request), credentials, scheme;

    (void)fetch;
    (void)args;
    if (field.ptr == NULL)
        return FETCH_NONE;
    scheme = scheme_of(field, &credentials);
    if (str_eq_nocase(scheme, STR("basic")))
        return fetched_str(out, STR("Basic"));
    return str_eq_nocase(scheme, STR("bearer")) ? fetched_str(out, STR("Bearer")) : FETCH_NONE;
}

/* Another field may carry the token, with or without the word "Bearer". */
static enum fetched
run_bearer(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    struct str field = find_field(eval->request), credentials;
    bool is_own = arg_is_given(&args[0]);
    int at;

    (void)fetch;
    if (is_own && eval->request != NULL) {
        at = message_find_field_name(eval->request, args[0].str, 0);
        field = at < 0 ? STR_NONE : field_value(&eval->request->fields[at]);
    }
    if (field.ptr == NULL)
        return FETCH_NONE;
    if (str_eq_nocase(scheme_of(field, &credentials), STR("bearer")))
        return fetched_str(out, credentials);
    return is_own && str_find_char(field, ' ') < 0 ? fetched_str(out, field) : FETCH_NONE;
}

static bool
check_bearer(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    char *lower;

    (void)err;
    if (count == 0 || !arg_is_given(&args[0]))
        return true;
    lower = arena_copy_str(parse->arena, args[0].str);
    for (char *c = lower; *c != '\0'; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    args[0].str.ptr = lower;
    return true;
}

static const struct fetch fetches[] = {
    { "http_auth", VALUE_BOOL, IN_REQUEST, { { ARG_NAMED, false, "userlist" } }, run_auth,
      .help = "Are name and password those of a user of this list?" },
    { "http_auth_group", VALUE_STR, IN_REQUEST, { { ARG_NAMED, false, "userlist" } },
      run_auth_group,
      .help = "In conditions: the groups of the user, whose password is right; elsewhere its name." },
    { "http_auth_user", VALUE_STR, IN_REQUEST, { { 0 } }, run_user, 0,
      .help = "The name in the credentials, whether it is known or not." },
    { "http_auth_pass", VALUE_STR, IN_REQUEST, { { 0 } }, run_user, 1,
      .help = "The password in the credentials." },
    { "http_auth_type", VALUE_STR, IN_REQUEST, { { 0 } }, run_type,
      .help = "Basic or Bearer." },
    { "http_auth_bearer", VALUE_STR, IN_REQUEST, { { ARG_STR, true } }, run_bearer, 0, check_bearer,
      "The bearer token of Authorization, or of another field." },
};
REGISTER(fetch, fetches);
