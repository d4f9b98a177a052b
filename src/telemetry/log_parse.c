/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of one log line:
 *
 *     log <target> [len <n>] [format <f>] [sample <ranges>:<size>] [profile <name>]
 *         <facility> [<max> [<min>]]
 *
 * For:     global, proxies and everything else that may log.
 * Owns:    nothing; what is read lies in the snapshot.
 * Callers: log_conf.c.
 * Thread:  builder.
 */
#include <stdlib.h>
#include <string.h>

#include "weir/base/number.h"
#include "private.h"

#define SYSLOG_PORT      514
#define SAMPLE_RANGE_MAX 64
#define SAMPLE_SIZE_MAX  (1 << 20)

static const char *const facilities[] = {
    "kern",   "user",   "mail",   "daemon", "auth",   "syslog", "lpr",   "news",   "uucp",
    "cron",   "auth2",  "ftp",    "ntp",    "audit",  "alert",  "cron2", "local0", "local1",
    "local2", "local3", "local4", "local5", "local6", "local7", NULL,
};

static const char *const levels[] = { "emerg",  "alert", "crit",  "err", "warning",
                                      "notice", "info",  "debug", NULL };

/* --- target ------------------------------------------------------------------------ */

/* Addresses know ${NAME} also outside of quotes. */
static const char *
expand_environment(struct parse *parse, const char *word)
{
    struct str rest = str_from(word);
    struct text out = TEXT_INIT;
    const char *expanded;
    long at;

    while ((at = str_find(rest, STR("${"), 0)) >= 0) {
        struct str tail = str_slice(rest, (size_t)at + 2, rest.len);
        long end = str_find_char(tail, '}');
        const char *value;

        if (end < 0)
            break;
        value = getenv(arena_copy_str(parse->arena, str_slice(tail, 0, (size_t)end)));
        text_add(&out, str_slice(rest, 0, (size_t)at));
        text_puts(&out, value == NULL ? "" : value);
        rest = str_slice(tail, (size_t)end + 1, tail.len);
    }
    text_add(&out, rest);
    expanded = arena_copy(parse->arena, text_cstr(&out));
    text_fini(&out);
    return expanded;
}

static bool
parse_descriptor(struct log_target *target, int fd)
{
    target->addr = (struct addr){ .family = ADDR_FD, .fd = fd };
    return true;
}

static bool
parse_address(struct parse *parse, const char *word, struct log_target *target)
{
    struct addr_spec spec;
    struct error err = ERROR_INIT;

    if (!addr_parse(word, ADDR_ALLOW_NAME | ADDR_ALLOW_FD | ADDR_ALLOW_DATAGRAM, &spec, &err))
        return parse_alert(parse, "'log': %s", err.text);
    if (spec.addr.family == ADDR_SOCKPAIR)
        return parse_not_yet(parse, "logging to a pair of sockets");
    if (spec.needs_lookup) {
        int family = spec.addr.family == ADDR_IPV4   ? AF_INET
                     : spec.addr.family == ADDR_IPV6 ? AF_INET6
                                                     : AF_UNSPEC;

        if (!addr_resolve(spec.host_name, family, &spec.addr, &err))
            return parse_alert(parse, "'log': %s", err.text);
    }
    if (addr_is_ip(&spec.addr))
        spec.addr.port = (uint16_t)(spec.port_is_given ? spec.port_low : SYSLOG_PORT);
    target->addr = spec.addr;
    if (spec.is_stream) {
        target->ring = ring_conf_implicit(parse, word, &spec.addr, false);
        target->ring_name = target->ring->name;
    }
    return true;
}

static bool
parse_target(struct parse *parse, struct log_target *target)
{
    const char *word = parse_address_word(parse, "an address, 'stdout' or 'stderr'");

    if (word == NULL)
        return false;
    if (strcmp(word, "stdout") == 0)
        return parse_descriptor(target, 1);
    if (strcmp(word, "stderr") == 0)
        return parse_descriptor(target, 2);
    if (str_starts(str_from(word), STR("ring@"))) {
        target->ring_name = word + strlen("ring@");
        return true;
    }
    if (str_starts(str_from(word), STR("backend@"))) {
        target->backend_name = word + strlen("backend@");
        return true;
    }
    word = expand_environment(parse, word);
    if (*word == '\0')
        return parse_alert(parse, "'log': the address is empty (is an environment variable "
                                  "missing?)");
    return parse_address(parse, word, target);
}

/* --- sample ------------------------------------------------------------------------ */

static bool
parse_range(struct str word, struct sample_range *out)
{
    struct str high = word;
    struct str low = str_split(&high, '-');
    int64_t a, b;

    if (!number_parse_int(low, 1, SAMPLE_SIZE_MAX, &a, NULL))
        return false;
    b = a;
    if (high.ptr != NULL && !number_parse_int(high, a, SAMPLE_SIZE_MAX, &b, NULL))
        return false;
    *out = (struct sample_range){ .low = (uint32_t)a, .high = (uint32_t)b };
    return true;
}

