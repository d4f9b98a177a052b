/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request says about its server: its cookies are read, and those that are ours alone are
 * taken out.
 *
 * Thread: traffic.
 *
 * The servers' cookies are those of the newest configuration, as the set of servers is.
 */
#include <string.h>

#include "weir/expr/explain.h"
#include "weir/expr/sample.h"
#include "weir/loop/grace.h"
#include "weir/stick/rule.h"

#include "cookie.h"
#include "private.h"

#define FUTURE_S 86400 /* a clock may be that wrong */

/* --- which server? -------------------------------------------------------------------------- */

static bool
may_take(const struct persistence *p, const struct proxy_conf *backend, const struct server *srv)
{
    return p->is_forced || backend->option.persist || server_takes_persistent(srv);
}

/* The first server with that cookie that may have the stream. */
static void
ask_for(struct persistence *p, const struct cookie_conf *conf, const struct proxy_conf *backend,
        struct str value)
{
    const struct server_set *set = server_set_read(backend->live);
    char room[COOKIE_KEY_LEN + 1];

    for (unsigned i = 0; i < set->all_count; i++) {
        struct server *srv = set->all[i];
        struct str cookie = cookie_of_server(conf, srv, room);

        if (cookie.len == 0 || !str_eq(cookie, value))
            continue;
        p->seen = server_takes_persistent(srv) ? COOKIE_VALID : COOKIE_DOWN;
        if (may_take(p, backend, srv)) {
            p->server = srv;
            return;
        }
    }
    if (p->seen != COOKIE_DOWN)
        p->seen = COOKIE_INVALID;
}

/* Behind the name stand the date of the last visit and that of the first one. */
static void
read_dates(struct persistence *p, struct str dates)
{
    p->last_s = cookie_date_read(str_split(&dates, '|'));
    p->first_s = dates.ptr == NULL ? 0 : cookie_date_read(dates);
}

static bool
is_outside(uint32_t date_s, int64_t age_ms, uint32_t now_s)
{
    return date_s > now_s + FUTURE_S || (int64_t)date_s + age_ms / 1000 < now_s;
}

static uint8_t
judge_dates(const struct persistence *p, const struct cookie_conf *conf, uint32_t now_s)
{
    if (conf->maxlife_ms != 0 && p->first_s != 0 &&
        is_outside(p->first_s, conf->maxlife_ms, now_s))
        return COOKIE_OLD;
    if (conf->maxidle_ms != 0 && p->last_s != 0 && is_outside(p->last_s, conf->maxidle_ms, now_s))
        return COOKIE_EXPIRED;
    return 0;
}

static void
judge(struct persistence *p, const struct cookie_conf *conf, const struct proxy_conf *backend,
      const struct eval *eval, struct str value)
{
    struct str rest = value, name;
    uint8_t verdict;

    if (p->server != NULL)
        return; /* the first good one counts */
    name = str_split(&rest, (conf->options & COOKIE_PREFIX) != 0 ? '~' : '|');
    if ((conf->options & COOKIE_PREFIX) == 0 && rest.ptr != NULL &&
        (conf->maxidle_ms != 0 || conf->maxlife_ms != 0)) {
        read_dates(p, rest);
        verdict = judge_dates(p, conf, (uint32_t)(eval->now_us / 1000000));
        if (verdict != 0) {
            p->seen = verdict;
            p->last_s = p->first_s = 0;
            return;
        }
    }
    ask_for(p, conf, backend, name);
}

/* --- Cookie fields --------------------------------------------------------------------------- */

struct rewriting {
    char *out;
    size_t len;
    bool is_changed, has_skipped;
};

static void
put(struct rewriting *to, struct str text)
{
    if (text.len > 0)
        memcpy(to->out + to->len, text.ptr, text.len);
    to->len += text.len;
}

static size_t
blanks_before(struct str s)
{
    size_t count = 0;

    while (count < s.len && (s.ptr[count] == ' ' || s.ptr[count] == '\t'))
        count++;
    return count;
}

/* A pair that stays begins a new field where everything before it has gone. */
static void
begin_pair(struct rewriting *to, struct str *pair)
{
    size_t blanks;

    if (to->len > 0) {
        put(to, STR(";"));
    } else if (to->has_skipped) {
        blanks = blanks_before(*pair);
        *pair = str_slice(*pair, blanks, pair->len - blanks);
    }
}

