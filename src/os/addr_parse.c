/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address words of the configuration.
 *
 * For:     bind, server, source, log, nameserver, peer: all of them name
 *          addresses in the same language, and each allows a part of it.
 * Owns:    nothing; paths and names point into the word.
 * Callers: configuration keywords and runtime commands.
 * Thread:  any but addr_resolve(), which may block for seconds.
 *
 *     [ "stream+" | "dgram+" ] [ family "@" ] ( path | fd | [ host ] [ ":" port ] )
 *
 * The port is what stands behind the last colon, also for IPv6: ":::80". Where
 * that leaves no valid IPv6 host but the whole word is one, there is no port.
 */
#include "weir/os/addr.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "weir/base/number.h"

/* What stands in front of '@'. */
struct prefix {
    const char *name;
    enum addr_family family; /* ADDR_NONE: IPv4 or IPv6, as the host says */
    bool is_stream;
    bool is_datagram;
    bool is_mptcp;
};

static const struct prefix prefixes[] = {
    { .name = "ip", .family = ADDR_NONE },
    { .name = "ipv4", .family = ADDR_IPV4 },
    { .name = "ipv6", .family = ADDR_IPV6 },
    { .name = "tcp", .family = ADDR_NONE, .is_stream = true },
    { .name = "tcp4", .family = ADDR_IPV4, .is_stream = true },
    { .name = "tcp6", .family = ADDR_IPV6, .is_stream = true },
    { .name = "udp", .family = ADDR_NONE, .is_datagram = true },
    { .name = "udp4", .family = ADDR_IPV4, .is_datagram = true },
    { .name = "udp6", .family = ADDR_IPV6, .is_datagram = true },
    { .name = "mptcp", .family = ADDR_NONE, .is_stream = true, .is_mptcp = true },
    { .name = "mptcp4", .family = ADDR_IPV4, .is_stream = true, .is_mptcp = true },
    { .name = "mptcp6", .family = ADDR_IPV6, .is_stream = true, .is_mptcp = true },
    { .name = "unix", .family = ADDR_UNIX },
    { .name = "uxst", .family = ADDR_UNIX, .is_stream = true },
    { .name = "uxdg", .family = ADDR_UNIX, .is_datagram = true },
    { .name = "abns", .family = ADDR_ABSTRACT },
    { .name = "abnsz", .family = ADDR_ABSTRACT_SHORT },
    { .name = "fd", .family = ADDR_FD },
    { .name = "sockpair", .family = ADDR_SOCKPAIR },
};

static const struct prefix *
find_prefix(struct str name)
{
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (str_eq(name, str_from(prefixes[i].name)))
            return &prefixes[i];
    }
    return NULL;
}

static bool
refuse_prefix(struct str name, struct error *err)
{
    const char *nearest = NULL;
    unsigned least = 3;

    if (str_starts(name, STR("quic")))
        return error_set(err, "QUIC is not supported");
    if (str_eq(name, STR("rhttp")))
        return error_set(err, "reverse HTTP is not supported");
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        unsigned distance = str_distance(name, str_from(prefixes[i].name), least);

        if (distance < least) {
            least = distance;
            nearest = prefixes[i].name;
        }
    }
    if (nearest != NULL)
        return error_set(err, "unknown address family '%.*s@': did you mean '%s@'?", STR_ARG(name),
                         nearest);
    return error_set(err, "unknown address family '%.*s@'", STR_ARG(name));
}

/* Takes "family@" off the front of `*rest` and notes what it says. */
static bool
take_prefix(struct str *rest, struct addr_spec *out, struct error *err)
{
    long at = rest->len > 0 && rest->ptr[0] == '/' ? -1 : str_find_char(*rest, '@');
    const struct prefix *prefix;
    struct str name;

    if (at == -1) {
        out->addr.family = rest->len > 0 && rest->ptr[0] == '/' ? ADDR_UNIX : ADDR_NONE;
        return true;
    }
    name = str_slice(*rest, 0, (size_t)at);
    *rest = str_slice(*rest, (size_t)at + 1, rest->len);
    if (str_starts(name, STR("stream+"))) {
        out->is_stream = true;
        name = str_slice(name, 7, name.len);
    } else if (str_starts(name, STR("dgram+"))) {
        out->is_datagram = true;
        name = str_slice(name, 6, name.len);
    }
    prefix = find_prefix(name);
    if (prefix == NULL)
        return refuse_prefix(name, err);
    out->addr.family = (uint8_t)prefix->family;
    out->is_stream |= prefix->is_stream;
    out->is_datagram |= prefix->is_datagram;
    out->is_mptcp = prefix->is_mptcp;
    return true;
}

