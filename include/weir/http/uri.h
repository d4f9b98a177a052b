/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request targets and their parts. Nothing is decoded or copied. Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/str.h"

/* RFC 9112 3.2 */
enum uri_form {
    URI_NONE,      /* of no form: refused unless accept-unsafe-violations */
    URI_ORIGIN,    /* "/path?query" */
    URI_ABSOLUTE,  /* "scheme://authority/path?query" */
    URI_AUTHORITY, /* "host:port", CONNECT only */
    URI_ASTERISK,  /* "*" */
};

struct uri {
    struct str scheme;    /* absolute form; else len 0 */
    struct str authority; /* absolute and authority form; else len 0 */
    struct str path; /* path and query; "/" for an absolute form that ends after the authority */
};

/* Looks at the shape only: bytes are judged by validate.h. */
enum uri_form uri_split(struct str target, bool is_connect, struct uri *out);
struct str uri_path_only(struct str path_and_query);
struct str uri_query(struct str path_and_query); /* without '?'; ptr NULL: none */

/* "user@host:port" to its parts; brackets stay with the host. port: ptr NULL: none. */
void authority_split(struct str authority, struct str *host, struct str *port);
/* Do both name the same host and port? Case counts not, nor a port that is the scheme's own. */
bool authority_is_same(struct str a, struct str b, struct str scheme);
/* 80 for "http", 443 for "https", else 0. */
uint16_t uri_default_port(struct str scheme);
