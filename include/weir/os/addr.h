/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Socket addresses in 24 bytes: parse, print, compare, mask. Pure but for
 * addr_resolve(); any thread.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "weir/base/error.h"
#include "weir/base/str.h"

enum addr_family {
    ADDR_NONE, /* unknown or not set */
    ADDR_IPV4,
    ADDR_IPV6,
    ADDR_UNIX,           /* path */
    ADDR_ABSTRACT,       /* Linux abstract name (abns@), padded with zeros to its full length */
    ADDR_ABSTRACT_SHORT, /* abnsz@: zero-terminated name */
    ADDR_FD,             /* fd@N: an inherited socket; `fd` holds N */
    ADDR_SOCKPAIR,       /* sockpair@N: `fd` holds N */
};

struct addr {
    uint8_t family; /* enum addr_family */
    uint8_t pad;
    uint16_t port; /* host byte order; 0: none */
    uint32_t scope_id;
    union {
        struct in_addr ip4;
        struct in6_addr ip6;
        const char *path; /* borrows: whoever made the address keeps the text */
        int fd;
    };
};

#define ADDR_TEXT_MAX 128 /* bytes that hold any printed address and port, NUL included */

/* Fills `out` for the kernel; returns its length, 0 for families that have none (FD, NONE). */
socklen_t addr_to_sockaddr(const struct addr *addr, struct sockaddr_storage *out);
/* Unix peers become ADDR_UNIX with an empty path. */
void addr_from_sockaddr(struct addr *addr, const struct sockaddr_storage *from);
int addr_domain(const struct addr *addr); /* AF_INET ... */
bool addr_is_ip(const struct addr *addr);

/* "192.0.2.1" or "2001:db8::1" or the path, without port; returns the length; NUL-terminated. */
size_t addr_format_host(const struct addr *addr, char *to, size_t size);
/* "192.0.2.1:80", "[2001:db8::1]:80", "unix@/path" ... */
size_t addr_format(const struct addr *addr, char *to, size_t size);

/* Same host and port (and family). */
bool addr_eq(const struct addr *a, const struct addr *b);
bool addr_eq_host(const struct addr *a, const struct addr *b);
uint64_t addr_hash(const struct addr *addr);

/* A numeric IPv4 or IPv6 host, no port, no name lookup. */
bool addr_parse_host(struct str s, struct addr *out);
/* ::ffff:a.b.c.d becomes IPv4; anything else is left alone. */
void addr_unmap(struct addr *addr);

/* Everything that an address word of the configuration can say. */
struct addr_spec {
    struct addr addr; /* port: the first of the range; 0 when the word gives none */
    int port_low;     /* as written; 0: none. With port_is_offset: the signed offset */
    int port_high;    /* end of a range, else = port_low */
    bool port_is_given;
    bool port_is_offset; /* "+N" or "-N": for servers, added to the client's port */
    bool is_any;         /* "*" or an empty host */
    bool is_datagram;    /* udp@ udp4@ udp6@ uxdg@ dgram+...@ */
    bool is_stream;      /* tcp@ tcp4@ tcp6@ uxst@ stream+...@: written, not by default */
    bool needs_lookup;   /* host is a name: see host_name. addr.family: ADDR_NONE, or the one
                            that the word asks for */
    bool v6only, v4v6;   /* reserved for bind options */
    bool is_mptcp;
    struct str host_name; /* borrows from the word */
};

enum addr_allow {
    ADDR_ALLOW_PORT_RANGE = 1 << 0,
    ADDR_ALLOW_PORT_OFFSET = 1 << 1,
    ADDR_REQUIRE_PORT = 1 << 2,
    ADDR_REFUSE_PORT = 1 << 3,
    ADDR_ALLOW_NAME = 1 << 4, /* host names; otherwise they are an error */
    ADDR_ALLOW_FD = 1 << 5,
    ADDR_ALLOW_DATAGRAM = 1 << 6,
};

/* Parses one address: ipv4@ ipv6@ unix@ abns@ abnsz@ fd@ sockpair@ udp@ udp4@ udp6@ tcp@ tcp4@
 * tcp6@ mptcp@..., "/path", "*:80", ":::443", "host:port", "[v6]:port", port ranges "80-90",
 * offsets "+N". `word` must live as long as `out` (paths and names are borrowed, NUL-terminated).
 * `allow` is a set of enum addr_allow. No name lookup happens here. */
bool addr_parse(const char *word, unsigned allow, struct addr_spec *out, struct error *err);
/* Blocking lookup through the system (getaddrinfo). Boot, builder and control threads only. Keeps
 * the port. `family`: AF_UNSPEC, AF_INET or AF_INET6. */
bool addr_resolve(struct str host_name, int family, struct addr *out, struct error *err);