static bool
overlaps(const struct sample_range *ranges, unsigned count, const struct sample_range *range)
{
    for (unsigned i = 0; i < count; i++) {
        if (range->low <= ranges[i].high && range->high >= ranges[i].low)
            return true;
    }
    return false;
}

static bool
parse_ranges(struct parse *parse, struct str words, struct log_target *target)
{
    struct sample_range *ranges = ARENA_ARRAY(parse->arena, struct sample_range, SAMPLE_RANGE_MAX);
    unsigned count = 0;

    while (words.ptr != NULL) {
        struct str word = str_split(&words, ',');
        struct sample_range range;

        if (count == SAMPLE_RANGE_MAX)
            return parse_alert(parse, "'log': more than %d sample ranges", SAMPLE_RANGE_MAX);
        if (!parse_range(word, &range))
            return parse_alert(parse,
                               "'log': '%.*s' is not a sample range; expected a number or "
                               "'<low>-<high>', from 1 on",
                               STR_ARG(word));
        if (overlaps(ranges, count, &range))
            return parse_alert(parse, "'log': sample range '%.*s' overlaps another one",
                               STR_ARG(word));
        if (range.high > target->sample_size)
            return parse_alert(parse, "'log': sample range '%.*s' goes beyond the sample size %u",
                               STR_ARG(word), target->sample_size);
        ranges[count++] = range;
    }
    target->ranges = ranges;
    target->range_count = count;
    return true;
}

/* "1,3-5:10" */
static bool
parse_sample(struct parse *parse, struct log_target *target)
{
    const char *word = parse_word(parse, "sample ranges and a size, such as '1,3-5:10'");
    struct str size, ranges;
    int64_t n;

    if (word == NULL)
        return false;
    size = str_from(word);
    ranges = str_split(&size, ':');
    if (size.ptr == NULL || !number_parse_int(size, 1, SAMPLE_SIZE_MAX, &n, NULL))
        return parse_alert(parse,
                           "'log': expected '<ranges>:<size>' with a size of 1 to %d, "
                           "read '%s'",
                           SAMPLE_SIZE_MAX, word);
    target->sample_size = (uint32_t)n;
    return parse_ranges(parse, ranges, target);
}

/* --- the rest ---------------------------------------------------------------------- */

static bool
parse_len(struct parse *parse, struct log_target *target)
{
    int64_t n;

    if (!parse_int(parse, "the length of a line", LOG_LEN_MIN, LOG_LEN_MAX, &n))
        return false;
    target->len = (uint32_t)n;
    target->len_is_given = true;
    return true;
}

static bool
parse_format(struct parse *parse, struct log_target *target)
{
    int index;

    if (!parse_choice(parse, "a log format", log_header_names, &index))
        return false;
    target->kind = (enum log_header_kind)(HEADER_RFC3164 + index);
    target->kind_is_given = true;
    return true;
}

static bool
parse_options(struct parse *parse, struct log_target *target)
{
    for (;;) {
        if (words_accept(parse->words, "len")) {
            if (!parse_len(parse, target))
                return false;
        } else if (words_accept(parse->words, "format")) {
            if (!parse_format(parse, target))
                return false;
        } else if (words_accept(parse->words, "sample")) {
            if (!parse_sample(parse, target))
                return false;
        } else if (words_accept(parse->words, "profile")) {
            target->profile_name = parse_word(parse, "the name of a log-profile section");
            if (target->profile_name == NULL)
                return false;
        } else {
            return true;
        }
    }
}

static bool
parse_level(struct parse *parse, const char *what, enum log_level *out)
{
    int index;

    if (words_at_end(parse->words))
        return true;
    if (!parse_choice(parse, what, levels, &index))
        return false;
    *out = (enum log_level)index;
    return true;
}

struct log_target *
log_target_parse(struct parse *parse)
{
    struct log_target *target = ARENA_NEW(parse->arena, struct log_target);
    int facility;

    target->pos = parse_pos(parse);
    target->len = LOG_LEN_DEFAULT;
    target->level_max = LOG_LEVEL_DEBUG;
    target->level_min = LOG_LEVEL_EMERG;
    list_init(&target->link);
    if (!parse_target(parse, target) || !parse_options(parse, target) ||
        !parse_choice(parse, "a log facility", facilities, &facility))
        return NULL;
    target->facility = (unsigned)facility;
    if (!parse_level(parse, "a log level", &target->level_max) ||
        !parse_level(parse, "a minimum log level", &target->level_min) || !parse_end(parse))
        return NULL;
    return target;
}