static void
put_own(struct rewriting *to, const struct cookie_conf *conf, struct str pair, struct str value)
{
    size_t name_len = (size_t)(value.ptr - pair.ptr) - blanks_before(pair), blanks, behind;
    long tilde;

    if ((conf->options & COOKIE_PREFIX) != 0 && (tilde = str_find_char(value, '~')) >= 0) {
        value = str_slice(value, (size_t)tilde + 1, value.len - (size_t)tilde - 1);
        to->is_changed = true;
    }
    behind = pair.len - (size_t)(value.ptr + value.len - pair.ptr);
    begin_pair(to, &pair);
    blanks = blanks_before(pair);
    put(to, str_slice(pair, 0, blanks));
    put(to, str_from(conf->name));
    put(to, STR("="));
    put(to, value);
    put(to, str_slice(pair, pair.len - behind, behind));
    to->is_changed |= name_len != strlen(conf->name) + 1;
}

static struct str
next_pair(struct str *rest)
{
    bool is_quoted = false;
    size_t len = 0;
    struct str pair;

    for (; len < rest->len && (is_quoted || rest->ptr[len] != ';'); len++) {
        if (rest->ptr[len] == '"')
            is_quoted = !is_quoted;
    }
    pair = str_of(rest->ptr, len);
    *rest = len < rest->len ? str_of(rest->ptr + len + 1, rest->len - len - 1) : STR_NONE;
    return pair;
}

static bool
is_removed(const struct cookie_conf *conf)
{
    return (conf->options & (COOKIE_INSERT | COOKIE_INDIRECT)) == (COOKIE_INSERT | COOKIE_INDIRECT);
}

static void
read_field(struct persistence *p, const struct cookie_conf *conf, const struct proxy_conf *backend,
           struct eval *eval, uint32_t at)
{
    struct message *msg = eval->request;
    struct str rest = field_value(&msg->fields[at]);
    struct rewriting to = { .out = arena_take(&msg->arena, rest.len + 1) };

    if (to.out == NULL)
        return;
    while (rest.ptr != NULL) {
        struct str pair = next_pair(&rest), value = pair;
        struct str name = str_trim(str_split(&value, '='));

        if (value.ptr == NULL || !str_eq(name, str_from(conf->name))) {
            begin_pair(&to, &pair);
            put(&to, pair);
            continue;
        }
        value = str_trim(value);
        judge(p, conf, backend, eval, value);
        if (is_removed(conf))
            to.is_changed = to.has_skipped = true;
        else
            put_own(&to, conf, pair, value);
    }
    if (!to.is_changed)
        return;
    if (to.len == 0)
        message_remove_field(msg, at);
    else
        message_replace_value(msg, at, str_of(to.out, to.len));
}

static void
read_cookies(struct persistence *p, const struct cookie_conf *conf,
             const struct proxy_conf *backend, struct eval *eval)
{
    for (int at = message_find_field(eval->request, FIELD_COOKIE, 0); at >= 0;
         at = message_find_field(eval->request, FIELD_COOKIE, (uint32_t)at + 1)) {
        if (str_find(field_value(&eval->request->fields[at]), str_from(conf->name), 0) >= 0)
            read_field(p, conf, backend, eval, (uint32_t)at);
    }
}

/* --- RDP --------------------------------------------------------------------------------------- */

static bool
read_number(struct str *text, char sep, uint64_t max, uint64_t *out)
{
    struct str digits = str_split(text, sep);

    *out = 0;
    if (digits.len == 0)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
            return false;
        *out = *out * 10 + (uint64_t)(digits.ptr[i] - '0');
        if (*out > max)
            return false;
    }
    return true;
}

/* "16777343.15629.0000": address and port, both in the order of the bytes on the wire, read as
 * numbers of a little-endian machine. */
static void
read_rdp(struct persistence *p, const struct cookie_conf *conf, const struct proxy_conf *backend,
         struct eval *eval)
{
    const struct server_set *set = server_set_read(backend->live);
    struct value value = { .cursor = VALUE_SINGLE };
    uint64_t ip, port;
    unsigned char bytes[4];

    if (sample_run_as(conf->rdp, eval, VALUE_STR, &value) != FETCH_OK ||
        !read_number(&value.str, '.', UINT32_MAX, &ip) || value.str.ptr == NULL ||
        !read_number(&value.str, '.', UINT16_MAX, &port) || value.str.ptr == NULL)
        return;
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(ip >> (8 * i));
    port = (port & 0xff) << 8 | port >> 8;
    for (unsigned i = 0; i < set->all_count; i++) {
        struct addr addr;

        server_addr(set->all[i], &addr);
        if (addr.family == ADDR_IPV4 && memcmp(&addr.ip4, bytes, 4) == 0 &&
            addr.port == port && may_take(p, backend, set->all[i])) {
            p->server = set->all[i];
            return;
        }
    }
}

