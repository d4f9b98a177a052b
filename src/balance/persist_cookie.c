/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Persistence by a cookie: in the request it names the server, in the answer it is set.
 *
 * For:     the steps of a stream that choose a server and pass its answer on.
 * Owns:    nothing.
 * Thread:  owner of the stream.
 *
 * What a value looks like: "c1" (rewrite, insert), "c1~what the server wrote" (prefix), "c1|last" and
 * "c1|last|first" with maxidle and maxlife: dates in units of four seconds, five digits of base 64.
 */
#include <string.h>

#include "weir/base/text.h"
#include "weir/expr/condition.h"
#include "weir/http/message.h"
#include "weir/loop/grace.h"
#include "weir/server/server.h"
#include "persist.h"

#define DATE_DIGITS  5
#define DATE_UNIT_S  4
#define FUTURE_MAX_S (24 * 3600) /* clocks differ a little */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool
persist_is_on(const struct proxy_conf *backend)
{
    return persist_conf_of(backend)->mode != COOKIE_NONE;
}

const char *
persist_cookie_name(const struct proxy_conf *backend)
{
    return persist_conf_of(backend)->name.ptr;
}

/* --- dates ------------------------------------------------------------------------------------ */

static int64_t
now_s(const struct eval *eval)
{
    return eval->now_us / 1000000;
}

static void
put_date(char *to, int64_t seconds)
{
    int64_t units = seconds / DATE_UNIT_S;

    for (int i = DATE_DIGITS - 1; i >= 0; i--) {
        to[i] = digits[units & 63];
        units >>= 6;
    }
}

/* 0: it is none. */
static int64_t
read_date(struct str text)
{
    int64_t units = 0;

    if (text.ptr == NULL || text.len < DATE_DIGITS)
        return 0;
    for (size_t i = 0; i < DATE_DIGITS; i++) {
        const char *digit = text.ptr[i] == '\0' ? NULL : strchr(digits, text.ptr[i]);

        if (digit == NULL)
            return 0;
        units = units << 6 | (digit - digits);
    }
    return units * DATE_UNIT_S;
}

/* '\0': neither too old nor from the future; else the letter for logs. */
static char
age_of(const struct persist_conf *conf, const struct eval *eval, const struct persistence *p)
{
    int64_t now = now_s(eval);

    if (conf->max_life_s > 0 && p->first_date > 0 &&
        (p->first_date > now + FUTURE_MAX_S || now - p->first_date > conf->max_life_s))
        return 'O';
    if (conf->max_idle_s > 0 && p->last_date > 0 &&
        (p->last_date > now + FUTURE_MAX_S || now - p->last_date > conf->max_idle_s))
        return 'E';
    return '\0';
}

/* --- cookies in fields ---------------------------------------------------------------------------- */

/* One "name=value" inside the value of a field. */
struct found {
    int field;         /* its number; -1: none */
    size_t begin, end; /* with the blanks before it, up to its ';' or the end */
    struct str value;
};

static bool
is_name(struct str pair, struct str name, struct str *value)
{
    *value = pair;
    return str_eq(str_trim(str_split(value, '=')), name) && value->ptr != NULL;
}

static struct found
find_in_request(const struct message *msg, struct str name)
{
    for (int at = message_find_field_name(msg, STR("cookie"), 0); at >= 0;
         at = message_find_field_name(msg, STR("cookie"), (uint32_t)at + 1)) {
        struct str whole = field_value(&msg->fields[at]), rest = whole, value;

        while (rest.ptr != NULL) {
            size_t begin = (size_t)(rest.ptr - whole.ptr);
            struct str pair = str_split(&rest, ';');

            if (is_name(pair, name, &value))
                return (struct found){ at, begin, begin + pair.len, str_trim(value) };
        }
    }
    return (struct found){ .field = -1 };
}

/* Set-Cookie: the pair is what stands before the first ';'. */
static struct found
find_in_response(const struct message *msg, struct str name, uint32_t from)
{
    for (int at = message_find_field_name(msg, STR("set-cookie"), from); at >= 0;
         at = message_find_field_name(msg, STR("set-cookie"), (uint32_t)at + 1)) {
        struct str whole = field_value(&msg->fields[at]), rest = whole, value;
        struct str pair = str_split(&rest, ';');

        if (is_name(pair, name, &value))
            return (struct found){ at, 0, pair.len, str_trim(value) };
    }
    return (struct found){ .field = -1 };
}

