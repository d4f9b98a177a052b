/* SPDX-License-Identifier: Apache-2.0 */
/*
 * set-proxy-v2-tlv-fmt: what else a PROXY header to a server says.
 *
 * For:     connections of streams; checks have none to speak of.
 * Owns:    nothing; the table of a server lies in its snapshot.
 * Callers: stream, when it dials.
 * Thread:  builder; traffic threads make the values.
 */
#include <stdlib.h>
#include <string.h>

#include "weir/expr/eval.h"
#include "weir/expr/log_format.h"
#include "weir/net/proxy_protocol.h"
#include "weir/proxy/proxy.h"
#include "private.h"

struct tlv_conf {
    uint8_t type;
    const struct log_format *value;
};

/* Never changed once another server may have inherited it: a line makes a new array. */
struct tlvs_conf {
    const struct tlv_conf *items;
    unsigned count;
};

static struct slot tlv_slot = SLOT("proxy tlvs", SLOT_SERVER, struct tlvs_conf);
REGISTER_SLOT(tlv_slot);

unsigned
server_proxy_tlvs(const struct server_conf *conf, struct eval *eval, struct proxy_tlv *to)
{
    const struct tlvs_conf *tlvs = slot_of_const(conf->slots, &tlv_slot);
    uint32_t place = eval->place;

    if (tlvs->count == 0)
        return 0;
    eval->place = PLACE_BE_CONNECT;
    for (unsigned i = 0; i < tlvs->count; i++)
        to[i] = (struct proxy_tlv){ tlvs->items[i].type, log_format_to_str(tlvs->items[i].value, eval) };
    eval->place = place;
    return tlvs->count;
}

/* "(0x20)", "(32)" */
static bool
parse_type(struct parse *parse, const char *word, uint8_t *type)
{
    const char *open = strchr(word, '(');
    char *end = NULL;
    long number = open == NULL || open[1] < '0' || open[1] > '9' ? -1 : strtol(open + 1, &end, 0);

    if (number < 0 || number > 255 || strcmp(end, ")") != 0)
        return parse_alert(parse, "expected '%s(<type>)' with a type from 0 to 255, such as 0xe1",
                           "set-proxy-v2-tlv-fmt");
    *type = (uint8_t)number;
    return true;
}

static bool
parse_tlv(struct parse *parse)
{
    struct tlvs_conf *tlvs = keyword_slot(parse, &tlv_slot);
    struct tlv_conf *items = ARENA_ARRAY(parse->arena, struct tlv_conf, tlvs->count + 1);
    const char *word = parse_word(parse, "a type in parentheses"), *text;
    unsigned at = 0;
    uint8_t type = 0;

    if (word == NULL || !parse_type(parse, word, &type))
        return false;
    text = parse_word(parse, "a format");
    if (text == NULL)
        return false;
    if (tlvs->count > 0)
        memcpy(items, tlvs->items, tlvs->count * sizeof(*items));
    while (at < tlvs->count && items[at].type != type)
        at++;
    if (at == SERVER_TLVS_MAX)
        return parse_alert(parse, "more than %d of 'set-proxy-v2-tlv-fmt'", SERVER_TLVS_MAX);
    items[at].type = type;
    items[at].value = log_format_parse(parse, text, PLACE_BE_CONNECT, 0);
    if (items[at].value == NULL)
        return false;
    tlvs->items = items;
    if (at == tlvs->count)
        tlvs->count++;
    return true;
}

static const struct keyword keywords[] = {
    { "set-proxy-v2-tlv-fmt", IN_SERVER, .args = "(<type>) <format>", .flags = KEYWORD_PREFIX, .parse = parse_tlv,
      .help = "Put a field of that type into the PROXY header (send-proxy-v2) of each connection; once more for "
              "the same type replaces it." },
};
REGISTER(keyword, keywords);

static bool
on_check(struct parse *parse)
{
    LIST_FOR_EACH (proxy, proxy_list(parse->snapshot), struct proxy_conf, link) {
        LIST_FOR_EACH (srv, &proxy->servers, struct server_conf, link) {
            const struct tlvs_conf *tlvs = slot_of_const(srv->slots, &tlv_slot);

            if (tlvs->count > 0 && !srv->dial.send_proxy_v2)
                (void)parse_warn_at(parse, srv->pos,
                                    "server '%s': 'set-proxy-v2-tlv-fmt' has no effect without 'send-proxy-v2'",
                                    srv->name);
        }
    }
    return true;
}

static const struct config_hook hooks[] = { { CONFIG_CHECK, ORDER_SERVER, on_check, "server: fields of PROXY headers" } };
REGISTER(config_hook, hooks);
