/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compression ..., filter compression, filter comp-req, filter comp-res, and the limits in global.
 *
 * For:     compression.c.
 * Thread:  builder.
 */
#include <string.h>

#include "weir/config/keyword.h"
#include "weir/config/snapshot.h"
#include "weir/proxy/proxy.h"

#include "compression.h"

static struct slot conf_slot = SLOT("compression", SLOT_PROXY, struct compression_conf);
REGISTER_SLOT(conf_slot);

static void
init_limits(void *slot)
{
    struct compression_limits *limits = slot;

    limits->cpu_max = 100;
    limits->tuning = (struct encoder_tuning){ .level = 1, .window_bits = 15, .memory_level = 8 };
}

static struct slot limits_slot = {
    .name = "compression limits",
    .owner = SLOT_GLOBAL,
    .size = sizeof(struct compression_limits),
    .init = init_limits,
};
REGISTER_SLOT(limits_slot);

const struct compression_conf *
compression_conf_of(const struct proxy_conf *proxy)
{
    return slot_of_const(proxy->slots, &conf_slot);
}

const struct compression_limits *
compression_limits_of(const struct snapshot *snapshot)
{
    return snapshot_slot(snapshot, &limits_slot);
}

/* --- compression ------------------------------------------------------------ */

static struct compression_side *
side_of(struct parse *parse)
{
    struct compression_conf *conf = keyword_slot(parse, &conf_slot);

    conf->is_set = true;
    return &conf->sides[strstr(parse->keyword, "-req") != NULL ? TO_SERVER : TO_CLIENT];
}

static bool
add_algo(struct parse *parse, struct compression_side *side, const char *word)
{
    const char *names[ALGOS_MAX + 8];
    size_t count = 0;

    side->algos[side->algo_count] = encoder_kind_find(word);
    if (side->algos[side->algo_count] != NULL) {
        side->algo_count++;
        return true;
    }
    FOR_EACH_REGISTERED (encoder_kind, kind, list) {
        names[count++] = kind->name;
    }
    names[count] = NULL;
    return parse_alert(parse, "unknown algorithm '%s'%s; known are gzip, deflate, raw-deflate, br, "
                       "zstd, identity",
                       word, parse_suggest(parse, word, names));
}

static bool
parse_algo(struct parse *parse)
{
    struct compression_side *side = side_of(parse);
    const char *word = parse_word(parse, "an algorithm");

    if (side == &((struct compression_conf *)keyword_slot(parse, &conf_slot))->sides[TO_SERVER]) {
        side->algo_count = 0;
        return word != NULL && add_algo(parse, side, word) && parse_end(parse);
    }
    for (; word != NULL; word = words_next(parse->words)) {
        if (side->algo_count == ALGOS_MAX)
            return parse_alert(parse, "at most %d algorithms can be named", ALGOS_MAX);
        if (!add_algo(parse, side, word))
            return false;
        if (words_peek(parse->words) == NULL)
            return true;
    }
    return false;
}

static bool
parse_type(struct parse *parse)
{
    struct compression_side *side = side_of(parse);
    unsigned more = parse->words->count - parse->words->at;
    const char **types =
        arena_take(parse->arena, (side->type_count + more + 1) * sizeof(const char *));
    const char *word = parse_word(parse, "a MIME type");

    if (word == NULL || types == NULL)
        return false;
    if (side->type_count > 0)
        memcpy(types, side->types, side->type_count * sizeof(*types));
    for (; word != NULL; word = words_next(parse->words))
        types[side->type_count++] = arena_copy(parse->arena, word);
    side->types = types;
    return true;
}

static bool
parse_minsize(struct parse *parse)
{
    return parse_size(parse, "a number of bytes", &side_of(parse)->size_min) && parse_end(parse);
}

static bool
parse_offload(struct parse *parse)
{
    struct compression_conf *conf = keyword_slot(parse, &conf_slot);

    if (parse->place == IN_DEFAULTS)
        return parse_alert(parse, "'compression offload' cannot stand in a defaults section");
    return conf->is_offload = true;
}

static const char *const directions[] = { "response", "request", "both", NULL };

/* --- filter -------------------------------------------------------------------- */

#define BOTH ((1 << TO_SERVER) | (1 << TO_CLIENT))

static bool
parse_filter(struct parse *parse, struct filter_conf *conf)
{
    const char *name = conf->kind->name;

    (void)parse;
    conf->ops = &compression_ops;
    conf->data = (void *)(intptr_t)(strcmp(name, "comp-req") == 0   ? 1 << TO_SERVER
                                    : strcmp(name, "comp-res") == 0 ? 1 << TO_CLIENT
                                                                    : 0);
    return true;
}

/* "filter compression" and settings without any line: as the direction says. */
static intptr_t
default_sides(const struct compression_conf *conf)
{
    return conf->direction == COMPRESS_BOTH       ? BOTH
           : conf->direction == COMPRESS_REQUESTS ? 1 << TO_SERVER
                                                  : 1 << TO_CLIENT;
}

