/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named lists of patterns, for the files that read, change and show them.
 */
#pragma once

#include "weir/loop/lock.h"
#include "pattern.h"

/* The list, compiled for one method. */
struct compiled {
    struct compiled *next;
    struct pattern_list list;
    enum match_method method;
    bool no_case;
};

struct pattern_file {
    const char *key;  /* kind and name: see make_key() */
    const char *name; /* as the configuration says it, without file@ and opt@ */
    const char *path; /* NULL: virt@ */
    const char *where; /* who used it first */
    enum pattern_columns columns;
    unsigned id;
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

/* Calls back for each list that the running configuration uses, in the order of ids, until it
 * returns false. */
void pattern_file_each(bool (*see)(struct pattern_file *file, void *arg), void *arg);
/* Can the value be read as all that is needed of it? */
bool pattern_file_check_value(unsigned needs, struct str value, struct error *err);
/* Entries that were removed, and nobody sees any more. */
void pattern_entry_free(void *entry);
void pattern_change_fini(struct pattern_file *file);
