/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log lines of a configuration: where they stand, whom they are inherited
 * by, and the keywords of the global section.
 *
 * For:     "log", "log-tag", "log-send-hostname" in global; "log" of proxies
 *          through log_targets_parse().
 * Owns:    per snapshot, all its log lines; it holds their sinks from ADOPT to
 *          RELEASE.
 * Callers: the configuration room; proxy and everybody else who has log lines.
 * Thread:  builder while it is read, control from ADOPT on.
 *
 * A proxy inherits the pointer to the lines of its defaults section. The first
 * "log" of its own copies them, so nobody changes what others share. "log global"
 * is a flag until the whole text is read.
 */
#include <string.h>
#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/config/keyword.h"
#include "private.h"

#define HOST_MAX 256
#define JSON_LEN 16384 /* objects, unless len says something else */

static void
init_conf(void *slot)
{
    struct log_conf *conf = slot;

    list_init(&conf->lists);
    list_init(&conf->targets);
}

static struct slot log_slot = {
    .name = "log", .owner = SLOT_GLOBAL, .size = sizeof(struct log_conf), .init = init_conf
};
REGISTER_SLOT(log_slot);

const struct log_conf *
log_conf_of(const struct snapshot *snapshot)
{
    return snapshot_slot(snapshot, &log_slot);
}

/* --- lists ------------------------------------------------------------------------- */

static struct log_targets *
new_list(struct parse *parse, const struct log_targets *from)
{
    struct log_conf *conf = snapshot_slot(parse->snapshot, &log_slot);
    struct log_targets *list = ARENA_NEW(parse->arena, struct log_targets);

    if (from != NULL) {
        list->lines = ARENA_ARRAY(parse->arena, struct log_target *, from->line_count);
        list->line_count = from->line_count;
        list->with_global = from->with_global;
        if (from->line_count > 0)
            memcpy(list->lines, from->lines, from->line_count * sizeof(list->lines[0]));
    }
    list->conf = conf;
    list->owner = parse->object;
    list->level = -1;
    list_add_last(&conf->lists, &list->link);
    return list;
}

/* Those of this very object. */
static struct log_targets *
own_list(struct parse *parse, struct log_targets **targets)
{
    if (*targets == NULL || (*targets)->owner != parse->object)
        *targets = new_list(parse, *targets);
    return *targets;
}

static void
add_line(struct parse *parse, struct log_targets *list, struct log_target *target)
{
    struct log_target **lines =
        ARENA_ARRAY(parse->arena, struct log_target *, list->line_count + 1);

    if (list->line_count > 0)
        memcpy(lines, list->lines, list->line_count * sizeof(lines[0]));
    lines[list->line_count++] = target;
    list->lines = lines;
}

bool
log_targets_parse(struct parse *parse, struct log_targets **targets)
{
    struct log_conf *conf = snapshot_slot(parse->snapshot, &log_slot);
    struct log_target *target;

    if (parse->negated) {
        *targets = NULL;
        return parse_end(parse);
    }
    if (parse->place != IN_GLOBAL && words_accept(parse->words, "global")) {
        own_list(parse, targets)->with_global = true;
        return parse_end(parse);
    }
    target = log_target_parse(parse);
    if (target == NULL)
        return false;
    list_add_last(&conf->targets, &target->link);
    add_line(parse, own_list(parse, targets), target);
    return true;
}

/* --- once the text is read ----------------------------------------------------------- */

static void
count_in(struct log_targets *list, struct log_target *target)
{
    list->items[list->count++] = target;
    if ((int)target->level_max > list->level)
        list->level = (int)target->level_max;
    if (target->len > list->max_len)
        list->max_len = target->len;
    if (target->len_is_given && target->len < list->json_len)
        list->json_len = target->len;
    list->has_profiles |= target->profile_name != NULL;
}

static void
complete(struct parse *parse, struct log_targets *list, const struct log_targets *global)
{
    unsigned extra = list->with_global && global != NULL ? global->line_count : 0;

    list->json_len = JSON_LEN;
    list->items = ARENA_ARRAY(parse->arena, struct log_target *, list->line_count + extra);
    for (unsigned i = 0; i < extra; i++)
        count_in(list, global->lines[i]);
    for (unsigned i = 0; i < list->line_count; i++)
        count_in(list, list->lines[i]);
}

/* The ring's own format wins; lines of a ring without one are as the log line says, or bare. */
static bool
resolve_ring(struct parse *parse, struct log_target *target)
{
    if (target->ring_name == NULL)
        return true;
    if (target->ring == NULL)
        target->ring = ring_conf_find(parse->snapshot, target->ring_name);
    if (target->ring == NULL)
        return parse_alert_at(parse, target->pos, "'log': there is no section 'ring %s'",
                              target->ring_name);
    if (target->ring->has_format)
        target->kind = (enum log_header_kind)target->ring->format;
    else if (!target->ring->is_implicit && !target->kind_is_given)
        target->kind = HEADER_RAW;
    return true;
}

