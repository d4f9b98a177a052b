/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures that weir tells about itself: each is described once, and printed as plain
 * text, typed text, JSON or CSV from that description. Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/json.h"
#include "weir/base/text.h"

/* A description. `tags` are four letters, HAProxy's:
 *   origin  M metric, S status, K key, C config, P product
 *   nature  A age, a average, C counter, D duration, G gauge, L limit, M max, m min, N name,
 *           O output, R rate, T time
 *   scope   C cluster, S service, P process
 *   life    V volatile, P kept across restarts */
struct metric {
    const char *name;
    const char *tags;
    const char *help;
};

enum metric_type {
    METRIC_NONE, /* does not apply: an empty column, no line */
    METRIC_U32,
    METRIC_U64,
    METRIC_S32,
    METRIC_TEXT,
};

struct metric_value {
    enum metric_type type;
    union {
        uint64_t number;  /* U32, U64 */
        int64_t integer;  /* S32 */
        const char *text; /* borrows; NULL is "" */
    };
};

static inline struct metric_value
metric_u32(uint64_t n)
{
    return (struct metric_value){ .type = METRIC_U32, .number = (uint32_t)n };
}

static inline struct metric_value
metric_u64(uint64_t n)
{
    return (struct metric_value){ .type = METRIC_U64, .number = n };
}

static inline struct metric_value
metric_s32(int64_t n)
{
    return (struct metric_value){ .type = METRIC_S32, .integer = n };
}

static inline struct metric_value
metric_text(const char *text)
{
    return (struct metric_value){ .type = METRIC_TEXT, .text = text };
}

/* "12" or the text as it is. */
void metric_print(struct text *out, const struct metric_value *value);
/* The same, quoted where CSV needs it. */
void metric_print_csv(struct text *out, const struct metric_value *value);
/* "MGPV:u32:12" */
void metric_print_typed(struct text *out, const struct metric *metric,
                        const struct metric_value *value);
/* The members "field", "processNum", "tags" and "value" of an object that is open. */
void metric_add_json(struct json *json, const struct metric *metric,
                     const struct metric_value *value, unsigned position);
/* ":\"help\"", for "desc". */
void metric_print_help(struct text *out, const struct metric *metric);
