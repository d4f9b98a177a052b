/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converters that look into packets: eth.*, ip.*, tcp.* (of fc_saved_syn).
 *
 * Thread: traffic, inside an expression.
 *
 * Each takes the bytes from the beginning of its layer: an Ethernet frame, an IP packet (RFC 791,
 * RFC 8200), a TCP header (RFC 9293). What is cut short gives no value.
 */
#include <string.h>

#include "private.h"
#include "wire.h"

static bool
give_number(struct value *value, bool is_good, uint64_t n)
{
    value_set_int(value, (int64_t)n);
    return is_good;
}

static bool
give_bytes(struct value *value, const uint8_t *from, const uint8_t *to)
{
    value_set_bin(value, str_of((const char *)from, (size_t)(to - from)));
    return true;
}

/* --- Ethernet --------------------------------------------------------------------------------- */

enum eth_part { ETH_DATA, ETH_DST, ETH_HDR, ETH_PROTO, ETH_SRC, ETH_VLAN };

#define ETH_ADDR 6

static bool
is_vlan(uint64_t proto)
{
    return proto == 0x8100 || proto == 0x88a8;
}

static bool
run_eth(struct eval *eval, const struct converter *conv, const struct arg *args,
        struct value *value)
{
    struct wire wire = wire_of(value->str);
    const uint8_t *begin = wire.at;
    uint64_t proto, vlan = 0;
    bool has_vlan = false;

    (void)eval;
    (void)args;
    wire_bytes(&wire, ETH_ADDR * 2);
    proto = wire_be(&wire, 2);
    while (is_vlan(proto) && !wire.is_short) {
        vlan = wire_be(&wire, 2) & 0xfff;
        proto = wire_be(&wire, 2);
        has_vlan = true;
    }
    if (wire.is_short)
        return false;
    switch ((enum eth_part)conv->private) {
    case ETH_DST:
        return give_bytes(value, begin, begin + ETH_ADDR);
    case ETH_SRC:
        return give_bytes(value, begin + ETH_ADDR, begin + ETH_ADDR * 2);
    case ETH_HDR:
        return give_bytes(value, begin, wire.at);
    case ETH_DATA:
        return give_bytes(value, wire.at, wire.end);
    case ETH_PROTO:
        return give_number(value, true, proto);
    case ETH_VLAN:
        break;
    }
    return give_number(value, has_vlan, vlan);
}

/* --- IP --------------------------------------------------------------------------------------- */

enum ip_part { PACKET_DATA, PACKET_DF, PACKET_DST, PACKET_HDR, PACKET_PROTO, PACKET_SRC, PACKET_TOS, PACKET_TTL, PACKET_VER, PACKET_FP };

struct ip_packet {
    const uint8_t *begin, *data, *end;
    uint8_t version, tos, ttl, proto;
    bool df, has_options;
    const uint8_t *src, *dst;
};

static bool
read_ip4(struct wire *wire, struct ip_packet *ip)
{
    size_t header = (size_t)(ip->begin[0] & 0xf) * 4;

    if (header < 20 || wire_left(wire) < header)
        return false;
    ip->tos = ip->begin[1];
    ip->df = (ip->begin[6] & 0x40) != 0;
    ip->ttl = ip->begin[8];
    ip->proto = ip->begin[9];
    ip->src = ip->begin + 12;
    ip->dst = ip->begin + 16;
    ip->data = ip->begin + header;
    ip->has_options = header > 20;
    return true;
}

/* Behind the extension headers that may come before the data. */
static bool
skip_extensions(struct ip_packet *ip)
{
    while (ip->proto == 0 || ip->proto == 43 || ip->proto == 60) {
        size_t len;

        if (ip->end - ip->data < 8)
            return false;
        len = ((size_t)ip->data[1] + 1) * 8;
        ip->proto = ip->data[0];
        if ((size_t)(ip->end - ip->data) < len)
            return false;
        ip->data += len;
        ip->has_options = true;
    }
    return true;
}

static bool
read_ip6(struct wire *wire, struct ip_packet *ip)
{
    if (wire_left(wire) < 40)
        return false;
    ip->tos = (uint8_t)(ip->begin[0] << 4 | ip->begin[1] >> 4);
    ip->df = true;
    ip->proto = ip->begin[6];
    ip->ttl = ip->begin[7];
    ip->src = ip->begin + 8;
    ip->dst = ip->begin + 24;
    ip->data = ip->begin + 40;
    return skip_extensions(ip);
}