static bool
resolve_backend(struct parse *parse, struct log_target *target)
{
    if (target->backend_name == NULL)
        return true;
    FOR_EACH_REGISTERED (log_backend_kind, kind, list) {
        target->backend_kind = kind;
        target->backend = kind->find(parse, target->backend_name, target->pos);
    }
    return target->backend != NULL;
}

static bool
resolve(struct parse *parse)
{
    struct log_conf *conf = snapshot_slot(parse->snapshot, &log_slot);

    bool fine = true;

    LIST_FOR_EACH (target, &conf->targets, struct log_target, link)
        fine = resolve_ring(parse, target) && resolve_backend(parse, target) && fine;
    LIST_FOR_EACH (list, &conf->lists, struct log_targets, link)
        complete(parse, list, conf->global);
    return fine;
}

bool
log_profiles_resolve(struct parse *parse,
                     const void *(*find)(struct parse *parse, const char *name,
                                         struct source_pos pos))
{
    struct log_conf *conf = snapshot_slot(parse->snapshot, &log_slot);
    bool fine = true;

    LIST_FOR_EACH (target, &conf->targets, struct log_target, link) {
        if (target->profile_name == NULL)
            continue;
        target->profile = find(parse, target->profile_name, target->pos);
        fine = fine && target->profile != NULL;
    }
    return fine;
}

/* --- live ------------------------------------------------------------------------------ */

static bool
adopt(struct parse *parse)
{
    struct log_conf *conf = snapshot_slot(parse->snapshot, &log_slot);
    struct error err = ERROR_INIT;

    LIST_FOR_EACH (target, &conf->targets, struct log_target, link) {
        if (target->ring == NULL && target->backend == NULL)
            target->sink = log_sink_adopt(&target->addr, &err);
        if (target->ring == NULL && target->backend == NULL && target->sink == NULL)
            return parse_alert_at(parse, target->pos, "'log': %s", err.text);
        if (target->range_count > 0)
            target->sample_position = alloc_zero(sizeof(*target->sample_position));
    }
    return true;
}

/* Lines in the rings may still name these targets: send them first. */
static bool
release(struct parse *parse)
{
    struct log_conf *conf = snapshot_slot(parse->snapshot, &log_slot);

    log_writer_drain();
    LIST_FOR_EACH (target, &conf->targets, struct log_target, link) {
        log_sink_drop(target->sink);
        target->sink = NULL;
        alloc_free(target->sample_position);
        target->sample_position = NULL;
    }
    return true;
}

static const struct config_hook config_hooks[] = {
    { CONFIG_RESOLVE, ORDER_TELEMETRY, resolve, "log lines" },
    { CONFIG_ADOPT, ORDER_TELEMETRY, adopt, "log sinks" },
    { CONFIG_RELEASE, ORDER_TELEMETRY, release, "log sinks" },
};
REGISTER(config_hook, config_hooks);

/* --- keywords ---------------------------------------------------------------------------- */

static bool
parse_log(struct parse *parse)
{
    struct log_conf *conf = snapshot_slot(parse->snapshot, &log_slot);

    return log_targets_parse(parse, &conf->global);
}

static bool
parse_tag(struct parse *parse)
{
    struct log_conf *conf = snapshot_slot(parse->snapshot, &log_slot);

    conf->tag = parse_word(parse, "a tag for log lines");
    return conf->tag != NULL && parse_end(parse);
}

static bool
parse_send_hostname(struct parse *parse)
{
    struct log_conf *conf = snapshot_slot(parse->snapshot, &log_slot);
    const char *word = words_next(parse->words);
    char name[HOST_MAX] = "";

    if (word == NULL) {
        gethostname(name, sizeof(name) - 1);
        word = name;
    }
    conf->host = arena_copy(parse->arena, word);
    return parse_end(parse);
}

static const struct keyword keywords[] = {
    { "log", IN_GLOBAL, .flags = KEYWORD_NO, .parse = parse_log,
      .args = "<target> [len <n>] [format <f>] [sample <ranges>:<size>] "
              "[profile <name>] <facility> [<max> [<min>]]",
      .help = "Send log lines to a syslog server (UDP, or tcp@), a socket, a descriptor or a ring (ring@)." },
    { "log-tag", IN_GLOBAL, .parse = parse_tag, .args = "<tag>",
      .help = "Name of the program in log lines." },
    { "log-send-hostname", IN_GLOBAL, .parse = parse_send_hostname, .args = "[<name>]",
      .help = "Put a host name into log lines." },
};
REGISTER(keyword, keywords);
