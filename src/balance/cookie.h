/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of cookie persistence share. */
#pragma once

#include "weir/balance/persistence.h"
#include "weir/expr/condition.h"
#include "weir/http/message.h"

#define COOKIE_KEY_LEN 16 /* of a dynamic cookie, without the end */

struct sample;

enum cookie_option {
    COOKIE_REWRITE = 1 << 0,
    COOKIE_INSERT = 1 << 1,
    COOKIE_PREFIX = 1 << 2,
    COOKIE_INDIRECT = 1 << 3,
    COOKIE_NOCACHE = 1 << 4,
    COOKIE_POSTONLY = 1 << 5,
    COOKIE_PRESERVE = 1 << 6,
    COOKIE_HTTPONLY = 1 << 7,
    COOKIE_SECURE = 1 << 8,
    COOKIE_DYNAMIC = 1 << 9,
};
#define COOKIE_LOGGED (COOKIE_REWRITE | COOKIE_INSERT | COOKIE_PREFIX | COOKIE_INDIRECT)

struct persist_rule {
    const struct condition *condition;
    bool is_force;
    const char *text;
    struct source_pos pos;
};

struct cookie_conf { /* slot of proxy_conf */
    const char *name; /* NULL: no cookie */
    unsigned options; /* enum cookie_option */
    const char *domains;    /* "; domain=..." as sent; NULL: none */
    const char *attributes; /* "; SameSite=..." */
    int64_t maxidle_ms, maxlife_ms;
    const char *key; /* dynamic-cookie-key */
    struct persist_rule *rules;
    unsigned rule_count;
    const struct sample *rdp; /* persist rdp-cookie; NULL: not wanted */
};

const struct cookie_conf *cookie_conf_of(const struct proxy_conf *backend);

/* Set at run time; owned by backend_live, freed with it. RCU. */
struct cookie_live {
    bool is_enabled; /* enable dynamic-cookie; else as configured, or disabled */
    bool is_disabled;
    char key[]; /* empty: as configured */
};

/* The cookie that stands for `srv`: its own, or, if the backend makes them, one made of its address, in
 * `room`. Len 0: none. */
struct str cookie_of_server(const struct cookie_conf *conf, const struct server *srv,
                            char room[COOKIE_KEY_LEN + 1]);
struct server *cookie_find_server(const struct cookie_conf *conf, struct proxy *backend,
                                  struct str value);

/* Dates: seconds since 1970 by steps of four, five digits of base 64. */
#define COOKIE_DATE_LEN 5
void cookie_date_write(uint32_t seconds, char out[COOKIE_DATE_LEN]);
/* 0: none. */
uint32_t cookie_date_read(struct str text);
