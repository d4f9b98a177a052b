/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log profiles: what a target prints at each step of a stream's life in the place of the proxy's
 * own formats. And log-steps: at which steps lines are written at all.
 *
 *     log-profile NAME
 *         log-tag TAG
 *         on STEP [drop] [format FORMAT] [sd FORMAT]
 *
 * For:     log ... profile NAME; log_line.c.
 * Owns:    nothing; all lies in the snapshot.
 * Thread:  builder reads; the owner of a stream asks.
 */
#include <string.h>

#include "weir/config/keyword.h"
#include "weir/config/section.h"
#include "weir/telemetry/log.h"

#include "private.h"

struct log_profile {
    struct log_profile *next;
    const char *name;
    struct source_pos pos;
    const char *tag;                               /* NULL: the proxy's */
    const struct log_profile_step *steps[ORIGINS]; /* NULL: as `any` */
    const struct log_profile_step *any;            /* NULL: as without a profile */
};

struct profile_use {
    struct profile_use *next;
    const char *name;
    struct source_pos pos;
    void **to;
};

struct log_profiles {
    struct log_profile *first;
    struct profile_use *uses;
};

static struct slot profiles_slot = SLOT("log-profile", SLOT_GLOBAL, struct log_profiles);
REGISTER_SLOT(profiles_slot);

/* By enum log_origin; "any" behind them. */
static const char *const step_names[] = {
    [ORIGIN_CLOSE] = "close",
    [ORIGIN_ACCEPT] = "accept",
    [ORIGIN_REQUEST] = "request",
    [ORIGIN_CONNECT] = "connect",
    [ORIGIN_RESPONSE] = "response",
    [ORIGIN_ERROR] = "error",
    [ORIGIN_RULE + HOOK_TCP_CONNECTION] = "tcp-req-conn",
    [ORIGIN_RULE + HOOK_TCP_SESSION] = "tcp-req-sess",
    [ORIGIN_RULE + HOOK_TCP_REQUEST] = "tcp-req-cont",
    [ORIGIN_RULE + HOOK_HTTP_REQUEST] = "http-req",
    [ORIGIN_RULE + HOOK_TCP_RESPONSE] = "tcp-res-cont",
    [ORIGIN_RULE + HOOK_HTTP_RESPONSE] = "http-res",
    [ORIGIN_RULE + HOOK_HTTP_AFTER_RESPONSE] = "http-after-res",
    [ORIGINS] = "any",
    NULL,
};

const char *
log_origin_name(enum log_origin origin)
{
    static const char *const names[ORIGIN_RULE] = {
        [ORIGIN_CLOSE] = "txn_close",       [ORIGIN_ACCEPT] = "txn_accept",
        [ORIGIN_REQUEST] = "txn_request",   [ORIGIN_CONNECT] = "txn_connect",
        [ORIGIN_RESPONSE] = "txn_response", [ORIGIN_ERROR] = "sess_error",
    };

    return origin < ORIGIN_RULE ? names[origin] : step_names[origin];
}

const struct log_profile_step *
log_profile_step(const struct log_profile *profile, enum log_origin origin)
{
    const struct log_profile_step *step = profile->steps[origin];

    return step != NULL ? step : profile->any;
}

const char *
log_profile_tag(const struct log_profile *profile)
{
    return profile->tag;
}

/* --- the section --------------------------------------------------------- */

static struct log_profile *
find(const struct snapshot *snapshot, const char *name)
{
    const struct log_profiles *all = snapshot_slot(snapshot, &profiles_slot);
    struct log_profile *profile = all->first;

    while (profile != NULL && strcmp(profile->name, name) != 0)
        profile = profile->next;
    return profile;
}

static bool
open_profile(struct parse *parse)
{
    struct log_profiles *all = snapshot_slot(parse->snapshot, &profiles_slot);
    struct log_profile *profile = ARENA_NEW(parse->arena, struct log_profile);
    const struct log_profile *same;

    profile->name = parse_word(parse, "a name for the profile");
    if (profile->name == NULL)
        return false;
    same = find(parse->snapshot, profile->name);
    if (same != NULL)
        return parse_alert(parse, "log-profile '%s' stands already at %s:%d", profile->name,
                           same->pos.file, same->pos.line);
    profile->pos = parse_pos(parse);
    profile->next = all->first;
    all->first = profile;
    parse->object = profile;
    return parse_end(parse);
}

static bool
parse_tag(struct parse *parse)
{
    struct log_profile *profile = parse->object;

    profile->tag = parse_word(parse, "a tag");
    return profile->tag != NULL && parse_end(parse);
}

