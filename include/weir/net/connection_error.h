/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a connection failed: our word, and HAProxy's number, name and message (fc_err,
 * fc_err_name, fc_err_str). Pure; any thread.
 */
#pragma once

enum connection_error {
    CONN_ERR_NONE,
    CONN_ERR_REFUSED,
    CONN_ERR_RESET,
    CONN_ERR_UNREACHABLE,
    CONN_ERR_TIMEOUT,
    CONN_ERR_NO_SOCKET, /* out of descriptors of the process */
    CONN_ERR_NO_SOCKET_SYSTEM,
    CONN_ERR_NO_MEMORY,   /* ours, or the kernel's socket buffers */
    CONN_ERR_NO_PROTOCOL, /* address family not supported */
    CONN_ERR_PORT_RANGE,  /* the ports of "source" are all in use */
    CONN_ERR_CANNOT_BIND, /* to the source address */
    CONN_ERR_NO_PORTS,    /* the system has no free source ports */
    CONN_ERR_ADDR_IN_USE,
    CONN_ERR_PROXY_EMPTY, /* closed before a PROXY header came */
    CONN_ERR_PROXY_ABORTED,
    CONN_ERR_PROXY_TIMEOUT,
    CONN_ERR_PROXY_TRUNCATED,
    CONN_ERR_PROXY_HEADER, /* does not look like one */
    CONN_ERR_PROXY_BAD,    /* looks like one, but is not valid */
    CONN_ERR_PROXY_PROTOCOL,
    CONN_ERR_CIP_EMPTY, /* the same for NetScaler's header */
    CONN_ERR_CIP_ABORTED,
    CONN_ERR_CIP_TIMEOUT,
    CONN_ERR_CIP_TRUNCATED,
    CONN_ERR_CIP_MAGIC,
    CONN_ERR_CIP_PROTOCOL,
    CONN_ERR_TLS_EMPTY, /* these are set by the TLS transport */
    CONN_ERR_TLS_ABORTED,
    CONN_ERR_TLS_TIMEOUT,
    CONN_ERR_TLS_TOO_MANY,
    CONN_ERR_TLS_NO_MEMORY,
    CONN_ERR_TLS_RENEGOTIATION,
    CONN_ERR_TLS_CA,
    CONN_ERR_TLS_CERT,
    CONN_ERR_TLS_MISMATCH,
    CONN_ERR_TLS_MISMATCH_SNI,
    CONN_ERR_TLS,       /* handshake failure */
    CONN_ERR_TLS_EARLY, /* the server refused early data */
    CONN_ERR_TLS_FATAL,
    CONN_ERR_SOCKS4_SEND, /* cannot ask the SOCKS server */
    CONN_ERR_SOCKS4_RECV,
    CONN_ERR_SOCKS4_DENY,
    CONN_ERR_SOCKS4_ABORT,
    CONN_ERR_POLL,
    CONN_ERR_PIPE,
    CONN_ERR_SOCKET, /* another errno */
    CONN_ERR_COUNT,
};

/* HAProxy's number; 0 for CONN_ERR_NONE. */
int connection_error_id(enum connection_error err);
/* One word, "EREFUSED"; "" for CONN_ERR_NONE. */
const char *connection_error_name(enum connection_error err);
/* A sentence, "Success" for CONN_ERR_NONE. */
const char *connection_error_text(enum connection_error err);
/* What a failed connect(), recv() or send() means. */
enum connection_error connection_error_of(int os_errno);