/* The rest of the word is NUL-terminated, because the word is. */
static bool
parse_path(struct str path, struct addr_spec *out, struct error *err)
{
    const size_t max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;

    if (path.len == 0)
        return error_set(err, "a name or path is missing behind '@'");
    if (path.len > max)
        return error_set(err, "socket path '%.*s' is too long: the system takes %zu characters",
                         STR_ARG(path), max);
    out->addr.path = path.ptr;
    return true;
}

static bool
parse_fd(struct str number, unsigned allow, struct addr_spec *out, struct error *err)
{
    int64_t fd;

    if (!(allow & ADDR_ALLOW_FD))
        return error_set(err, "an inherited descriptor cannot be used here");
    if (!number_parse_int(number, 0, INT32_MAX, &fd, NULL))
        return error_set(err, "file descriptor '%.*s' is not a number", STR_ARG(number));
    out->addr.fd = (int)fd;
    return true;
}

static bool
parse_port_number(struct str s, int *out, struct error *err)
{
    uint64_t port;

    if (!number_read_digits(s, &port) || port > UINT16_MAX)
        return error_set(err, "'%.*s' is not a port number: expected 0 to 65535", STR_ARG(s));
    *out = (int)port;
    return true;
}

static bool
parse_port_range(struct str s, long dash, unsigned allow, struct addr_spec *out, struct error *err)
{
    if (!(allow & ADDR_ALLOW_PORT_RANGE))
        return error_set(err, "port range '%.*s' is not permitted here", STR_ARG(s));
    if (!parse_port_number(str_slice(s, 0, (size_t)dash), &out->port_low, err) ||
        !parse_port_number(str_slice(s, (size_t)dash + 1, s.len), &out->port_high, err))
        return false;
    if (out->port_low == 0 || out->port_low > out->port_high)
        return error_set(err, "port range '%.*s' is empty: expected <low>-<high>", STR_ARG(s));
    return true;
}

static bool
parse_port_offset(struct str s, unsigned allow, struct addr_spec *out, struct error *err)
{
    int offset = 0;

    if (!(allow & ADDR_ALLOW_PORT_OFFSET))
        return error_set(err, "port offset '%.*s' is not permitted here", STR_ARG(s));
    if (!parse_port_number(str_slice(s, 1, s.len), &offset, err))
        return false;
    out->port_is_offset = true;
    out->port_low = out->port_high = s.ptr[0] == '-' ? -offset : offset;
    return true;
}

/* `s` is what stands behind the last colon; empty: no port. */
static bool
parse_port(struct str s, unsigned allow, struct addr_spec *out, struct error *err)
{
    long dash;

    if (s.len == 0) {
        if (allow & ADDR_REQUIRE_PORT)
            return error_set(err, "the port is missing: expected <address>:<port>");
        return true;
    }
    if (allow & ADDR_REFUSE_PORT)
        return error_set(err, "port '%.*s' is not permitted here", STR_ARG(s));
    out->port_is_given = true;
    if (s.ptr[0] == '+' || s.ptr[0] == '-')
        return parse_port_offset(s, allow, out, err);
    dash = str_find_char(s, '-');
    if (dash != -1)
        return parse_port_range(s, dash, allow, out, err);
    if (!parse_port_number(s, &out->port_low, err))
        return false;
    if (out->port_low == 0 && (allow & ADDR_REQUIRE_PORT))
        return error_set(err, "port 0 is not permitted here");
    out->port_high = out->port_low;
    out->addr.port = (uint16_t)out->port_low;
    return true;
}

