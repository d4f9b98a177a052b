/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Socket addresses in 24 bytes: to and from the kernel's form, print, compare.
 *
 * For:     everything that listens, dials or logs where a peer is.
 * Owns:    nothing. The path of a unix address is borrowed.
 * Callers: everybody.
 * Thread:  any; all functions are pure. (What the configuration may say stands
 *          in addr_parse.c.)
 */
#include "weir/os/addr.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "weir/base/hash.h"
#include "weir/base/number.h"

static socklen_t
to_unix(const struct addr *addr, struct sockaddr_un *un)
{
    const socklen_t header = offsetof(struct sockaddr_un, sun_path);
    size_t len = strlen(addr->path);
    bool is_abstract = addr->family != ADDR_UNIX;
    size_t room = sizeof(un->sun_path) - 1; /* for the NUL in front or behind */

    un->sun_family = AF_UNIX;
    if (len > room)
        len = room;
    memcpy(un->sun_path + is_abstract, addr->path, len);
    if (addr->family == ADDR_ABSTRACT_SHORT)
        return header + 1 + (socklen_t)len;
    return sizeof(*un);
}

socklen_t
addr_to_sockaddr(const struct addr *addr, struct sockaddr_storage *out)
{
    struct sockaddr_in *in4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

    memset(out, 0, sizeof(*out));
    switch ((enum addr_family)addr->family) {
    case ADDR_IPV4:
        in4->sin_family = AF_INET;
        in4->sin_port = htons(addr->port);
        in4->sin_addr = addr->ip4;
        return sizeof(*in4);
    case ADDR_IPV6:
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(addr->port);
        in6->sin6_addr = addr->ip6;
        in6->sin6_scope_id = addr->scope_id;
        return sizeof(*in6);
    case ADDR_UNIX:
    case ADDR_ABSTRACT:
    case ADDR_ABSTRACT_SHORT:
        return to_unix(addr, (struct sockaddr_un *)out);
    case ADDR_NONE:
    case ADDR_FD:
    case ADDR_SOCKPAIR:
        return 0;
    }
    return 0;
}

void
addr_from_sockaddr(struct addr *addr, const struct sockaddr_storage *from)
{
    const struct sockaddr_in *in4 = (const struct sockaddr_in *)from;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;

    memset(addr, 0, sizeof(*addr));
    switch (from->ss_family) {
    case AF_INET:
        addr->family = ADDR_IPV4;
        addr->port = ntohs(in4->sin_port);
        addr->ip4 = in4->sin_addr;
        return;
    case AF_INET6:
        addr->family = ADDR_IPV6;
        addr->port = ntohs(in6->sin6_port);
        addr->ip6 = in6->sin6_addr;
        addr->scope_id = in6->sin6_scope_id;
        return;
    case AF_UNIX:
        addr->family = ADDR_UNIX;
        addr->path = "";
        return;
    default:
        return;
    }
}

int
addr_domain(const struct addr *addr)
{
    switch ((enum addr_family)addr->family) {
    case ADDR_IPV4:
        return AF_INET;
    case ADDR_IPV6:
        return AF_INET6;
    case ADDR_UNIX:
    case ADDR_ABSTRACT:
    case ADDR_ABSTRACT_SHORT:
    case ADDR_SOCKPAIR:
        return AF_UNIX;
    case ADDR_NONE:
    case ADDR_FD:
        return AF_UNSPEC;
    }
    return AF_UNSPEC;
}

bool
addr_is_ip(const struct addr *addr)
{
    return addr->family == ADDR_IPV4 || addr->family == ADDR_IPV6;
}

/* Log lines print one of these per request: no printf. At least 16 bytes at `to`. */
static size_t
put_ipv4(char *to, struct in_addr ip)
{
    const unsigned char *bytes = (const unsigned char *)&ip;
    char *at = to;

    for (int i = 0; i < 4; i++) {
        at += number_format(at, bytes[i]);
        *at++ = '.';
    }
    at[-1] = '\0';
    return (size_t)(at - 1 - to);
}

/* Length that was written, when snprintf() could have wanted more. */
static size_t
printed_length(int wanted, size_t size)
{
    if (wanted < 0 || size == 0)
        return 0;
    return (size_t)wanted < size ? (size_t)wanted : size - 1;
}

static size_t
put_text(char *to, size_t size, const char *prefix, const char *text)
{
    return printed_length(snprintf(to, size, "%s%s", prefix, text), size);
}

