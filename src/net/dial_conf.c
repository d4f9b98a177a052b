/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keywords of outgoing connections.
 *
 * For:     server lines, and "source" of proxies; the rooms that own those objects say where the
 *          dial_conf is (struct dial_place).
 * Callers: the table of keywords.
 * Thread:  builder.
 */
#include "weir/net/dial.h"

#include <string.h>

#include "weir/base/number.h"
#include "weir/config/keyword.h"
#include "weir/net/namespace.h"
#include "weir/net/proxy_protocol.h"
#include "weir/os/socket.h"

void
dial_conf_init(struct dial_conf *dial)
{
    *dial = (struct dial_conf)DIAL_CONF_INIT;
}

static struct dial_conf *
find_dial(struct parse *parse)
{
    FOR_EACH_REGISTERED (dial_place, place, list) {
        if ((place->place & parse->place) != 0)
            return place->dial(parse);
    }
    (void)parse_not_yet(parse, parse->keyword);
    return NULL;
}

/* --- source -------------------------------------------------------------------------- */

static bool
parse_source_addr(struct parse *parse, unsigned allow, struct addr_spec *spec)
{
    const char *word = parse_address_word(parse, "a source address");
    struct error err = ERROR_INIT;

    if (word == NULL)
        return false;
    if (!addr_parse(word, allow | ADDR_ALLOW_NAME, spec, &err))
        return parse_alert(parse, "'%s': %s", parse->keyword, err.text);
    if (spec->needs_lookup && !addr_resolve(spec->host_name, AF_UNSPEC, &spec->addr, &err))
        return parse_alert(parse, "'%s': %s", parse->keyword, err.text);
    return true;
}

/* "hdr_ip(name[,occurrence])" */
static bool
parse_header_ip(struct parse *parse, struct str args, struct dial_conf *dial)
{
    struct str rest = str_slice(args, 0, args.len - 1);
    struct str name = str_trim(str_split(&rest, ','));
    int64_t occurrence = -1;

    if (name.len == 0)
        return parse_alert(parse, "'usesrc hdr_ip' expects the name of a header");
    if (rest.ptr != NULL && !number_parse_int(str_trim(rest), -10, 10, &occurrence, NULL))
        return parse_alert(parse, "'usesrc hdr_ip' expects an occurrence from -10 to 10");
    dial->usesrc = occurrence == 0 ? USESRC_NONE : USESRC_HEADER;
    dial->usesrc_header = arena_copy_str(parse->arena, name);
    dial->usesrc_occurrence = (int)occurrence;
    return true;
}

static bool
parse_usesrc(struct parse *parse, struct dial_conf *dial)
{
    const char *word = words_peek(parse->words);
    struct str header = STR("hdr_ip(");
    struct addr_spec spec;

    if (word != NULL && strcmp(word, "client") == 0)
        dial->usesrc = USESRC_CLIENT;
    else if (word != NULL && strcmp(word, "clientip") == 0)
        dial->usesrc = USESRC_CLIENTIP;
    else if (word != NULL && str_starts(str_from(word), header) &&
             str_ends(str_from(word), STR(")")))
        return words_next(parse->words) != NULL &&
               parse_header_ip(parse, str_slice(str_from(word), header.len, SIZE_MAX), dial);
    else {
        if (!parse_source_addr(parse, 0, &spec))
            return false;
        dial->usesrc = USESRC_ADDR;
        dial->usesrc_addr = spec.addr;
        return true;
    }
    (void)words_next(parse->words);
    return true;
}

static bool
parse_interface(struct parse *parse)
{
    struct dial_conf *dial = find_dial(parse);
    const char *name = parse_word(parse, "the name of an interface");

    if (name == NULL || dial == NULL)
        return false;
    dial->interface = arena_copy(parse->arena, name);
    return true;
}

static bool
parse_source(struct parse *parse)
{
    bool is_server = (parse->place & IN_SERVER) != 0;
    struct dial_conf *dial = find_dial(parse);
    struct addr_spec spec;

    if (dial == NULL || !parse_source_addr(parse, is_server ? ADDR_ALLOW_PORT_RANGE : 0, &spec))
        return false;
    dial->source = spec.addr;
    dial->source_port_low = (uint16_t)spec.port_low;
    dial->source_port_high = (uint16_t)spec.port_high;
    dial->usesrc = USESRC_NONE;
    for (;;) {
        if (words_accept(parse->words, "usesrc")) {
            if (!parse_usesrc(parse, dial))
                return false;
        } else if (words_accept(parse->words, "interface")) {
            if (!parse_interface(parse))
                return false;
        } else {
            return is_server || parse_end(parse);
        }
    }
}

