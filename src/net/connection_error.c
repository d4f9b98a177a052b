/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of connection errors.
 *
 * For:     log lines and the fetches fc_err, fc_err_name, fc_err_str and their bc_ sisters.
 * Callers: everybody that shows why a connection failed.
 * Thread:  any.
 */
#include "weir/net/connection_error.h"

#include <errno.h>
#include <stddef.h>

#include "weir/base/crash.h"

static const struct {
    int id;
    const char *name;
    const char *text;
} errors[CONN_ERR_COUNT] = {
    [CONN_ERR_NONE] = { 0, "", "Success" },
    [CONN_ERR_NO_SOCKET] = { 2, "PROC_FDLIM", "Too many sockets on the process" },
    [CONN_ERR_NO_SOCKET_SYSTEM] = { 3, "SYS_FDLIM", "Too many sockets on the system" },
    [CONN_ERR_NO_MEMORY] = { 4, "SYS_MEMLIM", "Out of system buffers" },
    [CONN_ERR_NO_PROTOCOL] = { 5, "NOPROTO", "Protocol or address family not supported" },
    [CONN_ERR_SOCKET] = { 6, "SOCK_ERR", "General socket error" },
    [CONN_ERR_TIMEOUT] = { 6, "SOCK_ERR", "General socket error" },
    [CONN_ERR_PORT_RANGE] = { 7, "PORT_RANGE", "Source port range exhausted" },
    [CONN_ERR_CANNOT_BIND] = { 8, "CANT_BIND", "Can't bind to source address" },
    [CONN_ERR_NO_PORTS] = { 9, "FREE_PORTS", "Out of local source ports on the system" },
    [CONN_ERR_ADDR_IN_USE] = { 10, "ADDR_INUSE", "Local source address already in use" },
    [CONN_ERR_PROXY_EMPTY] = { 11, "PRX_EMPTY",
                               "Connection closed while waiting for PROXY protocol header" },
    [CONN_ERR_PROXY_ABORTED] = { 12, "PRX_ABORT",
                                 "Connection error while waiting for PROXY protocol header" },
    [CONN_ERR_PROXY_TIMEOUT] = { 13, "PRX_TIMEOUT",
                                 "Timeout while waiting for PROXY protocol header" },
    [CONN_ERR_PROXY_TRUNCATED] = { 14, "PRX_TRUNCATED",
                                   "Truncated PROXY protocol header received" },
    [CONN_ERR_PROXY_HEADER] = { 15, "PRX_NOT_HDR",
                                "Received something which does not look like a PROXY protocol "
                                "header" },
    [CONN_ERR_PROXY_BAD] = { 16, "PRX_BAD_HDR", "Received an invalid PROXY protocol header" },
    [CONN_ERR_PROXY_PROTOCOL] = { 17, "PRX_BAD_PROTO",
                                  "Received an unhandled protocol in the PROXY protocol header" },
    [CONN_ERR_CIP_EMPTY] = { 18, "CIP_EMPTY",
                             "Connection closed while waiting for NetScaler Client IP header" },
    [CONN_ERR_CIP_ABORTED] = { 19, "CIP_ABORT",
                               "Connection error while waiting for NetScaler Client IP header" },
    [CONN_ERR_CIP_TIMEOUT] = { 20, "CIP_TIMEOUT",
                               "Timeout while waiting for a NetScaler Client IP header" },
    [CONN_ERR_CIP_TRUNCATED] = { 21, "CIP_TRUNCATED",
                                 "Truncated NetScaler Client IP header received" },
    [CONN_ERR_CIP_MAGIC] = { 22, "CIP_BAD_MAGIC",
                             "Received an invalid NetScaler Client IP magic number" },
    [CONN_ERR_CIP_PROTOCOL] = { 23, "CIP_BAD_PROTO",
                                "Received an unhandled protocol in the NetScaler Client IP "
                                "header" },
    [CONN_ERR_TLS_EMPTY] = { 24, "SSL_EMPTY", "Connection closed during SSL handshake" },
    [CONN_ERR_TLS_ABORTED] = { 25, "SSL_ABORT", "Connection error during SSL handshake" },
    [CONN_ERR_TLS_TIMEOUT] = { 26, "SSL_TIMEOUT", "Timeout during SSL handshake" },
    [CONN_ERR_TLS_TOO_MANY] = { 27, "SSL_TOO_MANY", "Too many SSL connections" },
    [CONN_ERR_TLS_NO_MEMORY] = { 28, "SSL_NO_MEM",
                                 "Out of memory when initializing an SSL connection" },
    [CONN_ERR_TLS_RENEGOTIATION] = { 29, "SSL_RENEG",
                                     "Rejected a client-initiated SSL renegotiation attempt" },
    [CONN_ERR_TLS_CA] = { 30, "SSL_CA_FAIL", "SSL client CA chain cannot be verified" },
    [CONN_ERR_TLS_CERT] = { 31, "SSL_CRT_FAIL", "SSL client certificate not trusted" },
    [CONN_ERR_TLS_MISMATCH] = { 32, "SSL_MISMATCH",
                                "Server presented an SSL certificate different from the configured "
                                "one" },
    [CONN_ERR_TLS_MISMATCH_SNI] = { 33, "SSL_MISMATCH_SNI",
                                    "Server presented an SSL certificate different from the "
                                    "expected one" },
    [CONN_ERR_TLS] = { 34, "SSL_HANDSHAKE", "SSL handshake failure" },
    [CONN_ERR_TLS_EARLY] = { 38, "SSL_EARLY_FAILED", "Server refused early data" },
    [CONN_ERR_SOCKS4_SEND] = { 39, "SOCKS4_SEND",
                               "SOCKS4 Proxy write error during handshake" },
    [CONN_ERR_SOCKS4_RECV] = { 40, "SOCKS4_RECV", "SOCKS4 Proxy read error during handshake" },
    [CONN_ERR_SOCKS4_DENY] = { 41, "SOCKS4_DENY", "SOCKS4 Proxy deny the request" },
    [CONN_ERR_SOCKS4_ABORT] = { 42, "SOCKS4_ABORT",
                                "SOCKS4 Proxy handshake aborted by server" },
    [CONN_ERR_TLS_FATAL] = { 43, "SSL_FATAL", "SSL fatal error" },
    [CONN_ERR_POLL] = { 45, "POLLERR", "Polling reported an error" },
    [CONN_ERR_REFUSED] = { 46, "EREFUSED", "ECONNREFUSED returned by OS" },
    [CONN_ERR_RESET] = { 47, "ERESET", "ECONNRESET returned by OS" },
    [CONN_ERR_UNREACHABLE] = { 48, "EUNREACH", "ENETUNREACH returned by OS" },
    [CONN_ERR_PIPE] = { 56, "EPIPE", "EPIPE returned by OS" },
};

