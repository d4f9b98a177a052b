/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of patterns that can change, for the files that read, change and show them.
 *
 *     pattern_file.c    a list: read from its file, compiled, shared by configurations
 *     pattern_use.c     those that a configuration uses, and their numbers
 *     pattern_line.c    patterns that stand in the configuration itself
 *     pattern_change.c  what changes at run time
 *     pattern_ask.c     what stands in a list
 *     pattern_cli.c     the commands
 */
#pragma once

#include "weir/loop/lock.h"
#include "pattern.h"

/* The list, compiled for one method. */
struct compiled {
    struct compiled *next;
    struct pattern_list list; /* those of lines follow it: pattern_line_follow() */
    enum match_method method;
    bool no_case;
};

struct pattern_file {
    const char *key;  /* kind and name: see make_key() */
    const char *name; /* as the configuration says it, without file@ and opt@ */
    const char *path; /* NULL: virt@, or patterns of a line */
    bool is_line;
    struct pattern_file *next_line; /* all that are lists of lines */
    const char *where; /* "used by ...": who used it first; of a line: what it is */
    enum pattern_columns columns;
    unsigned refs; /* lock of the table */
    bool is_in_table;
    uint64_t fingerprint; /* of the content as it was read */
    char *content;        /* owns; the entries point into it */
    struct arena arena;   /* entries that were read; compiled */

    struct lock lock; /* of all below; they change at run time */
    struct pattern_entry *first, *last;
    unsigned count;     /* of all versions */
    uint32_t version, next_version;
    unsigned needs;     /* set of 1 << enum value_type: what all values can be read as */
    struct compiled *compiled;
    struct pattern_entry **index; /* by key; NULL: not yet made */
    uint32_t index_mask;
    struct pattern_entry *dead;   /* removed, but in sets still; by `same` */
    unsigned dead_count;
    unsigned removals;            /* ever */
};

/* The first of that key; NULL: none. Under the lock. pattern_change.c */
struct pattern_entry *pattern_file_entry(struct pattern_file *file, uint32_t version, struct str key);

/* --- pattern_file.c ------------------------------------------------------------------------- */

/* Empty, held for the caller. `key`: a kind, a blank and the name. */
struct pattern_file *pattern_file_new(const char *key, const char *path,
                                      enum pattern_columns columns);
void pattern_file_drop(struct pattern_file *file);
/* Others find it from now on, in the place of one with the same key. */
void pattern_file_publish(struct pattern_file *file);
/* The living list of that key, if its content is what it was; held for the caller. */
struct pattern_file *pattern_file_find(const char *key, uint64_t fingerprint);
/* Before anybody else sees it. key and value stay the caller's. */
void pattern_file_add(struct pattern_file *file, struct str key, struct str value, unsigned line);
/* "file@x", "opt@x" and "x" are the same list; an ACL and a map of one file are two. */
const char *pattern_file_key(struct parse *parse, const char *name, enum pattern_columns columns);
/* The living list of that name if its file is what it was, else a new one; held for the caller.
 * NULL: reported. */
struct pattern_file *pattern_file_open(struct parse *parse, const char *name,
                                       enum pattern_columns columns);
/* Can the value be read as all that is needed of it? */
bool pattern_file_check_value(unsigned needs, struct str value, struct error *err);

/* --- pattern_use.c -------------------------------------------------------------------------- */

/* A configuration's use of a list. The only thing in it that changes: a line gets a list when
 * somebody asks for it at run time, because few ever do. Control. */
struct pattern_use {
    struct pattern_use *next;
    struct pattern_file *file; /* holds; NULL: nobody has asked for this line */
    struct pattern_line *line; /* NULL: a list with a name */
    unsigned order;            /* in the text */
    unsigned id;               /* at run time */
    bool has_id;               /* the configuration gives it (-u) */
};

/* The list of that name, which the snapshot uses from now on. NULL: reported. */
struct pattern_file *pattern_use_file(struct parse *parse, const char *name,
                                      enum pattern_columns columns);
/* Patterns of a line; id -1: any. False: reported. */
bool pattern_use_line(struct parse *parse, struct pattern_line *line, int64_t id);
/* Calls back for each list that the running configuration uses, in the order of ids, until it
 * returns false. */
void pattern_use_each(bool (*see)(struct pattern_use *use, void *arg), void *arg);
/* Its list; that of a line is made now. */
struct pattern_file *pattern_use_open(struct pattern_use *use);
/* Lets go of them. */
void pattern_use_drop(struct pattern_use *uses);

/* --- pattern_line.c --------------------------------------------------------------------------- */

/* The patterns of one acl line or pair of braces. In the snapshot's arena. */
struct pattern_line {
    struct str name; /* of the criterion, as written */
    struct source_pos pos;
    enum match_method method;
    bool no_case;
    const char **keys; /* the patterns; numbers with their operator are ranges */
    unsigned count;
    struct pattern_list *list; /* what traffic looks at */
    uint64_t fingerprint;      /* of all that makes it what it is */
};

/* Once all keys are there. */
void pattern_line_seal(struct pattern_line *line);
/* Makes it a list that can be changed: the living one of the `nth` line of that fingerprint, or a
 * new one. Held for the caller. Control. */
struct pattern_file *pattern_line_open(struct pattern_line *line, unsigned nth);
/* The same if there is a living one; NULL: there is none. */
struct pattern_file *pattern_line_reopen(struct pattern_line *line, unsigned nth);
/* Before the line goes. */
void pattern_line_close(struct pattern_line *line, struct pattern_file *file);
/* Is there any list of a line that says the same? */
bool pattern_line_is_living(const struct pattern_line *line);
/* A list of a line is about to be freed. */
void pattern_line_forget(struct pattern_file *file);

/* --- pattern_change.c ------------------------------------------------------------------------- */

/* Entries that were removed, and nobody sees any more. */
void pattern_entry_free(void *entry);
/* Compiles all entries anew. With the lock held. */
void pattern_change_renew(struct pattern_file *file);
void pattern_change_fini(struct pattern_file *file);