/* --- PROXY header ---------------------------------------------------------------------- */

/* Is there somebody who writes these TLVs? Those about TLS come with room tls. */
static bool
options_are_known(unsigned options)
{
    unsigned known = PROXY_V2_CRC32C | PROXY_V2_UNIQUE_ID;

    FOR_EACH_REGISTERED (proxy_tlv_writer, writer, list)
        known |= writer->options;
    return (options & ~known) == 0;
}

static bool
parse_send_proxy(struct parse *parse)
{
    /* All forms of one table; a "no-" form undoes its own. */
    static const struct {
        const char *keyword;
        bool is_v2;
        bool value;
        unsigned options;
    } forms[] = {
        { "send-proxy", false, true, 0 },
        { "no-send-proxy", false, false, 0 },
        { "send-proxy-v2", true, true, 0 },
        { "no-send-proxy-v2", true, false, 0 },
        { "send-proxy-v2-ssl", true, true, PROXY_V2_SSL },
        { "no-send-proxy-v2-ssl", true, false, PROXY_V2_SSL },
        { "send-proxy-v2-ssl-cn", true, true, PROXY_V2_SSL | PROXY_V2_CERT_CN },
        { "no-send-proxy-v2-ssl-cn", true, false, PROXY_V2_SSL | PROXY_V2_CERT_CN },
    };
    struct dial_conf *dial = find_dial(parse);

    for (size_t i = 0; dial != NULL && i < COUNT(forms); i++) {
        if (strcmp(forms[i].keyword, parse->keyword) != 0)
            continue;
        if (forms[i].value && !options_are_known(forms[i].options))
            return parse_not_yet(parse, parse->keyword);
        if (forms[i].is_v2)
            dial->send_proxy_v2 = forms[i].value;
        else
            dial->send_proxy = forms[i].value;
        if (forms[i].value)
            dial->proxy_v2_options |= forms[i].options;
        else
            dial->proxy_v2_options &= ~forms[i].options;
    }
    return dial != NULL;
}

static bool
parse_proxy_v2_options(struct parse *parse)
{
    static const char *const names[] = { "ssl",      "cert-cn",   "ssl-cipher",
                                         "cert-sig", "cert-key",  "authority",
                                         "crc32c",   "unique-id", NULL };
    static const unsigned bits[] = {
        PROXY_V2_SSL,
        PROXY_V2_SSL | PROXY_V2_CERT_CN,
        PROXY_V2_SSL | PROXY_V2_SSL_CIPHER,
        PROXY_V2_SSL | PROXY_V2_CERT_SIG,
        PROXY_V2_SSL | PROXY_V2_CERT_KEY,
        PROXY_V2_AUTHORITY,
        PROXY_V2_CRC32C,
        PROXY_V2_UNIQUE_ID,
    };
    struct dial_conf *dial = find_dial(parse);
    const char *word = parse_word(parse, "options, separated by commas");
    struct str rest = str_from(word);

    if (dial == NULL || word == NULL)
        return false;
    while (rest.ptr != NULL) {
        struct str name = str_split(&rest, ',');
        size_t i = 0;

        while (names[i] != NULL && !str_eq(name, str_from(names[i])))
            i++;
        if (names[i] == NULL)
            return parse_alert(parse, "'proxy-v2-options' does not know '%.*s'%s", STR_ARG(name),
                               parse_suggest(parse, arena_copy_str(parse->arena, name), names));
        if (!options_are_known(bits[i]))
            return parse_not_yet(parse, names[i]);
        dial->proxy_v2_options |= bits[i];
    }
    return true;
}

/* --- the rest ---------------------------------------------------------------------------- */

static bool
parse_namespace(struct parse *parse)
{
    struct dial_conf *dial = find_dial(parse);
    const char *name = parse_word(parse, "the name of a network namespace");
    struct error err = ERROR_INIT;

    if (dial == NULL || name == NULL)
        return false;
    dial->namespace_fd = -1;
    dial->namespace = arena_copy(parse->arena, name);
    if (strcmp(name, "*") == 0) /* the client's: known only with NETNS in a PROXY header */
        return parse_not_yet(parse, "namespace *");
    dial->namespace_fd = namespace_find(name, &err);
    return dial->namespace_fd != -1 || parse_alert(parse, "'namespace': %s", err.text);
}