size_t
addr_format_host(const struct addr *addr, char *to, size_t size)
{
    switch ((enum addr_family)addr->family) {
    case ADDR_IPV4:
        if (size >= INET_ADDRSTRLEN)
            return put_ipv4(to, addr->ip4);
        return put_text(to, size, "", "");
    case ADDR_IPV6:
        if (inet_ntop(AF_INET6, &addr->ip6, to, (socklen_t)size) == NULL)
            return put_text(to, size, "", "");
        return strlen(to);
    case ADDR_UNIX:
        return put_text(to, size, "", addr->path[0] == '\0' ? "unix" : addr->path);
    case ADDR_ABSTRACT:
        return put_text(to, size, "abns@", addr->path);
    case ADDR_ABSTRACT_SHORT:
        return put_text(to, size, "abnsz@", addr->path);
    case ADDR_FD:
        return printed_length(snprintf(to, size, "fd@%d", addr->fd), size);
    case ADDR_SOCKPAIR:
        return printed_length(snprintf(to, size, "sockpair@%d", addr->fd), size);
    case ADDR_NONE:
        return put_text(to, size, "", "-");
    }
    return 0;
}

size_t
addr_format(const struct addr *addr, char *to, size_t size)
{
    char host[INET6_ADDRSTRLEN];
    int wanted;

    if (addr->family == ADDR_UNIX && addr->path[0] != '\0')
        return put_text(to, size, "unix@", addr->path);
    if (!addr_is_ip(addr))
        return addr_format_host(addr, to, size);
    addr_format_host(addr, host, sizeof(host));
    wanted = snprintf(to, size, addr->family == ADDR_IPV6 ? "[%s]:%u" : "%s:%u", host, addr->port);
    return printed_length(wanted, size);
}

bool
addr_eq_host(const struct addr *a, const struct addr *b)
{
    if (a->family != b->family)
        return false;
    switch ((enum addr_family)a->family) {
    case ADDR_IPV4:
        return a->ip4.s_addr == b->ip4.s_addr;
    case ADDR_IPV6:
        return memcmp(&a->ip6, &b->ip6, sizeof(a->ip6)) == 0 && a->scope_id == b->scope_id;
    case ADDR_UNIX:
    case ADDR_ABSTRACT:
    case ADDR_ABSTRACT_SHORT:
        return strcmp(a->path, b->path) == 0;
    case ADDR_FD:
    case ADDR_SOCKPAIR:
        return a->fd == b->fd;
    case ADDR_NONE:
        return true;
    }
    return false;
}

bool
addr_eq(const struct addr *a, const struct addr *b)
{
    return a->port == b->port && addr_eq_host(a, b);
}

/* The bytes that addr_eq_host() compares. */
static struct str
host_bytes(const struct addr *addr)
{
    switch ((enum addr_family)addr->family) {
    case ADDR_IPV4:
        return str_of((const char *)&addr->ip4, sizeof(addr->ip4));
    case ADDR_IPV6:
        return str_of((const char *)&addr->ip6, sizeof(addr->ip6));
    case ADDR_UNIX:
    case ADDR_ABSTRACT:
    case ADDR_ABSTRACT_SHORT:
        return str_from(addr->path);
    case ADDR_FD:
    case ADDR_SOCKPAIR:
        return str_of((const char *)&addr->fd, sizeof(addr->fd));
    case ADDR_NONE:
        return STR_NONE;
    }
    return STR_NONE;
}

uint64_t
addr_hash(const struct addr *addr)
{
    return hash_xxh3(host_bytes(addr), (uint64_t)addr->family << 16 | addr->port);
}

/* Takes "%eth0" off the end of an IPv6 text and looks the interface up. */
static bool
take_scope(char *text, uint32_t *scope_id)
{
    char *at = strchr(text, '%');

    *scope_id = 0;
    if (at == NULL)
        return true;
    *at = '\0';
    *scope_id = if_nametoindex(at + 1);
    return *scope_id != 0;
}

bool
addr_parse_host(struct str s, struct addr *out)
{
    char text[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
    struct addr addr = { .family = ADDR_NONE };

    if (s.len == 0 || s.len >= sizeof(text) || memchr(s.ptr, '\0', s.len) != NULL)
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    if (inet_pton(AF_INET, text, &addr.ip4) == 1) {
        addr.family = ADDR_IPV4;
    } else {
        if (!take_scope(text, &addr.scope_id) || inet_pton(AF_INET6, text, &addr.ip6) != 1)
            return false;
        addr.family = ADDR_IPV6;
    }
    *out = addr;
    return true;
}

void
addr_unmap(struct addr *addr)
{
    struct in_addr ip4;

    if (addr->family != ADDR_IPV6 || !IN6_IS_ADDR_V4MAPPED(&addr->ip6))
        return;
    memcpy(&ip4, addr->ip6.s6_addr + 12, sizeof(ip4));
    memset(&addr->ip6, 0, sizeof(addr->ip6));
    addr->family = ADDR_IPV4;
    addr->scope_id = 0;
    addr->ip4 = ip4;
}