int
connection_error_id(enum connection_error err)
{
    MUST(err < CONN_ERR_COUNT);
    return errors[err].id;
}

const char *
connection_error_name(enum connection_error err)
{
    MUST(err < CONN_ERR_COUNT);
    return errors[err].name;
}

const char *
connection_error_text(enum connection_error err)
{
    MUST(err < CONN_ERR_COUNT);
    return errors[err].text;
}

enum connection_error
connection_error_of(int os_errno)
{
    static const struct {
        int os_errno;
        enum connection_error err;
    } meanings[] = {
        { ECONNREFUSED, CONN_ERR_REFUSED },
        { ENOENT, CONN_ERR_REFUSED }, /* unix socket */
        { ECONNRESET, CONN_ERR_RESET },
        { EPIPE, CONN_ERR_PIPE },
        { ENETUNREACH, CONN_ERR_UNREACHABLE },
        { EHOSTUNREACH, CONN_ERR_UNREACHABLE },
        { ENETDOWN, CONN_ERR_UNREACHABLE },
        { EHOSTDOWN, CONN_ERR_UNREACHABLE },
        { ETIMEDOUT, CONN_ERR_TIMEOUT },
        { EMFILE, CONN_ERR_NO_SOCKET },
        { ENFILE, CONN_ERR_NO_SOCKET_SYSTEM },
        { ENOMEM, CONN_ERR_NO_MEMORY },
        { ENOBUFS, CONN_ERR_NO_MEMORY },
        { EAFNOSUPPORT, CONN_ERR_NO_PROTOCOL },
        { EPROTONOSUPPORT, CONN_ERR_NO_PROTOCOL },
        { EADDRNOTAVAIL, CONN_ERR_NO_PORTS },
        { EADDRINUSE, CONN_ERR_ADDR_IN_USE },
        { EAGAIN, CONN_ERR_NO_MEMORY }, /* unix: backlog full */
    };

    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        if (meanings[i].os_errno == os_errno)
            return meanings[i].err;
    }
    return CONN_ERR_SOCKET;
}