static bool
resolve(struct parse *parse, struct proxy_conf *proxy)
{
    const struct compression_conf *conf = compression_conf_of(proxy);
    struct filter_conf *line;
    bool is_there = false;

    if (proxy->mode != MODE_HTTP)
        return true;
    for (line = (struct filter_conf *)(uintptr_t)filter_conf_first(proxy); line != NULL;
         line = line->next) {
        if (line->ops != &compression_ops)
            continue;
        is_there = true;
        if (line->data == NULL)
            line->data = (void *)default_sides(conf);
    }
    if (is_there || (!conf->is_set && !conf->is_offload))
        return true;
    line = filter_conf_add(parse, proxy);
    if (line == NULL)
        return false;
    line->name = "compression";
    line->ops = &compression_ops;
    line->data = (void *)default_sides(conf);
    return true;
}

static bool
on_resolve(struct parse *parse)
{
    bool fine = true;

    LIST_FOR_EACH (proxy, proxy_list(parse->snapshot), struct proxy_conf, link) {
        fine = resolve(parse, proxy) && fine;
    }
    return fine;
}

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_FILTERS, on_resolve, "compression" },
};
REGISTER(config_hook, hooks);

/* --- tables ------------------------------------------------------------------ */

static const struct filter_kind kinds[] = {
    { "compression", .is_http_only = true, .parse = parse_filter,
      .help = "Compress bodies here among the filters, in the directions of 'compression direction'." },
    { "comp-req", .is_http_only = true, .parse = parse_filter,
      .help = "Compress requests here among the filters." },
    { "comp-res", .is_http_only = true, .parse = parse_filter,
      .help = "Compress responses here among the filters." },
};
REGISTER(filter_kind, kinds);

#define LIMIT(member, low, high)                                                                   \
    .slot = &limits_slot, SET_INT(struct compression_limits, member, low, high)
#define HTTP_PROXY IN_PROXY, .flags = KEYWORD_HTTP_ONLY, .slot = &conf_slot

static const struct keyword keywords[] = {
    { "compression algo", HTTP_PROXY, .args = "<algorithm>...", .parse = parse_algo,
      .help = "Compress responses with the one of these that the client likes best." },
    { "compression algo-res", HTTP_PROXY, .args = "<algorithm>...", .parse = parse_algo,
      .help = "The same as compression algo." },
    { "compression algo-req", HTTP_PROXY, .args = "<algorithm>", .parse = parse_algo,
      .help = "Compress requests with this one." },
    { "compression type", HTTP_PROXY, .args = "<mime>...", .parse = parse_type,
      .help = "Compress responses whose Content-Type begins with one of these only." },
    { "compression type-res", HTTP_PROXY, .args = "<mime>...", .parse = parse_type,
      .help = "The same as compression type." },
    { "compression type-req", HTTP_PROXY, .args = "<mime>...", .parse = parse_type,
      .help = "Compress requests whose Content-Type begins with one of these only." },
    { "compression minsize-req", HTTP_PROXY, .args = "<size>", .parse = parse_minsize,
      .help = "Leave shorter requests alone." },
    { "compression minsize-res", HTTP_PROXY, .args = "<size>", .parse = parse_minsize,
      .help = "Leave shorter responses alone." },
    { "compression offload", HTTP_PROXY, .parse = parse_offload,
      .help = "Take Accept-Encoding from requests, so that servers do not compress." },
    { "compression direction", HTTP_PROXY, .args = "request|response|both",
      SET_CHOICE(struct compression_conf, direction, directions),
      .help = "What is compressed without a line filter comp-req or comp-res." },
    { "maxcomprate", IN_GLOBAL, .args = "<number>", LIMIT(rate_max, 0, INT_MAX),
      .help = "Begin no further compression beyond so many kilobytes of input per second; 0: no limit." },
    { "maxcompcpuusage", IN_GLOBAL, .args = "<number>", LIMIT(cpu_max, 0, 100),
      .help = "Begin no further compression while a thread is busier than this percentage." },
    { "maxzlibmem", IN_GLOBAL, .args = "<number>", LIMIT(memory_max, 0, INT_MAX),
      .help = "Most megabytes for encoders at work; 0: no limit." },
    { "tune.zlib.memlevel", IN_GLOBAL, .args = "<1 to 9>", LIMIT(tuning.memory_level, 1, 9),
      .help = "Memory in which gzip and deflate collect a block; each step doubles it, from 8." },
    { "tune.zlib.windowsize", IN_GLOBAL, .args = "<8 to 15>", LIMIT(tuning.window_bits, 8, 15),
      .help = "How far back gzip and deflate look for repetitions: 2 to this power, in bytes, from 15." },
    { "tune.comp.maxlevel", IN_GLOBAL, .args = "<number>", LIMIT(tuning.level, 1, 9),
      .help = "How hard to compress, 1 to 9." },
};
REGISTER(keyword, keywords);