static bool
read_ip(struct str bytes, struct ip_packet *ip)
{
    struct wire wire = wire_of(bytes);

    memset(ip, 0, sizeof(*ip));
    if (bytes.len == 0)
        return false;
    ip->begin = wire.at;
    ip->end = wire.end;
    ip->version = ip->begin[0] >> 4;
    if (ip->version == 4)
        return read_ip4(&wire, ip);
    return ip->version == 6 && read_ip6(&wire, ip);
}

static bool
give_ip_addr(struct value *value, const struct ip_packet *ip, const uint8_t *from)
{
    value->type = ip->version == 4 ? VALUE_IP4 : VALUE_IP6;
    if (ip->version == 4)
        memcpy(&value->ip4, from, 4);
    else
        memcpy(&value->ip6, from, 16);
    return true;
}

/* --- TCP -------------------------------------------------------------------------------------- */

enum tcp_part { TCP_DST, TCP_FLAGS, TCP_SEQ, TCP_SRC, TCP_WIN, TCP_LIST,
                TCP_MSS, TCP_SACK, TCP_TSOPT, TCP_TSVAL, TCP_WSCALE, TCP_WSOPT };

#define OPTION_END    0
#define OPTION_NOP    1
#define OPTION_MSS    2
#define OPTION_WSCALE 3
#define OPTION_SACK   4
#define OPTION_TIME   8
#define OPTIONS_MAX   40

struct tcp_header {
    uint64_t src, dst, seq, flags, window;
    uint8_t header_words;
    uint8_t kinds[OPTIONS_MAX]; /* in their order, without NOP and END */
    unsigned kind_count;
    uint64_t mss, wscale, tsval;
    bool has_wscale, has_sack, has_time, has_data;
};

static void
read_option(struct tcp_header *tcp, uint8_t kind, struct wire option)
{
    tcp->kinds[tcp->kind_count++] = kind;
    if (kind == OPTION_MSS)
        tcp->mss = wire_be(&option, 2);
    if (kind == OPTION_WSCALE) {
        tcp->wscale = wire_be(&option, 1);
        tcp->has_wscale = true;
    }
    if (kind == OPTION_SACK)
        tcp->has_sack = true;
    if (kind == OPTION_TIME) {
        tcp->tsval = wire_be(&option, 4);
        tcp->has_time = true;
    }
}

static bool
read_options(struct tcp_header *tcp, struct wire options)
{
    while (options.at < options.end) {
        uint8_t kind = *options.at++;
        uint64_t len;

        if (kind == OPTION_END)
            return true;
        if (kind == OPTION_NOP)
            continue;
        len = wire_be(&options, 1);
        if (len < 2 || options.is_short || tcp->kind_count == OPTIONS_MAX)
            return false;
        read_option(tcp, kind, wire_of(wire_bytes(&options, len - 2)));
        if (options.is_short)
            return false;
    }
    return true;
}

static bool
read_tcp(struct str bytes, struct tcp_header *tcp)
{
    struct wire wire = wire_of(bytes);
    uint64_t word;

    memset(tcp, 0, sizeof(*tcp));
    tcp->src = wire_be(&wire, 2);
    tcp->dst = wire_be(&wire, 2);
    tcp->seq = wire_be(&wire, 4);
    wire_be(&wire, 4); /* acknowledgement */
    word = wire_be(&wire, 2);
    tcp->header_words = (uint8_t)(word >> 12);
    tcp->flags = word & 0xff;
    tcp->window = wire_be(&wire, 2);
    wire_be(&wire, 4); /* checksum, urgent */
    if (wire.is_short || tcp->header_words < 5 || bytes.len < (size_t)tcp->header_words * 4)
        return false;
    tcp->has_data = bytes.len > (size_t)tcp->header_words * 4;
    return read_options(tcp, wire_of(wire_bytes(&wire, (uint64_t)tcp->header_words * 4 - 20)));
}

static bool
give_kinds(struct eval *eval, struct value *value, const struct tcp_header *tcp)
{
    return value_set_copy(value, VALUE_BIN, eval->arena, (const char *)tcp->kinds,
                          tcp->kind_count);
}

static bool
run_tcp(struct eval *eval, const struct converter *conv, const struct arg *args,
        struct value *value)
{
    struct tcp_header tcp;

