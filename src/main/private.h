/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of room main share. */
#pragma once

#include <stddef.h>

#include "weir/config/snapshot.h"
#include "weir/main/global_conf.h"

/* --- global_conf.c ------------------------------------------------------------------------ */

/* While the snapshot is built. */
struct global_conf *global_conf_writable(const struct snapshot *snapshot);
/* What global_conf_set_options() was given; NULL: nothing (tests). */
const struct options *global_conf_options(void);

/* --- keyword_list.c: names that are collected, sorted and printed once each -------------- */

struct name_list {
    char **items; /* owns, and each of them */
    size_t count;
};
/* Takes `name` over. */
void name_list_add(struct name_list *names, char *name);
void name_list_sort(struct name_list *names);
/* Sorts, prints without repetitions, and empties. */
void name_list_print(struct name_list *names);
void name_list_fini(struct name_list *names);

/* --- haproxy_list.c: -dK in HAProxy's form ----------------------------------------------- */

void haproxy_list_acl(void);
void haproxy_list_cfg(void);
void haproxy_list_cli(void);
void haproxy_list_cnv(void);
void haproxy_list_flt(void);
void haproxy_list_smp(void);
void haproxy_list_svc(void);

/* --- history.c: configurations that were put to work; control ----------------------------- */

struct history_entry {
    struct transcript *transcript; /* holds */
    uint64_t generation;           /* when it was first put to work */
    int64_t applied_wall_us;
};
/* One that was read from files; nothing when it says the same as the running one. */
void history_add(const struct snapshot *snapshot);
/* The text `steps` before the running one; NULL: none. */
struct transcript *history_find(unsigned steps);
void history_went_back(const struct transcript *transcript);
/* From 0, the oldest; NULL: no more. */
const struct history_entry *history_at(unsigned index, bool *is_current);
/* How far back it is; negative: it is younger than the running one. */
int history_steps(unsigned index);
