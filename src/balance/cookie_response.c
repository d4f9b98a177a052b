/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a client is told its server: Set-Cookie fields of the server's answer are changed, and one is
 * added.
 *
 * Thread: traffic.
 */
#include <string.h>

#include "cookie.h"
#include "private.h"

/* --- the server's own cookies ------------------------------------------------------------------- */

static bool
splice_value(struct message *msg, uint32_t at, struct str value, struct str with,
             struct str between)
{
    struct str whole = field_value(&msg->fields[at]);
    size_t before = (size_t)(value.ptr - whole.ptr), behind = whole.len - before - value.len;
    size_t len = before + with.len + between.len + behind;
    char *out;

    if (between.len > 0)
        len += value.len;
    out = arena_take(&msg->arena, len + 1);
    if (out == NULL)
        return false;
    memcpy(out, whole.ptr, before);
    memcpy(out + before, with.ptr, with.len);
    len = before + with.len;
    if (between.len > 0) {
        memcpy(out + len, between.ptr, between.len);
        memcpy(out + len + between.len, value.ptr, value.len);
        len += between.len + value.len;
    }
    memcpy(out + len, value.ptr + value.len, behind);
    message_replace_value(msg, at, str_of(out, len + behind));
    return true;
}

static bool
change_own(struct persistence *p, const struct cookie_conf *conf, const struct eval *eval,
           uint32_t at, struct str value)
{
    char room[COOKIE_KEY_LEN + 1];
    struct str cookie = cookie_of_server(conf, eval->server, room);

    p->told = COOKIE_PASSED;
    if ((conf->options & COOKIE_PRESERVE) != 0)
        return true;
    if ((conf->options & COOKIE_INSERT) != 0 ||
        ((conf->options & COOKIE_INDIRECT) != 0 && p->is_direct)) {
        message_remove_field(eval->response, at);
        p->told = COOKIE_DELETED;
        return true;
    }
    if (cookie.len == 0 || (conf->options & (COOKIE_REWRITE | COOKIE_PREFIX)) == 0)
        return true;
    p->told = COOKIE_REWRITTEN;
    return splice_value(eval->response, at, value, cookie,
                        (conf->options & COOKIE_PREFIX) != 0 ? STR("~") : STR_NONE);
}

static bool
change_cookies(struct persistence *p, const struct cookie_conf *conf, const struct eval *eval)
{
    struct message *msg = eval->response;

    for (int at = message_find_field(msg, FIELD_SET_COOKIE, 0); at >= 0;
         at = message_find_field(msg, FIELD_SET_COOKIE, (uint32_t)at + 1)) {
        struct str rest = field_value(&msg->fields[at]), pair = str_split(&rest, ';');
        struct str name = str_trim(str_split(&pair, '='));

        if (pair.ptr == NULL || !str_eq(name, str_from(conf->name)))
            continue;
        if (!change_own(p, conf, eval, (uint32_t)at, str_trim(pair)))
            return false;
    }
    return true;
}

/* --- ours ---------------------------------------------------------------------------------------- */

static bool
is_refreshed(const struct persistence *p, const struct cookie_conf *conf, uint32_t now_s)
{
    if (p->seen != COOKIE_VALID || (conf->maxidle_ms == 0 && conf->maxlife_ms == 0))
        return false;
    return conf->maxlife_ms == 0 || p->first_s <= now_s;
}

static bool
is_told(const struct persistence *p, const struct cookie_conf *conf, const struct eval *eval,
        uint32_t now_s)
{
    if ((conf->options & COOKIE_INSERT) == 0 ||
        (p->told == COOKIE_PASSED && (conf->options & COOKIE_PRESERVE) != 0))
        return false;
    if ((conf->options & COOKIE_POSTONLY) != 0 &&
        (eval->request == NULL || eval->request->method != METHOD_POST))
        return false;
    return !p->is_direct || is_refreshed(p, conf, now_s);
}

static size_t
write_dates(const struct persistence *p, const struct cookie_conf *conf, uint32_t now_s,
            char out[2 * (COOKIE_DATE_LEN + 1)])
{
    if (conf->maxidle_ms == 0 && conf->maxlife_ms == 0)
        return 0;
    out[0] = '|';
    cookie_date_write(now_s, out + 1);
    if (conf->maxlife_ms == 0)
        return COOKIE_DATE_LEN + 1;
    out[COOKIE_DATE_LEN + 1] = '|';
    cookie_date_write(p->is_direct && p->first_s != 0 ? p->first_s : now_s,
                      out + COOKIE_DATE_LEN + 2);
    return 2 * (COOKIE_DATE_LEN + 1);
}

