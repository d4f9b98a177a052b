/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keywords of the configuration, registered by the rooms that know them.
 *
 *     static const struct keyword keywords[] = {
 *         { "timeout client", IN_FRONT, .args = "<time>", .parse = parse_timeout, .help = "..." },
 *         { "backlog", IN_FRONT, .args = "<n>", SET_INT(struct proxy_conf, backlog, 0, INT_MAX), .help = "..." },
 *         { "option redispatch", IN_BACK, .flags = KEYWORD_NO, SET_FLAG(struct proxy_conf, redispatch), .help = "..." },
 *         { "compression algo", IN_PROXY, .slot = &compression_slot, .parse = ..., },
 *     };
 *     REGISTER(keyword, keywords);
 *
 * With .slot the setters' offsets (and parse->object's slot, see keyword_object()) are inside that slot.
 */
#pragma once

#include <limits.h>

#include "weir/config/parse.h"
#include "weir/config/slot.h"

typedef bool keyword_fn(struct parse *parse);

enum keyword_flag {
    KEYWORD_NO = 1 << 0,        /* may be preceded by "no" and "default" */
    KEYWORD_HTTP_ONLY = 1 << 1, /* warned about and ignored in TCP mode */
    KEYWORD_HIDDEN = 1 << 2,    /* old spelling: known, not listed */
    KEYWORD_NAMED_DEFAULTS = 1 << 3, /* in defaults sections: only in named ones */
    KEYWORD_PREFIX = 1 << 4,    /* the word goes on after the name: "set-var(", "track-sc"; the parser finds
                                   the whole word as the next one */
    KEYWORD_RESTART = 1 << 5,   /* a change has no effect before the next start: named by "show config diff" */
};

enum setter_kind {
    SETTER_NONE,   /* .parse does the work */
    SETTER_FLAG,   /* bool: true, or false after "no" */
    SETTER_INT,    /* int64_t in min..max */
    SETTER_TIME_MS, /* int64_t milliseconds; a bare number is ms */
    SETTER_TIME_S, /* int64_t milliseconds; a bare number is seconds */
    SETTER_SIZE,   /* uint64_t bytes */
    SETTER_TEXT,   /* const char * */
    SETTER_ON_OFF, /* bool */
    SETTER_CHOICE, /* int: index in `choices` */
};

struct keyword {
    const char *name;
    unsigned place; /* set of IN_ bits */
    unsigned flags;
    const char *args; /* synopsis after the name, for messages and -dK */
    keyword_fn *parse;
    enum setter_kind setter;
    size_t offset;
    int64_t min, max;
    const char *const *choices;
    struct slot *slot;
    const char *help; /* one sentence; mandatory */
};
REGISTRY(keyword, struct keyword);

#define SET_FLAG(type, member)           .setter = SETTER_FLAG, .offset = offsetof(type, member)
#define SET_INT(type, member, low, high)                                                           \
    .setter = SETTER_INT, .offset = offsetof(type, member), .min = (low), .max = (high)
#define SET_TIME_MS(type, member)        .setter = SETTER_TIME_MS, .offset = offsetof(type, member)
#define SET_TIME_S(type, member)         .setter = SETTER_TIME_S, .offset = offsetof(type, member)
#define SET_SIZE(type, member)           .setter = SETTER_SIZE, .offset = offsetof(type, member)
#define SET_TEXT(type, member)           .setter = SETTER_TEXT, .offset = offsetof(type, member)
#define SET_ON_OFF(type, member)         .setter = SETTER_ON_OFF, .offset = offsetof(type, member)
#define SET_CHOICE(type, member, names)                                                            \
    .setter = SETTER_CHOICE, .offset = offsetof(type, member), .choices = (names)

/* Boot, once: sorts the registered keywords; refuses duplicates. Sections and the environment too. */
void keyword_table_init(void);
/* Reads one keyword and its words for parse->object at parse->place and runs it: longest name first, "no" understood,
 * unknown words reported with the nearest spelling. For sections, and for the words of bind and server lines, where it
 * is called until the line ends. False: reported. */
bool keyword_run(struct parse *parse);
/* Where the setters write: the slot of the keyword inside the current object. */
void *keyword_slot(struct parse *parse, const struct slot *slot);
/* How to reach the slots of the object at a place: the owner of the place registers it. */
struct place_slots {
    unsigned place;                  /* set of IN_ bits */
    void *(*slots)(void *object);
};
REGISTRY(place_slots, struct place_slots);