    (void)args;
    if (!read_tcp(value->str, &tcp))
        return false;
    switch ((enum tcp_part)conv->private) {
    case TCP_DST:
        return give_number(value, true, tcp.dst);
    case TCP_FLAGS:
        return give_number(value, true, tcp.flags);
    case TCP_SEQ:
        return give_number(value, true, tcp.seq);
    case TCP_SRC:
        return give_number(value, true, tcp.src);
    case TCP_WIN:
        return give_number(value, true, tcp.window);
    case TCP_LIST:
        return give_kinds(eval, value, &tcp);
    case TCP_MSS:
        return give_number(value, true, tcp.mss);
    case TCP_SACK:
        return give_number(value, true, tcp.has_sack);
    case TCP_TSOPT:
        return give_number(value, true, tcp.has_time);
    case TCP_TSVAL:
        return give_number(value, tcp.has_time, tcp.tsval);
    case TCP_WSCALE:
        return give_number(value, true, tcp.wscale);
    case TCP_WSOPT:
        break;
    }
    return give_number(value, true, tcp.has_wscale);
}

/* --- fingerprint --------------------------------------------------------------------------------- */

enum fp_mode { FP_TTL = 1, FP_KINDS = 2, FP_SRC = 4 };

#define FP_MAX (8 + 1 + OPTIONS_MAX + 16)

static uint8_t
fp_flags(const struct ip_packet *ip, const struct tcp_header *tcp)
{
    unsigned ttl_class = ip->ttl <= 32 ? 0 : ip->ttl <= 64 ? 1 : ip->ttl <= 128 ? 2 : 3;

    return (uint8_t)((ip->version == 6) << 7 | ip->df << 6 | ttl_class << 4 |
                     ip->has_options << 3 | tcp->has_data << 2 | (tcp->flags & 0x80 ? 2 : 0) |
                     (tcp->flags & 0x40 ? 1 : 0));
}

static uint8_t
fp_options(const struct tcp_header *tcp)
{
    uint8_t bits = 0;

    for (unsigned i = 0; i < tcp->kind_count; i++)
        bits |= tcp->kinds[i] >= 2 && tcp->kinds[i] <= 8 ? (uint8_t)(1 << (tcp->kinds[i] - 2))
                                                         : 0x80;
    return bits;
}

static bool
give_fp(struct eval *eval, struct value *value, const struct ip_packet *ip, int64_t mode)
{
    uint8_t *to = arena_take(eval->arena, FP_MAX), *begin = to;
    struct tcp_header tcp;

    if (to == NULL || ip->proto != 6 ||
        !read_tcp(str_of((const char *)ip->data, (size_t)(ip->end - ip->data)), &tcp))
        return false;
    *to++ = ip->tos;
    *to++ = fp_flags(ip, &tcp);
    *to++ = (uint8_t)(tcp.header_words << 4 | (tcp.has_wscale ? (tcp.wscale + 1) & 0xf : 0));
    *to++ = (uint8_t)(tcp.window >> 8);
    *to++ = (uint8_t)tcp.window;
    *to++ = (uint8_t)(tcp.mss >> 8);
    *to++ = (uint8_t)tcp.mss;
    *to++ = fp_options(&tcp);
    if ((mode & FP_TTL) != 0)
        *to++ = ip->ttl;
    if ((mode & FP_KINDS) != 0) {
        memcpy(to, tcp.kinds, tcp.kind_count);
        to += tcp.kind_count;
    }
    if ((mode & FP_SRC) != 0) {
        memcpy(to, ip->src, ip->version == 4 ? 4 : 16);
        to += ip->version == 4 ? 4 : 16;
    }
    return give_bytes(value, begin, to);
}

static bool
run_ip(struct eval *eval, const struct converter *conv, const struct arg *args,
       struct value *value)
{
    struct ip_packet ip;