/* A server without a cookie lets the client forget the one it has. */
static struct str
text_of(const struct persistence *p, const struct cookie_conf *conf, const struct eval *eval,
        uint32_t now_s)
{
    static const char gone[] = "; Expires=Thu, 01-Jan-1970 00:00:01 GMT", path[] = "; path=/";
    char room[COOKIE_KEY_LEN + 1], dates[2 * (COOKIE_DATE_LEN + 1)];
    struct str cookie = cookie_of_server(conf, eval->server, room);
    struct str parts[] = {
        str_from(conf->name),
        STR("="),
        cookie,
        cookie.len == 0 ? str_from(gone) : str_of(dates, write_dates(p, conf, now_s, dates)),
        str_from(path),
        str_from(conf->domains),
        (conf->options & COOKIE_HTTPONLY) != 0 ? STR("; HttpOnly") : STR_NONE,
        (conf->options & COOKIE_SECURE) != 0 ? STR("; Secure") : STR_NONE,
        str_from(conf->attributes),
    };
    size_t len = 0;
    char *out;

    for (size_t i = 0; i < COUNT(parts); i++)
        len += parts[i].len;
    out = arena_take(&eval->response->arena, len + 1);
    if (out == NULL)
        return STR_NONE;
    len = 0;
    for (size_t i = 0; i < COUNT(parts); i++) {
        if (parts[i].len > 0)
            memcpy(out + len, parts[i].ptr, parts[i].len);
        len += parts[i].len;
    }
    return str_of(out, len);
}

/* --- nocache --------------------------------------------------------------------------------------- */

static bool
allows_caches(const struct message *msg, bool *is_explicit)
{
    for (int at = message_find_field(msg, FIELD_CACHE_CONTROL, 0); at >= 0;
         at = message_find_field(msg, FIELD_CACHE_CONTROL, (uint32_t)at + 1)) {
        struct str value = field_value(&msg->fields[at]);

        if (str_find_nocase(value, STR("no-cache"), 0) >= 0 ||
            str_find_nocase(value, STR("no-store"), 0) >= 0 ||
            str_find_nocase(value, STR("private"), 0) >= 0 ||
            str_find_nocase(value, STR("max-age=0"), 0) >= 0)
            return false;
        if (str_find_nocase(value, STR("max-age="), 0) >= 0 ||
            str_find_nocase(value, STR("s-maxage="), 0) >= 0)
            *is_explicit = true;
    }
    return true;
}

static bool
is_cacheable(const struct eval *eval)
{
    const struct message *msg = eval->response;
    bool is_explicit = message_find_field(msg, FIELD_ETAG, 0) >= 0 ||
                       message_find_field_name(msg, STR("last-modified"), 0) >= 0 ||
                       message_find_field_name(msg, STR("expires"), 0) >= 0;

    if (eval->request == NULL ||
        (eval->request->method != METHOD_GET && eval->request->method != METHOD_HEAD))
        return false;
    return allows_caches(msg, &is_explicit) && is_explicit;
}

/* --- all of it ---------------------------------------------------------------------------------------- */

static bool
add_cookie(struct persistence *p, const struct cookie_conf *conf, const struct eval *eval,
           uint32_t now_s)
{
    struct str text = text_of(p, conf, eval, now_s);

    if (text.ptr == NULL ||
        !message_add_field(eval->response, FIELD_SET_COOKIE, STR("set-cookie"), text))
        return false;
    p->told = p->is_direct ? COOKIE_UPDATED : COOKIE_INSERTED;
    if ((conf->options & COOKIE_NOCACHE) != 0 && is_cacheable(eval))
        return message_add_field(eval->response, FIELD_CACHE_CONTROL, STR("cache-control"),
                                 STR("private"));
    return true;
}

bool
persistence_tell(struct persistence *p, const struct proxy_conf *backend, struct eval *eval)
{
    const struct cookie_conf *conf = cookie_conf_of(backend);
    uint32_t now_s = (uint32_t)(eval->now_us / 1000000);

    if (conf->name == NULL || (conf->options & COOKIE_LOGGED) == 0 || eval->server == NULL)
        return true;
    if (!change_cookies(p, conf, eval))
        return false;
    return !is_told(p, conf, eval, now_s) || add_cookie(p, conf, eval, now_s);
}

void
persistence_letters(const struct persistence *p, const struct proxy_conf *backend, char letters[2])
{
    if ((cookie_conf_of(backend)->options & COOKIE_LOGGED) == 0) {
        letters[0] = letters[1] = '-';
        return;
    }
    letters[0] = p->seen == 0 ? (char)COOKIE_NONE : (char)p->seen;
    letters[1] = p->told == 0 ? (char)COOKIE_UNTOLD : (char)p->told;
}

const char *
persistence_redir(const struct server *srv, const struct eval *eval)
{
    const struct server_conf *conf = __atomic_load_n(&srv->conf, __ATOMIC_CONSUME);

    if (conf == NULL || conf->redir == NULL || eval->request == NULL)
        return NULL;
    return eval->request->method == METHOD_GET || eval->request->method == METHOD_HEAD
               ? conf->redir
               : NULL;
}
