/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches of what the kernel, a PROXY header and errors say of a connection: fc_* and bc_*.
 *
 * Thread: traffic, inside a rule. The kernel is asked each time: nobody pays who does not ask.
 */
#include <netinet/in.h>
#include <stddef.h>
#include <linux/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/base/number.h"
#include "weir/expr/sample.h"
#include "weir/net/client_addr.h"
#include "weir/net/proxy_protocol.h"

#define SAVED_SYN_MAX 512
#define BACK_PLACES   (PLACE_HTTP_RESPONSE | PLACE_FE_LOG)

/* --- addresses of the connection, whatever rules made of them --------------------------------- */

enum which_addr { ADDR_SRC, ADDR_DST, ADDR_NOW_SRC, ADDR_NOW_DST }; /* .private */

static const struct addr *
addr_of(const struct eval *eval, intptr_t which)
{
    if (eval->client == NULL)
        return NULL;
    switch ((enum which_addr)which) {
    case ADDR_SRC:
        return connection_src(eval->client);
    case ADDR_DST:
        return connection_dst(eval->client);
    case ADDR_NOW_SRC:
        return client_src(eval);
    case ADDR_NOW_DST:
        return client_dst(eval);
    }
    return NULL;
}

static enum fetched
run_addr(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)args;
    return fetched_addr(out, addr_of(eval, fetch->private));
}

static enum fetched
run_port(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct addr *addr = addr_of(eval, fetch->private);

    (void)args;
    return addr != NULL && addr_is_ip(addr) ? fetched_int(out, addr->port) : FETCH_NONE;
}