/* The value of a field with something else between `begin` and `end`. False: out of memory. */
static bool
replace(struct eval *eval, struct message *msg, int field, size_t begin, size_t end, struct str by)
{
    struct str old = field_value(&msg->fields[field]);
    char *text = arena_take(eval->arena, old.len + by.len + 1);

    if (text == NULL)
        return false;
    memcpy(text, old.ptr, begin);
    memcpy(text + begin, by.ptr, by.len);
    memcpy(text + begin + by.len, old.ptr + end, old.len - end);
    message_replace_value(msg, (uint32_t)field, str_of(text, begin + by.len + old.len - end));
    return true;
}

/* With one of the semicolons beside it. */
static void
remove_from_request(struct eval *eval, const struct found *found)
{
    struct message *msg = eval->request;
    struct str whole = field_value(&msg->fields[found->field]);

    if (found->begin == 0 && found->end == whole.len) {
        message_remove_field(msg, (uint32_t)found->field);
    } else if (found->begin > 0) {
        (void)replace(eval, msg, found->field, found->begin - 1, found->end, STR(""));
    } else {
        size_t end = found->end + 1;

        while (end < whole.len && whole.ptr[end] == ' ')
            end++;
        (void)replace(eval, msg, found->field, 0, end, STR(""));
    }
}

/* --- requests -------------------------------------------------------------------------------------- */

static struct server *
find_server(const struct proxy_conf *backend, struct str value)
{
    LIST_FOR_EACH (srv, &backend->servers, struct server_conf, link) {
        if (srv->cookie != NULL && str_eq(str_from(srv->cookie), value))
            return srv->live;
    }
    return NULL;
}

/* The first rule of each kind that matches. */
static void
read_rules(const struct persist_conf *conf, struct eval *eval, bool *is_ignored, bool *is_forced)
{
    uint32_t place = eval->place;

    eval->place = PLACE_BE_REQUEST;
    for (const struct persist_rule *rule = conf->rules; rule != NULL; rule = rule->next) {
        if (condition_test(rule->condition, eval) != TRUTH_YES)
            continue;
        if (rule->is_force)
            *is_forced = true;
        else
            *is_ignored = true;
        break;
    }
    eval->place = place;
}

/* What the value names; sets the dates. */
static struct str
read_value(const struct persist_conf *conf, struct str value, struct persistence *p)
{
    struct str rest = value, name;

    if (conf->mode == COOKIE_PREFIX)
        return str_split(&rest, '~');
    if (conf->max_idle_s == 0 && conf->max_life_s == 0)
        return value;
    name = str_split(&rest, '|');
    if (rest.ptr != NULL) {
        p->last_date = read_date(str_split(&rest, '|'));
        p->first_date = read_date(rest);
    }
    return name;
}

static char
judge(const struct proxy_conf *backend, const struct persist_conf *conf, struct eval *eval,
      struct str name, struct persistence *p)
{
    struct server *srv = find_server(backend, name);
    char age = age_of(conf, eval, p);
    bool is_fit;

    if (age != '\0')
        return age;
    if (srv == NULL)
        return 'I';
    is_fit = server_takes_persistent(srv);
    if (is_fit || p->is_forced || backend->option.persist)
        p->server = srv;
    return is_fit ? 'V' : 'D';
}

void
persist_read_request(const struct proxy_conf *backend, struct eval *eval, struct persistence *p)
{
    const struct persist_conf *conf = persist_conf_of(backend);
    struct found found = find_in_request(eval->request, conf->name);
    bool is_ignored = false;
    struct str name;

    p->client = 'N';
    p->answer = 'N';
    if (found.field < 0)
        return;
    name = read_value(conf, found.value, p);
    read_rules(conf, eval, &is_ignored, &p->is_forced);
    p->client = is_ignored ? 'U' : judge(backend, conf, eval, name, p);
    if (conf->mode == COOKIE_PREFIX && p->client != 'I' && name.len < found.value.len) {
        size_t begin = (size_t)(found.value.ptr - field_value(&eval->request->fields[found.field]).ptr);

        (void)replace(eval, eval->request, found.field, begin, begin + name.len + 1, STR(""));
    } else if (conf->mode == COOKIE_INSERT && conf->indirect) {
        remove_from_request(eval, &found);
    }
}

/* --- answers --------------------------------------------------------------------------------------- */