/* --- stick rules: after the cookie ----------------------------------------------------------- */

static void
read_stick(struct persistence *p, const struct proxy_conf *backend, struct eval *eval)
{
    const struct server_set *set = server_set_read(backend->live);
    struct stick_server_mark mark = stick_request(&p->stores, backend, eval, p->server == NULL);
    struct server *of_id = NULL, *of_name = NULL, *srv;

    for (unsigned i = 0; mark.id != 0 && i < set->all_count; i++) {
        if (__atomic_load_n(&set->all[i]->id, __ATOMIC_RELAXED) == mark.id)
            of_id = set->all[i];
        if (mark.key != 0 && stick_server_key(set->all[i], mark.srvkey) == mark.key)
            of_name = set->all[i];
    }
    srv = of_name != NULL ? of_name : of_id;
    if (srv == NULL)
        return;
    if (may_take(p, backend, srv))
        p->server = srv;
    if (__builtin_expect(eval->explain != NULL, 0))
        explain_note(eval->explain, "stick: a key names server %s", srv->name);
}

void
persistence_learn(struct persistence *p, const struct proxy_conf *backend, struct eval *eval)
{
    if (p->is_learnt || eval->server == NULL || !stick_rules_exist(backend))
        return;
    p->is_learnt = true;
    stick_response(&p->stores, backend, eval, eval->server);
}

/* --- all of it ---------------------------------------------------------------------------------- */

/* True: cookies do not count. */
static bool
run_rules(struct persistence *p, const struct cookie_conf *conf, struct eval *eval)
{
    for (unsigned i = 0; i < conf->rule_count; i++) {
        const struct persist_rule *rule = &conf->rules[i];
        bool is_met;

        if (__builtin_expect(eval->explain != NULL, 0))
            explain_rule(eval->explain, rule->pos, rule->text);
        is_met = condition_test(rule->condition, eval) == TRUTH_YES;
        if (__builtin_expect(eval->explain != NULL, 0))
            explain_outcome(eval->explain, is_met ? OUTCOME_YES : OUTCOME_NO, NULL);
        if (is_met) {
            p->is_forced = rule->is_force;
            return !rule->is_force;
        }
    }
    return false;
}

static const char *
word_of(uint8_t seen)
{
    switch ((enum cookie_seen)seen) {
    case COOKIE_NONE:
        return "there is none";
    case COOKIE_INVALID:
        return "names no server";
    case COOKIE_DOWN:
        return "names a server that is down";
    case COOKIE_VALID:
        return "names a server";
    case COOKIE_EXPIRED:
        return "was idle for too long";
    case COOKIE_OLD:
        return "is too old";
    case COOKIE_UNUSED:
        break;
    }
    return "is not looked at";
}

static void
read_cookie(struct persistence *p, const struct cookie_conf *conf, const struct proxy_conf *backend,
            struct eval *eval)
{
    bool is_ignored;

    is_ignored = run_rules(p, conf, eval);
    if (conf->name != NULL && eval->request != NULL)
        read_cookies(p, conf, backend, eval);
    if (conf->rdp != NULL && p->server == NULL)
        read_rdp(p, conf, backend, eval);
    if (is_ignored)
        persistence_overrule(p);
    if (__builtin_expect(eval->explain != NULL, 0) && p->seen != 0)
        explain_note(eval->explain, "cookie %s: %s", conf->name, word_of(p->seen));
}

void
persistence_read(struct persistence *p, const struct proxy_conf *backend, struct eval *eval)
{
    const struct cookie_conf *conf = cookie_conf_of(backend);

    p->is_read = true;
    if (conf->name != NULL || conf->rdp != NULL || conf->rule_count > 0)
        read_cookie(p, conf, backend, eval);
    if (stick_rules_exist(backend))
        read_stick(p, backend, eval);
}

void
persistence_overrule(struct persistence *p)
{
    p->server = NULL;
    p->is_direct = true;
    if (p->seen != 0)
        p->seen = COOKIE_UNUSED;
}

struct server *
persistence_server(struct persistence *p, const struct proxy_conf *backend)
{
    if (p->server == NULL)
        return NULL;
    if (!may_take(p, backend, p->server)) {
        persistence_give_up(p);
        return NULL;
    }
    p->is_direct = true;
    return p->server;
}

void
persistence_give_up(struct persistence *p)
{
    if (p->server == NULL)
        return;
    p->server = NULL;
    p->is_direct = false;
    if (p->seen == COOKIE_VALID)
        p->seen = COOKIE_DOWN;
}
