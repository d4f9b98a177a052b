/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option forwardfor and option originalto.
 *
 * For:     stream, once the backend is known and before a request is sent.
 * Thread:  builder reads; owner applies.
 *
 * Frontend and backend both may ask; the backend's header name counts when both do. The field is
 * added behind others of its name: a server reads the last one.
 */
#include "weir/proxy/forwarded.h"

#include <arpa/inet.h>
#include <string.h>

#include "weir/base/number.h"
#include "weir/http/message.h"
#include "weir/net/client_addr.h"
#include "private.h"

/* One of the two options. */
struct forward_conf {
    bool is_on;
    bool if_none; /* only when the request has no such field */
    const char *header;
    bool has_except;
    struct addr except;
    int except_bits;
};
struct forwarded_conf {
    struct forward_conf source, target; /* X-Forwarded-For, X-Original-To */
};

static struct slot forwarded_slot = SLOT("forwardfor", SLOT_PROXY, struct forwarded_conf);
REGISTER_SLOT(forwarded_slot);

/* --- applying ------------------------------------------------------------------------- */

static bool
is_excepted(const struct forward_conf *conf, const struct addr *addr)
{
    const uint8_t *a, *b;
    int bits = conf->except_bits;

    if (!conf->has_except || addr->family != conf->except.family)
        return false;
    a = addr->family == ADDR_IPV4 ? (const uint8_t *)&addr->ip4 : (const uint8_t *)&addr->ip6;
    b = addr->family == ADDR_IPV4 ? (const uint8_t *)&conf->except.ip4
                                  : (const uint8_t *)&conf->except.ip6;
    if (memcmp(a, b, (size_t)bits / 8) != 0)
        return false;
    return bits % 8 == 0 || ((a[bits / 8] ^ b[bits / 8]) >> (8 - bits % 8)) == 0;
}

static bool
add(struct message *msg, const struct forward_conf *conf, const char *name, const struct addr *addr)
{
    char text[ADDR_TEXT_MAX];
    struct str value;

    if (!addr_is_ip(addr) || is_excepted(conf, addr))
        return true;
    value = message_copy(msg, str_of(text, addr_format_host(addr, text, sizeof(text))));
    return value.ptr != NULL && message_add_field_copy(msg, str_from(name), value);
}

/* Which of the two settings counts; NULL: neither is on. */
static const struct forward_conf *
choose(const struct forward_conf *front, const struct forward_conf *back, const char **name,
       const char *standard)
{
    if (!front->is_on && !back->is_on)
        return NULL;
    *name = back->is_on && back->header != NULL     ? back->header
            : front->is_on && front->header != NULL ? front->header
                                                    : standard;
    return front->is_on ? front : back;
}

static bool
apply(struct eval *eval, const struct forward_conf *front, const struct forward_conf *back,
      const char *standard, enum field_name id, const struct addr *(*addr)(const struct eval *))
{
    const char *name;
    const struct forward_conf *conf = choose(front, back, &name, standard);
    bool if_none = (!front->is_on || front->if_none) && (!back->is_on || back->if_none);

    if (conf == NULL)
        return true;
    if (if_none &&
        (name == standard ? message_find_field(eval->request, id, 0) >= 0
                          : message_find_field_name(eval->request, str_from(name), 0) >= 0))
        return true;
    return add(eval->request, conf, name, addr(eval));
}

bool
forwarded_apply(const struct proxy_conf *frontend, const struct proxy_conf *backend,
                struct eval *eval)
{
    const struct forwarded_conf *front = slot_of_const(frontend->slots, &forwarded_slot);
    const struct forwarded_conf *back = slot_of_const(backend->slots, &forwarded_slot);

    return apply(eval, &front->source, &back->source, "x-forwarded-for", FIELD_X_FORWARDED_FOR,
                 client_src) &&
           apply(eval, &front->target, &back->target, "x-original-to", FIELD_X_ORIGINAL_TO,
                 client_dst);
}

/* --- keywords ------------------------------------------------------------------------------ */

static bool
parse_except(struct parse *parse, struct forward_conf *conf)
{
    const char *word = parse_word(parse, "a network");
    struct str rest = str_from(word), host;
    int max;

    if (word == NULL)
        return false;
    host = str_split(&rest, '/');
    if (!addr_parse_host(host, &conf->except))
        return parse_alert(parse, "'except' expects an address or a network, not '%s'", word);
    max = conf->except.family == ADDR_IPV4 ? 32 : 128;
    conf->except_bits = max;
    conf->has_except = true;
    if (rest.ptr != NULL) {
        int64_t bits;

        if (!number_parse_int(rest, 0, max, &bits, NULL))
            return parse_alert(parse, "the mask of '%s' has 0 to %d bits", word, max);
        conf->except_bits = (int)bits;
    }
    return true;
}

static bool
parse_forward(struct parse *parse)
{
    struct forwarded_conf *both = keyword_slot(parse, &forwarded_slot);
    bool is_source = strstr(parse->keyword, "forwardfor") != NULL;
    struct forward_conf *conf = is_source ? &both->source : &both->target;

    *conf = (struct forward_conf){ .is_on = !parse->negated };
    while (!words_at_end(parse->words)) {
        if (words_accept(parse->words, "except")) {
            if (!parse_except(parse, conf))
                return false;
        } else if (words_accept(parse->words, "header")) {
            const char *name = parse_word(parse, "the name of a header");
            char *lower;

            if (name == NULL)
                return false;
            lower = arena_copy(parse->arena, name);
            for (char *c = lower; *c != '\0'; c++)
                *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
            conf->header = lower;
        } else if (is_source && words_accept(parse->words, "if-none")) {
            conf->if_none = true;
        } else {
            return parse_alert_next(parse, "'%s' takes 'except', 'header'%s, not '%s'",
                                    parse->keyword, is_source ? " and 'if-none'" : "",
                                    words_peek(parse->words));
        }
    }
    return true;
}

static const struct keyword keywords[] = {
    { "option forwardfor", IN_PROXY, .flags = KEYWORD_NO | KEYWORD_HTTP_ONLY,
      .slot = &forwarded_slot, .args = "[except <network>] [header <name>] [if-none]",
      .parse = parse_forward, .help = "Tell the server the client's address in X-Forwarded-For." },
    { "option originalto", IN_PROXY, .flags = KEYWORD_NO | KEYWORD_HTTP_ONLY,
      .slot = &forwarded_slot, .args = "[except <network>] [header <name>]", .parse = parse_forward,
      .help = "Tell the server the address that the client connected to in X-Original-To." },
};
REGISTER(keyword, keywords);