/* Could a socket of this machine have it? */
static bool
is_local(const struct addr *addr)
{
    struct addr any_port = *addr;
    struct sockaddr_storage name;
    socklen_t len;
    bool fine;
    int fd;

    any_port.port = 0;
    len = addr_to_sockaddr(&any_port, &name);
    fd = socket(addr_domain(addr), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return false;
    fine = bind(fd, (struct sockaddr *)&name, len) == 0;
    close(fd);
    return fine;
}

static enum fetched
run_is_local(struct eval *eval, const struct fetch *fetch, const struct arg *args,
             struct value *out)
{
    const struct addr *addr = addr_of(eval, fetch->private);

    (void)args;
    return addr != NULL && addr_is_ip(addr) ? fetched_bool(out, is_local(addr)) : FETCH_NONE;
}

/* --- what the kernel knows -------------------------------------------------------------------- */

#define SERVER_SIDE 0x1000 /* in .private, beside the offset */
#define IS_TIME     0x2000

static const struct connection *
conn_of(const struct eval *eval, const struct fetch *fetch)
{
    return (fetch->private & SERVER_SIDE) != 0 ? eval->server_conn : eval->client;
}

static enum fetched
run_tcp_info(struct eval *eval, const struct fetch *fetch, const struct arg *args,
             struct value *out)
{
    const struct connection *conn = conn_of(eval, fetch);
    struct tcp_info info;
    socklen_t len = sizeof(info);
    uint32_t n;

    if (conn == NULL || conn->fd == -1 ||
        getsockopt(conn->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1)
        return FETCH_NONE;
    memcpy(&n, (const char *)&info + (fetch->private & 0xfff), sizeof(n));
    if ((fetch->private & IS_TIME) != 0 &&
        !(arg_is_given(&args[0]) && str_eq(args[0].str, STR("us"))))
        n /= 1000;
    return fetched_int(out, n);
}

static bool
check_unit(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    return count == 0 || !arg_is_given(&args[0]) || str_eq(args[0].str, STR("us")) ||
           str_eq(args[0].str, STR("ms")) ||
           error_set(err, "the unit is 'us' or 'ms', not '%s'", args[0].str.ptr);
}

static enum fetched
run_saved_syn(struct eval *eval, const struct fetch *fetch, const struct arg *args,
              struct value *out)
{
    char *to = arena_take(eval->arena, SAVED_SYN_MAX);
    socklen_t len = SAVED_SYN_MAX;

    (void)fetch;
    (void)args;
    if (to == NULL || eval->client == NULL ||
        getsockopt(eval->client->fd, IPPROTO_TCP, TCP_SAVED_SYN, to, &len) == -1 || len == 0)
        return FETCH_NONE;
    return fetched_bin(out, str_of(to, len));
}

/* --- errors ----------------------------------------------------------------------------------- */

enum which_error { ERROR_ID, ERROR_NAME, ERROR_TEXT };

static enum fetched
run_error(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct connection *conn = conn_of(eval, fetch);
    enum connection_error err;

    (void)args;
    if (conn == NULL)
        return FETCH_NONE;
    err = (enum connection_error)conn->err;
    switch ((enum which_error)(fetch->private & 0xfff)) {
    case ERROR_ID:
        return fetched_int(out, connection_error_id(err));
    case ERROR_NAME:
        return fetched_str(out, str_from(connection_error_name(err)));
    case ERROR_TEXT:
        break;
    }
    return fetched_str(out, str_from(connection_error_text(err)));
}

/* --- PROXY headers ------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    uint8_t type;
} tlv_names[] = {
    { "ALPN", PROXY_TLV_ALPN },
    { "AUTHORITY", PROXY_TLV_AUTHORITY },
    { "CRC32C", PROXY_TLV_CRC32C },
    { "NETNS", PROXY_TLV_NETNS },
    { "NOOP", PROXY_TLV_NOOP },
    { "SSL", PROXY_TLV_SSL },
    { "SSL_CIPHER", PROXY_TLV_SSL_CIPHER },
    { "SSL_CN", PROXY_TLV_SSL_CN },
    { "SSL_KEY_ALG", PROXY_TLV_SSL_KEY_ALG },
    { "SSL_SIG_ALG", PROXY_TLV_SSL_SIG_ALG },
    { "SSL_VERSION", PROXY_TLV_SSL_VERSION },
    { "UNIQUE_ID", PROXY_TLV_UNIQUE_ID },
};

static enum fetched
give_tlv(const struct eval *eval, uint8_t type, struct value *out)
{
    struct str value;

    if (eval->client == NULL || eval->client->proxy_header == NULL ||
        !proxy_header_find_tlv(eval->client->proxy_header, type, &value))
        return FETCH_NONE;
    return fetched_str(out, value);
}

static enum fetched
run_tlv(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    return give_tlv(eval, (uint8_t)(fetch->private != 0 ? fetch->private : args[0].num), out);
}

static bool
check_tlv(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    (void)count;
    for (size_t i = 0; i < COUNT(tlv_names); i++) {
        args[0].num = tlv_names[i].type;
        if (str_eq(args[0].str, str_from(tlv_names[i].name)))
            return true;
    }
    args[0].num = 0;
    return (str_starts(args[0].str, STR("0x")) &&
            sscanf(args[0].str.ptr, "%lx", (unsigned long *)&args[0].num) == 1 &&
            args[0].num > 0 && args[0].num < 256) ||
           number_parse_int(args[0].str, 1, 255, &args[0].num, err);
}

/* --- table ---------------------------------------------------------------------------------------- */

#define INFO(name_, places_, member_, side_, help_)                                                \
    {                                                                                              \
        name_, VALUE_INT, places_, { { 0 } }, run_tcp_info,                                        \
            (intptr_t)offsetof(struct tcp_info, member_) | (side_), .help = help_                  \
    }
#define INFO_TIME(name_, places_, member_, side_, help_)                                           \
    {                                                                                              \
        name_, VALUE_INT, places_, { { ARG_STR, true } }, run_tcp_info,                            \
            (intptr_t)offsetof(struct tcp_info, member_) | (side_) | IS_TIME, check_unit, help_    \
    }
#define ERROR(name_, type_, places_, which_, side_, help_)                                         \
    {                                                                                              \
        name_, type_, places_, { { 0 } }, run_error, (which_) | (side_), .help = help_             \
    }
#define LOCAL(name_, which_, help_)                                                                \
    {                                                                                              \
        name_, VALUE_BOOL, PLACE_L4, { { 0 } }, run_is_local, which_, .help = help_                \
    }

static const struct fetch fetches[] = {
    { "fc_src", VALUE_ADDR, PLACE_L4, { { 0 } }, run_addr, ADDR_SRC,
      .help = "The client's address, whatever set-src of a stream made of it." },
    { "fc_dst", VALUE_ADDR, PLACE_L4, { { 0 } }, run_addr, ADDR_DST,
      .help = "The address that the client connected to, whatever set-dst of a stream made of it." },
    { "fc_src_port", VALUE_INT, PLACE_L4, { { 0 } }, run_port, ADDR_SRC,
      .help = "The port of fc_src." },
    { "fc_dst_port", VALUE_INT, PLACE_L4, { { 0 } }, run_port, ADDR_DST,
      .help = "The port of fc_dst." },
    LOCAL("src_is_local", ADDR_NOW_SRC, "Is src an address of this machine?"),
    LOCAL("dst_is_local", ADDR_NOW_DST, "Is dst an address of this machine?"),
    LOCAL("fc_src_is_local", ADDR_SRC, "Is fc_src an address of this machine?"),
    LOCAL("fc_dst_is_local", ADDR_DST, "Is fc_dst an address of this machine?"),
    INFO_TIME("fc_rtt", PLACE_L4, tcpi_rtt, 0, "Round trip time to the client; in ms, or us."),
    INFO_TIME("fc_rttvar", PLACE_L4, tcpi_rttvar, 0, "How much the round trip time varies."),
    INFO("fc_unacked", PLACE_L4, tcpi_unacked, 0, "Segments that the client has not acknowledged."),
    INFO("fc_sacked", PLACE_L4, tcpi_sacked, 0, "Segments acknowledged out of order."),
    INFO("fc_retrans", PLACE_L4, tcpi_retrans, 0, "Segments sent again and not acknowledged."),
    INFO("fc_fackets", PLACE_L4, tcpi_fackets, 0, "Forward acknowledgements (of old kernels)."),
    INFO("fc_lost", PLACE_L4, tcpi_lost, 0, "Segments taken for lost."),
    INFO("fc_reordering", PLACE_L4, tcpi_reordering, 0, "Segments that may come out of order."),
    INFO_TIME("bc_rtt", BACK_PLACES, tcpi_rtt, SERVER_SIDE,
              "Round trip time to the server; in ms, or us."),
    INFO_TIME("bc_rttvar", BACK_PLACES, tcpi_rttvar, SERVER_SIDE,
              "How much the round trip time to the server varies."),
    { "fc_saved_syn", VALUE_BIN, PLACE_L4, { { 0 } }, run_saved_syn,
      .help = "The packet that opened the connection (bind option tcp-ss)." },
    ERROR("fc_err", VALUE_INT, PLACE_L4, ERROR_ID, 0, "Number of the error of the connection."),
    ERROR("fc_err_name", VALUE_STR, PLACE_L4, ERROR_NAME, 0, "Its name."),
    ERROR("fc_err_str", VALUE_STR, PLACE_L4, ERROR_TEXT, 0, "The same in words."),
    ERROR("bc_err", VALUE_INT, BACK_PLACES, ERROR_ID, SERVER_SIDE,
          "Number of the error of the server's connection."),
    ERROR("bc_err_name", VALUE_STR, BACK_PLACES, ERROR_NAME, SERVER_SIDE, "Its name."),
    ERROR("bc_err_str", VALUE_STR, BACK_PLACES, ERROR_TEXT, SERVER_SIDE, "The same in words."),
    { "fc_pp_authority", VALUE_STR, PLACE_L4, { { 0 } }, run_tlv, PROXY_TLV_AUTHORITY,
      .help = "The host name in the PROXY header." },
    { "fc_pp_unique_id", VALUE_STR, PLACE_L4, { { 0 } }, run_tlv, PROXY_TLV_UNIQUE_ID,
      .help = "The unique id in the PROXY header." },
    { "fc_pp_tlv", VALUE_STR, PLACE_L4, { { ARG_STR } }, run_tlv, 0, check_tlv,
      "A part of the PROXY header, by number or name." },
};
REGISTER(fetch, fetches);