/* Has the client what it needs? */
static bool
is_up_to_date(const struct persist_conf *conf, const struct eval *eval, const struct persistence *p)
{
    char now[DATE_DIGITS], then[DATE_DIGITS];

    if (p->client == 'U')
        return true;
    if ((p->client != 'V' && p->client != 'D') || p->server != eval->server)
        return false;
    if (conf->max_idle_s == 0 && conf->max_life_s == 0)
        return true;
    if ((conf->max_idle_s > 0 && p->last_date == 0) || (conf->max_life_s > 0 && p->first_date == 0))
        return false;
    put_date(now, now_s(eval));
    put_date(then, p->last_date);
    return conf->max_idle_s == 0 || memcmp(now, then, sizeof(now)) == 0;
}

static void
put_value(struct text *text, const struct persist_conf *conf, const struct eval *eval,
          const struct persistence *p, const char *value)
{
    bool goes_on = p->client == 'V' && p->first_date > 0;
    char date[DATE_DIGITS];

    text_printf(text, "%.*s=%s", STR_ARG(conf->name), value);
    if (conf->max_idle_s > 0 || conf->max_life_s > 0) {
        put_date(date, now_s(eval));
        text_printf(text, "|%.*s", DATE_DIGITS, date);
    }
    if (conf->max_life_s > 0) {
        put_date(date, goes_on ? p->first_date : now_s(eval));
        text_printf(text, "|%.*s", DATE_DIGITS, date);
    }
}

/* Does the server itself keep shared caches from it? */
static bool
is_uncacheable(const struct message *msg)
{
    for (int at = message_find_field_name(msg, STR("cache-control"), 0); at >= 0;
         at = message_find_field_name(msg, STR("cache-control"), (uint32_t)at + 1)) {
        struct str value = field_value(&msg->fields[at]);

        if (str_find_nocase(value, STR("no-cache"), 0) >= 0 ||
            str_find_nocase(value, STR("no-store"), 0) >= 0 ||
            str_find_nocase(value, STR("private"), 0) >= 0)
            return true;
    }
    return false;
}

/* A Set-Cookie of ours; for a server without value one that takes the client's away. */
static bool
insert(const struct persist_conf *conf, struct eval *eval, const struct persistence *p,
       const char *value)
{
    struct text text;
    bool fine;

    text_init(&text);
    if (value != NULL)
        put_value(&text, conf, eval, p, value);
    else
        text_printf(&text, "%.*s=; Expires=Thu, 01-Jan-1970 00:00:01 GMT", STR_ARG(conf->name));
    text_printf(&text, "; path=/%s", conf->attributes);
    fine = message_add_field_copy(eval->response, STR("set-cookie"), text_str(&text));
    text_fini(&text);
    if (fine && conf->nocache && !is_uncacheable(eval->response))
        fine = message_add_field_copy(eval->response, STR("cache-control"), STR("private"));
    return fine;
}

/* The server's own cookie of that name. False: out of memory. */
static bool
change_own(const struct persist_conf *conf, struct eval *eval, struct persistence *p,
           const char *value)
{
    struct found found = find_in_response(eval->response, conf->name, 0);
    bool is_wanted = p->client == 'V' && conf->indirect;
    struct str whole;
    size_t at;

    if (found.field < 0)
        return true;
    if (conf->preserve) {
        p->answer = 'P';
        return true;
    }
    if (conf->mode == COOKIE_INSERT || (conf->mode == COOKIE_PREFIX && is_wanted)) {
        for (; found.field >= 0;
             found = find_in_response(eval->response, conf->name, (uint32_t)found.field))
            message_remove_field(eval->response, (uint32_t)found.field);
        p->answer = 'D';
        return true;
    }
    if (value == NULL)
        return true;
    p->answer = 'R';
    whole = field_value(&eval->response->fields[found.field]);
    at = (size_t)(found.value.ptr - whole.ptr);
    if (conf->mode == COOKIE_REWRITE)
        return replace(eval, eval->response, found.field, at, at + found.value.len, str_from(value));
    return replace(eval, eval->response, found.field, at, at, STR("~")) &&
           replace(eval, eval->response, found.field, at, at, str_from(value));
}

bool
persist_write_response(const struct proxy_conf *backend, struct eval *eval, struct persistence *p)
{
    const struct persist_conf *conf = persist_conf_of(backend);
    const struct server_conf *srv = eval->server == NULL ? NULL : grace_read(eval->server->conf);
    const char *value = srv == NULL ? NULL : srv->cookie;

    if (srv == NULL)
        return true;
    if (!change_own(conf, eval, p, value))
        return false;
    if (conf->mode != COOKIE_INSERT || p->answer == 'P' ||
        (conf->postonly && eval->request->method != METHOD_POST) || is_up_to_date(conf, eval, p))
        return true;
    p->answer = p->client == 'V' && p->server == eval->server ? 'U' : 'I';
    return insert(conf, eval, p, value);
}
