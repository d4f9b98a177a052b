/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cookie of a backend, as configured.
 */
#pragma once

#include "weir/balance/persist.h"
#include "weir/base/str.h"

struct condition;

enum cookie_mode { COOKIE_NONE, COOKIE_REWRITE, COOKIE_INSERT, COOKIE_PREFIX };

struct persist_rule {
    struct persist_rule *next;
    const struct condition *condition; /* NULL: always */
    bool is_force; /* force-persist; else ignore-persist */
};

struct persist_conf { /* slot of proxy_conf */
    int mode;         /* enum cookie_mode */
    struct str name;
    bool indirect, nocache, postonly, preserve, dynamic, httponly, secure;
    const char *domains, *extras; /* "; domain=x" and so on, while the line is read */
    const char *attributes; /* "; domain=x; HttpOnly": behind the path; "" */
    int64_t max_idle_s, max_life_s; /* 0: no limit */
    const char *dynamic_key;
    struct persist_rule *rules;
};

const struct persist_conf *persist_conf_of(const struct proxy_conf *backend);