static bool
parse_tfo(struct parse *parse)
{
    struct dial_conf *dial = find_dial(parse);

    if (dial == NULL)
        return false;
    dial->tfo = strcmp(parse->keyword, "tfo") == 0;
    return true;
}

static bool
parse_tcp_ut(struct parse *parse)
{
    struct dial_conf *dial = find_dial(parse);
    int64_t time_ms;

    if (dial == NULL || !parse_time(parse, "a delay", "ms", &time_ms))
        return false;
    dial->tcp_ut_ms = time_ms;
    return true;
}

static bool
parse_cc(struct parse *parse)
{
    struct dial_conf *dial = find_dial(parse);
    const char *name = parse_word(parse, "the name of a congestion control algorithm");

    if (dial == NULL || name == NULL)
        return false;
    dial->cc = arena_copy(parse->arena, name);
    return true;
}

static bool
parse_socks4(struct parse *parse)
{
    struct dial_conf *dial = find_dial(parse);
    const char *word = parse_address_word(parse, "the address of a SOCKS server");
    struct error err = ERROR_INIT;
    struct addr_spec spec;

    if (dial == NULL || word == NULL)
        return false;
    if (!addr_parse(word, ADDR_ALLOW_NAME, &spec, &err))
        return parse_alert(parse, "'socks4': %s", err.text);
    if (spec.needs_lookup && !addr_resolve(spec.host_name, AF_UNSPEC, &spec.addr, &err))
        return parse_alert(parse, "'socks4': %s", err.text);
    if (addr_is_ip(&spec.addr) && spec.addr.port == 0)
        return parse_alert(parse, "'socks4' expects an address with a port, as in 127.0.0.1:1080");
    dial->socks4 = spec.addr;
    return true;
}

static const struct keyword keywords[] = {
    { "socks4", IN_SERVER, .args = "<address>:<port>", .parse = parse_socks4,
      .help = "Connect through this SOCKS 4 server; the server's own address must be IPv4." },
    { "source", IN_SERVER | IN_DEFAULTS | IN_LISTEN | IN_BACKEND,
      .args = "<addr>[:<port>[-<high>]] [usesrc <addr>|client|clientip|hdr_ip(<name>[,<n>])] "
              "[interface <name>]",
      .parse = parse_source, .help = "Connect to servers from this address." },
    { "interface", IN_SERVER, .args = "<name>", .parse = parse_interface,
      .help = "Connect through this network interface." },
    { "namespace", IN_SERVER, .args = "<name>", .parse = parse_namespace,
      .help = "Connect from within this network namespace." },
    { "tfo", IN_SERVER, .parse = parse_tfo,
      .help = "Send first bytes with the first packet (TCP fast open)." },
    { "no-tfo", IN_SERVER, .parse = parse_tfo, .help = "Undo 'tfo'." },
    { "tcp-ut", IN_SERVER, .args = "<delay>", .parse = parse_tcp_ut,
      .help = "Give a connection up when sent bytes are not acknowledged for so long." },
    { "cc", IN_SERVER, .args = "<algorithm>", .parse = parse_cc,
      .help = "Use this TCP congestion control." },
    { "send-proxy", IN_SERVER, .parse = parse_send_proxy,
      .help = "Begin each connection with a PROXY protocol header, version 1." },
    { "no-send-proxy", IN_SERVER, .parse = parse_send_proxy, .help = "Undo 'send-proxy'." },
    { "send-proxy-v2", IN_SERVER, .parse = parse_send_proxy,
      .help = "Begin each connection with a PROXY protocol header, version 2." },
    { "no-send-proxy-v2", IN_SERVER, .parse = parse_send_proxy, .help = "Undo 'send-proxy-v2'." },
    { "send-proxy-v2-ssl", IN_SERVER, .parse = parse_send_proxy,
      .help = "Send a PROXY header, version 2, that tells about the client's TLS." },
    { "no-send-proxy-v2-ssl", IN_SERVER, .parse = parse_send_proxy,
      .help = "Undo 'send-proxy-v2-ssl'." },
    { "send-proxy-v2-ssl-cn", IN_SERVER, .parse = parse_send_proxy,
      .help = "The same, with the common name of the client's certificate." },
    { "no-send-proxy-v2-ssl-cn", IN_SERVER, .parse = parse_send_proxy,
      .help = "Undo 'send-proxy-v2-ssl-cn'." },
    { "proxy-v2-options", IN_SERVER, .args = "<option>[,<option>]*",
      .parse = parse_proxy_v2_options,
      .help = "What a PROXY header, version 2, says beyond addresses." },
};
REGISTER(keyword, keywords);