    if (!read_ip(value->str, &ip))
        return false;
    switch ((enum ip_part)conv->private) {
    case PACKET_DATA:
        return give_bytes(value, ip.data, ip.end);
    case PACKET_HDR:
        return give_bytes(value, ip.begin, ip.data);
    case PACKET_DF:
        return give_number(value, true, ip.df);
    case PACKET_PROTO:
        return give_number(value, true, ip.proto);
    case PACKET_TOS:
        return give_number(value, true, ip.tos);
    case PACKET_TTL:
        return give_number(value, true, ip.ttl);
    case PACKET_VER:
        return give_number(value, true, ip.version);
    case PACKET_SRC:
        return give_ip_addr(value, &ip, ip.src);
    case PACKET_DST:
        return give_ip_addr(value, &ip, ip.dst);
    case PACKET_FP:
        break;
    }
    return give_fp(eval, value, &ip, arg_is_given(&args[0]) ? args[0].num : 0);
}

#define PART(name_, out_, run_, part_, help_)                                                      \
    {                                                                                              \
        name_, VALUE_BIN, out_, { { 0 } }, run_, part_, .help = help_                              \
    }

static const struct converter converters[] = {
    PART("eth.data", VALUE_BIN, run_eth, ETH_DATA, "What an Ethernet frame carries."),
    PART("eth.dst", VALUE_BIN, run_eth, ETH_DST, "Destination of an Ethernet frame."),
    PART("eth.hdr", VALUE_BIN, run_eth, ETH_HDR, "Header of an Ethernet frame, with its VLANs."),
    PART("eth.proto", VALUE_INT, run_eth, ETH_PROTO, "EtherType of what a frame carries."),
    PART("eth.src", VALUE_BIN, run_eth, ETH_SRC, "Source of an Ethernet frame."),
    PART("eth.vlan", VALUE_INT, run_eth, ETH_VLAN, "The innermost VLAN of a frame."),
    PART("ip.data", VALUE_BIN, run_ip, PACKET_DATA, "What an IP packet carries."),
    PART("ip.df", VALUE_INT, run_ip, PACKET_DF, "May an IP packet not be fragmented?"),
    PART("ip.dst", VALUE_ADDR, run_ip, PACKET_DST, "Destination of an IP packet."),
    { "ip.fp", VALUE_BIN, VALUE_BIN, { { ARG_INT, true } }, run_ip, PACKET_FP,
      .help = "What the packet that opens a connection tells of its system; 1: with the TTL, 2: "
              "the list of options, 4: the source (summed up)." },
    PART("ip.hdr", VALUE_BIN, run_ip, PACKET_HDR, "Header of an IP packet, with its options."),
    PART("ip.proto", VALUE_INT, run_ip, PACKET_PROTO, "Protocol of what an IP packet carries."),
    PART("ip.src", VALUE_ADDR, run_ip, PACKET_SRC, "Source of an IP packet."),
    PART("ip.tos", VALUE_INT, run_ip, PACKET_TOS, "Type of service, or traffic class."),
    PART("ip.ttl", VALUE_INT, run_ip, PACKET_TTL, "Time to live, or hop limit."),
    PART("ip.ver", VALUE_INT, run_ip, PACKET_VER, "Version of an IP packet: 4 or 6."),
    PART("tcp.dst", VALUE_INT, run_tcp, TCP_DST, "Destination port of a TCP header."),
    PART("tcp.flags", VALUE_INT, run_tcp, TCP_FLAGS, "Flags of a TCP header, as bits."),
    PART("tcp.seq", VALUE_INT, run_tcp, TCP_SEQ, "Sequence number of a TCP header."),
    PART("tcp.src", VALUE_INT, run_tcp, TCP_SRC, "Source port of a TCP header."),
    PART("tcp.win", VALUE_INT, run_tcp, TCP_WIN, "Window of a TCP header."),
    PART("tcp.options_list", VALUE_BIN, run_tcp, TCP_LIST, "Kinds of the options, in their order."),
    PART("tcp.options.mss", VALUE_INT, run_tcp, TCP_MSS, "Largest segment that is offered; 0: none."),
    PART("tcp.options.sack", VALUE_INT, run_tcp, TCP_SACK, "Is selective acknowledgement offered?"),
    PART("tcp.options.tsopt", VALUE_INT, run_tcp, TCP_TSOPT, "Are there timestamps?"),
    PART("tcp.options.tsval", VALUE_INT, run_tcp, TCP_TSVAL, "The timestamp."),
    PART("tcp.options.wscale", VALUE_INT, run_tcp, TCP_WSCALE, "Scale of the window; 0: none."),
    PART("tcp.options.wsopt", VALUE_INT, run_tcp, TCP_WSOPT, "Is a scale of the window offered?"),
};
REGISTER(converter, converters);