/* Parts a word into host and what stands behind the last colon outside of brackets. */
static void
split_port(struct str word, struct str *host, struct str *port)
{
    struct addr whole;
    size_t at = word.len;

    *host = word;
    *port = STR_NONE;
    while (at > 0 && word.ptr[at - 1] != ':' && word.ptr[at - 1] != ']')
        at--;
    if (at == 0 || word.ptr[at - 1] == ']')
        return;
    *host = str_slice(word, 0, at - 1);
    *port = str_slice(word, at, word.len);
    if (host->len > 0 && host->ptr[0] != '[' && str_find_char(*host, ':') != -1 &&
        !addr_parse_host(*host, &whole) && addr_parse_host(word, &whole)) {
        *host = word;
        *port = STR_NONE;
    }
}

static const char *
family_name(enum addr_family family)
{
    return family == ADDR_IPV4 ? "IPv4" : "IPv6";
}

static bool
parse_host(struct str host, unsigned allow, struct addr_spec *out, struct error *err)
{
    enum addr_family wanted = out->addr.family;
    struct addr found;
    bool in_brackets = host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';

    if (in_brackets)
        host = str_slice(host, 1, host.len - 2);
    if (host.len == 0 || str_eq(host, STR("*"))) {
        out->is_any = true;
        if (wanted == ADDR_NONE)
            out->addr.family = ADDR_IPV4; /* the rest is zeros: any address */
        return true;
    }
    if (addr_parse_host(host, &found)) {
        if (wanted != ADDR_NONE && wanted != found.family)
            return error_set(err, "'%.*s' is not an %s address", STR_ARG(host),
                             family_name(wanted));
        found.port = out->addr.port;
        out->addr = found;
        return true;
    }
    if (!(allow & ADDR_ALLOW_NAME) || str_find_char(host, ':') != -1)
        return error_set(err, "'%.*s' is not an IP address", STR_ARG(host));
    out->needs_lookup = true;
    out->host_name = host;
    return true;
}

static bool
parse_spec(struct str word, unsigned allow, struct addr_spec *out, struct error *err)
{
    struct str rest = word, host, port;
    struct addr whole;

    if (word.len == 0)
        return error_set(err, "the address is empty");
    if (!take_prefix(&rest, out, err))
        return false;
    if (out->is_datagram && !(allow & ADDR_ALLOW_DATAGRAM))
        return error_set(err, "a datagram address cannot be used here");
    switch ((enum addr_family)out->addr.family) {
    case ADDR_UNIX:
    case ADDR_ABSTRACT:
    case ADDR_ABSTRACT_SHORT:
        return parse_path(rest, out, err);
    case ADDR_FD:
    case ADDR_SOCKPAIR:
        return parse_fd(rest, allow, out, err);
    case ADDR_NONE:
    case ADDR_IPV4:
    case ADDR_IPV6:
        break;
    }
    if (allow & ADDR_REFUSE_PORT && addr_parse_host(rest, &whole))
        return parse_host(rest, allow, out, err);
    split_port(rest, &host, &port);
    return parse_port(port, allow, out, err) && parse_host(host, allow, out, err);
}

bool
addr_parse(const char *word, unsigned allow, struct addr_spec *out, struct error *err)
{
    memset(out, 0, sizeof(*out));
    if (parse_spec(str_from(word), allow, out, err))
        return true;
    error_prefix(err, "address '%s'", word);
    return false;
}

bool
addr_resolve(struct str host_name, int family, struct addr *out, struct error *err)
{
    const struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_STREAM };
    struct sockaddr_storage storage = { 0 };
    struct addrinfo *list;
    uint16_t port = out->port;
    char name[NI_MAXHOST];
    int code;

    snprintf(name, sizeof(name), "%.*s", STR_ARG(host_name));
    code = getaddrinfo(name, NULL, &hints, &list);
    if (code != 0)
        return error_set(err, "cannot resolve '%s': %s", name, gai_strerror(code));
    memcpy(&storage, list->ai_addr, list->ai_addrlen);
    freeaddrinfo(list);
    addr_from_sockaddr(out, &storage);
    out->port = port;
    return true;
}
