/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What compression.c and compression_conf.c share.
 */
#pragma once

#include "weir/stream/filter.h"

#include "encoder.h"

#define ALGOS_MAX 8

struct compression_side { /* requests or responses */
    const struct encoder_kind *algos[ALGOS_MAX];
    unsigned algo_count;
    const char *const *types; /* NULL: all */
    unsigned type_count;
    uint64_t size_min;
};

struct compression_conf { /* of a proxy */
    struct compression_side sides[DIRECTIONS];
    bool is_offload;
    int direction; /* enum compression_direction */
    bool is_set;   /* an algo or a type was named */
};
enum compression_direction { COMPRESS_RESPONSES, COMPRESS_REQUESTS, COMPRESS_BOTH };

struct compression_limits { /* of the process */
    int64_t rate_max; /* kilobytes of input per second; 0: none */
    int64_t cpu_max;  /* percent */
    struct encoder_tuning tuning;
    int64_t memory_max; /* megabytes; 0: none */
};

/* The settings of a proxy, and of the process. */
const struct compression_conf *compression_conf_of(const struct proxy_conf *proxy);
const struct compression_limits *compression_limits_of(const struct snapshot *snapshot);

extern const struct filter_ops compression_ops; /* conf->data: set of 1 << enum direction */
