/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns: what values are matched against, one by one and in sets.
 *
 *     match.c         the methods: names, the type of value they look at
 *     pattern.c       one pattern: read it, match it
 *     pattern_set.c   many of one method, compiled so that a look-up does not walk over all
 *     pattern_file.h  lists that can change: files, virt@, opt@, and those of acl lines
 */
#pragma once

#include "weir/base/arena.h"
#include "weir/base/error.h"
#include "weir/base/regex.h"
#include "weir/config/parse.h"
#include "weir/expr/pattern_change.h"
#include "weir/expr/value.h"

/* --- match.c ------------------------------------------------------------------------------ */

enum match_method {
    MATCH_FOUND,
    MATCH_BOOL,
    MATCH_INT,
    MATCH_IP,
    MATCH_BIN,
    MATCH_LEN,
    MATCH_STR,
    MATCH_BEG,
    MATCH_END,
    MATCH_SUB,
    MATCH_DIR,
    MATCH_DOM,
    MATCH_REG,
    MATCH_METHODS,
};

/* By the name after -m; -1: unknown. */
int match_method_find(struct str name);
const char *match_method_name(enum match_method method);
/* All names, NULL-terminated, and in a line for messages. */
const char *const *match_method_names(void);
const char *match_method_list(void);
/* The type of value the method looks at; `natural`: that of the sample. */
enum value_type match_method_type(enum match_method method, enum value_type natural);
/* How values of a type are matched unless -m says otherwise; -1: -m must say it. */
int match_method_natural(enum value_type type);
/* Does it look at patterns at all? */
bool match_method_has_patterns(enum match_method method);
/* What the parts of a text for "dir" and "dom" stand between. */
const char *match_method_delimiters(enum match_method method);

/* --- pattern.c ------------------------------------------------------------------------------ */

/* A network: the first `bits` of `bytes`; `is_4`: 4 bytes, else 16. */
struct network {
    uint8_t bytes[16];
    uint8_t bits;
    bool is_4;
};

struct pattern {
    union {
        struct str str; /* in lower case where case does not count */
        struct {
            int64_t low, high;
        } range;
        struct network net;
        struct regex *regex; /* owned by the set */
    };
    const struct pattern_entry *entry; /* of a named list: key as written, value; NULL */
    uint32_t order; /* in which it was added: of several that match, the first counts */
};

enum compare { COMPARE_EQ, COMPARE_GE, COMPARE_GT, COMPARE_LE, COMPARE_LT };
/* "eq" and the like; -1: no operator. */
int compare_find(const char *word);

/* Reads a pattern as written. Bytes are copied to the arena when they must be changed, else
 * borrowed. */
bool pattern_parse(struct pattern *pattern, enum match_method method, bool no_case,
                   enum compare compare, struct str text, struct arena *arena, struct error *err);
/* `value` has the method's type. */
bool pattern_match(const struct pattern *pattern, enum match_method method, bool no_case,
                   const struct value *value);
/* The address as a network of all its bits. */
void network_of_value(struct network *net, const struct value *value);
/* The IPv4 address inside an IPv6 one: ::ffff:a.b.c.d, ::a.b.c.d, 2002:a.b.c.d::. False: none. */
bool network_find_ip4(const struct network *from, struct network *to);
bool network_holds(const struct network *net, const struct network *addr);

/* --- pattern_set.c ---------------------------------------------------------------------------- */

struct pattern_set;

/* Empty. All its memory is in the arena, but regexes: pattern_set_fini(). */
struct pattern_set *pattern_set_new(struct arena *arena, enum match_method method, bool no_case);
void pattern_set_fini(struct pattern_set *set);
/* The arena must stay that of pattern_set_new(). False: err. */
bool pattern_set_add(struct pattern_set *set, struct str text, enum compare compare,
                     const struct pattern_entry *entry, struct error *err);
/* Once all are there. */
void pattern_set_compile(struct pattern_set *set);
unsigned pattern_set_count(const struct pattern_set *set);
enum match_method pattern_set_method(const struct pattern_set *set);
/* Any thread. The pattern that matches; NULL: none does. Of several the longest (networks,
 * prefixes, suffixes), else the first. `value` has the method's type. */
const struct pattern *pattern_set_find(const struct pattern_set *set, const struct value *value);

/* Takes all living patterns of another one, of entries only, in their order. */
bool pattern_set_add_all(struct pattern_set *set, const struct pattern_set *from,
                         struct error *err);

/* --- sets that have their own memory, for lists that change ----------------------------------- */

struct pattern_set *pattern_set_make(enum match_method method, bool no_case);
/* Of pattern_set_make(). */
void pattern_set_free(void *set);
/* As long as `*removals` is what it is now, none of its entries is dead, and they need not be looked
 * at. */
void pattern_set_watch(struct pattern_set *set, const unsigned *removals);
/* What is not in `set` is looked up in `older` too, whose patterns were added before. Before it is
 * published. */
void pattern_set_chain(struct pattern_set *set, struct pattern_set *older);
struct pattern_set *pattern_set_older(const struct pattern_set *set);

/* --- pattern_file.c ----------------------------------------------------------------------------- */

/* A value of a map; immutable, a change brings another one. */
struct pattern_value {
    struct str text;
    bool is_own; /* memory of its own */
};

/* One line of a list. */
struct pattern_entry {
    struct pattern_entry *next, *before; /* all of the list, in order */
    struct pattern_entry *same;          /* in its bucket of the index of keys */
    struct str key;
    const struct pattern_value *value; /* of maps; grace_read() */
    struct pattern_value first;        /* as it was read */
    uint32_t line;                     /* in its file; 0: added at run time */
    uint32_t version;
    bool is_own;  /* memory of its own */
    bool is_dead; /* removed: a set that still has it passes over it */
};

/* A list by name, compiled for one method; `set` changes under RCU. In the snapshot's arena, or the
 * list's. */
struct pattern_list {
    struct pattern_set *set; /* grace_read(); never NULL */
    struct pattern_list *follower; /* has the same set; pattern_line.c */
};

/* What a configuration names: "path", "file@path", "opt@path", "virt@name". The same list is shared
 * by all who name it. NULL: reported. Builder. */
struct pattern_list *pattern_file_use(struct parse *parse, const char *name,
                                      enum pattern_columns columns, enum match_method method,
                                      bool no_case);
/* From now on all values of that map can be read as `type` (VALUE_INT, VALUE_ADDR). False:
 * reported. Builder. */
bool pattern_file_need(struct parse *parse, const char *name, enum value_type type);
/* A list of patterns that stand in the configuration itself. Builder. */
struct pattern_list *pattern_list_new(struct parse *parse, enum match_method method, bool no_case);