/* No proxy stands behind these formats. */
static struct log_format *
parse_format(struct parse *parse, unsigned flags)
{
    const char *text = parse_word(parse, "a format");
    void *object = parse->object;
    struct log_format *format;

    if (text == NULL)
        return NULL;
    parse->object = NULL;
    format = log_format_parse(parse, text, PLACE_FE_LOG, FORMAT_IS_LOG | FORMAT_MANDATORY | flags);
    parse->object = object;
    return format;
}

static bool
parse_step(struct parse *parse, struct log_profile_step *step)
{
    while (!words_at_end(parse->words)) {
        if (words_accept(parse->words, "drop")) {
            step->is_dropped = true;
        } else if (words_accept(parse->words, "format")) {
            step->format = parse_format(parse, 0);
            if (step->format == NULL)
                return false;
        } else if (words_accept(parse->words, "sd")) {
            step->sd = parse_format(parse, FORMAT_ESCAPE);
            if (step->sd == NULL)
                return false;
        } else {
            return parse_alert_next(parse, "expected 'drop', 'format <format>' or 'sd <format>'");
        }
    }
    return true;
}

static bool
parse_on(struct parse *parse)
{
    struct log_profile *profile = parse->object;
    struct log_profile_step *step = ARENA_NEW(parse->arena, struct log_profile_step);
    int index;

    if (!parse_choice(parse, "a step", step_names, &index) || !parse_step(parse, step))
        return false;
    if (index == ORIGINS)
        profile->any = step;
    else
        profile->steps[index] = step;
    return true;
}

static const struct section sections[] = {
    { "log-profile", IN_LOG_PROFILE, open_profile, NULL,
      "Formats that a log target uses in the place of the proxy's own.", NULL },
};
REGISTER(section, sections);

/* --- log-steps ----------------------------------------------------------- */

static bool
parse_log_steps(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;
    const char *word = parse_word(parse, "steps, or 'all'");
    struct str rest = str_from(word);

    if (word == NULL)
        return false;
    conf->log_steps = 0;
    while (rest.ptr != NULL) {
        struct str name = str_split(&rest, ',');
        unsigned origin = 0;

        while (origin < ORIGIN_ERROR && !str_eq(str_from(step_names[origin]), name))
            origin++;
        if (str_eq(name, STR("all")))
            conf->log_steps |= (1u << ORIGIN_ERROR) - 1;
        else if (origin < ORIGIN_ERROR)
            conf->log_steps |= 1u << origin;
        else
            return parse_alert(parse,
                               "'%.*s' is no step; expected accept, connect, request, response, "
                               "close or all",
                               STR_ARG(name));
    }
    return parse_end(parse);
}

static const struct keyword keywords[] = {
    { "log-tag", IN_LOG_PROFILE, .args = "<tag>", .parse = parse_tag,
      .help = "The program's name in the lines of this profile." },
    { "on", IN_LOG_PROFILE, .args = "<step> [drop] [format <format>] [sd <format>]",
      .parse = parse_on, .help = "What is printed at this step." },
    { "log-steps", IN_FRONT, .args = "all | <step>[,<step>]...", .parse = parse_log_steps,
      .help = "When lines are written: accept, request, connect, response, close." },
};
REGISTER(keyword, keywords);

/* --- names --------------------------------------------------------------- */

bool
log_profile_use(struct parse *parse, const char *name, void **to)
{
    struct log_profiles *all = snapshot_slot(parse->snapshot, &profiles_slot);
    struct profile_use *use = ARENA_NEW(parse->arena, struct profile_use);

    if (name == NULL)
        return false;
    *use = (struct profile_use){ all->uses, name, parse_pos(parse), to };
    all->uses = use;
    return true;
}

static const void *
find_named(struct parse *parse, const char *name, struct source_pos pos)
{
    const struct log_profile *profile = find(parse->snapshot, name);

    if (profile == NULL)
        parse_alert_at(parse, pos, "there is no section 'log-profile %s'", name);
    return profile;
}

static bool
resolve(struct parse *parse)
{
    const struct log_profiles *all = snapshot_slot(parse->snapshot, &profiles_slot);
    bool fine = log_profiles_resolve(parse, find_named);

    for (const struct profile_use *use = all->uses; use != NULL; use = use->next) {
        *use->to = (void *)find_named(parse, use->name, use->pos);
        fine = fine && *use->to != NULL;
    }
    return fine;
}

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_STREAM, resolve, "stream: log profiles" },
};
REGISTER(config_hook, hooks);
