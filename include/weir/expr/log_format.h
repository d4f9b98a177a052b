/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Format strings: text, %aliases, %[expressions], with flags; compiled to a flat array. Used by
 * log-format and by every rule that takes a <fmt>.
 */
#pragma once

#include "weir/expr/sample.h"

/* Bytes are written here; overflow is cut (`is_cut`). */
struct format_out {
    char *pos;
    char *end;
    bool is_cut;
};

enum format_flag {
    FORMAT_QUOTE = 1 << 0,     /* +Q: in log lines only */
    FORMAT_MANDATORY = 1 << 1, /* +M: "-" when empty (set for log lines, and only there) */
    FORMAT_HEX = 1 << 2,       /* +X: aliases of addresses, ports and some numbers */
    FORMAT_ESCAPE = 1 << 3,    /* +E: RFC 5424 */
    FORMAT_IS_LOG = 1 << 4,    /* escape what must not stand in a log line */
    FORMAT_IS_HEADER = 1 << 5, /* escape what must not stand in a header value */
    FORMAT_JSON = 1 << 6,      /* +json */
    FORMAT_CBOR = 1 << 7,      /* +cbor: as hex digits */
    FORMAT_BINARY = 1 << 8,    /* +bin: without them; bytes of expressions as they are */
    FORMAT_NULL = 1 << 9,      /* encoded: null for <NOSRV>, <BADREQ> and times that were not */
    FORMAT_LIST = 1 << 10,     /* aliases with ALIAS_LIST: a NUL behind each part, nothing between */
};

enum log_alias_trait {
    ALIAS_HTTP = 1 << 0,   /* only in HTTP mode */
    ALIAS_NUMBER = 1 << 1, /* encoded as a number */
    ALIAS_SILENT = 1 << 2, /* when it prints nothing, the blank behind it is left out as well */
    ALIAS_LIST = 1 << 3,   /* encoded as an array of strings */
    ALIAS_ANYWHERE = 1 << 4, /* needs no session: known in health checks too */
};

struct log_alias;
/* Encoded output asks for the bare text: flags without quotes and escapes. */
typedef void log_alias_fn(struct eval *eval, const struct log_alias *alias, unsigned flags,
                          struct format_out *out);
/* %ci, %ST ...: registered by the rooms that know the facts. */
struct log_alias {
    const char *name; /* "ci" */
    log_alias_fn *run;
    intptr_t private;
    unsigned traits; /* set of enum log_alias_trait */
    const char *help;
};
REGISTRY(log_alias, struct log_alias);

struct log_format; /* in the snapshot's arena; immutable */

/* --- builder ------------------------------------------------------------- */

/* Compiles `text`. `place`: where it will run. flags: enum format_flag. NULL: reported (the caret
 * stands in the current word, if that is the text). */
struct log_format *log_format_parse(struct parse *parse, const char *text, unsigned place,
                                    unsigned flags);
/* NULL unless it is only literal text. */
const char *log_format_literal(const struct log_format *format);
/* The first alias in it that means nothing without HTTP; NULL: none. */
const char *log_format_http_alias(const struct log_format *format);
/* Is its result one JSON object (%{+json}o)? */
bool log_format_is_json(const struct log_format *format);

/* --- any thread ---------------------------------------------------------- */

/* Runs it into `out`. */
void log_format_run(const struct log_format *format, struct eval *eval, struct format_out *out);
/* Result in the evaluation's arena; ptr NULL: out of memory. A format without variable parts costs
 * nothing. */
struct str log_format_to_str(const struct log_format *format, struct eval *eval);

/* --- for aliases: format_out.c ------------------------------------------- */

/* "-" or "" when empty, quoted, escaped, as flags say. */
void format_str(struct format_out *out, struct str s, unsigned flags);
void format_int(struct format_out *out, int64_t n, unsigned flags);
void format_raw(struct format_out *out, const char *ptr, size_t len);
void format_char(struct format_out *out, char c);
