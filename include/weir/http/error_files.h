/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sections http-errors: sets of error files with a name, for errorfiles lines and rules.
 */
#pragma once

#include "weir/config/parse.h"
#include "weir/http/reply.h"

#define ERROR_STATUSES 19 /* those with pages of their own */

struct error_files { /* in the snapshot's arena; immutable once read */
    struct error_files *next;
    const char *name;
    const struct reply *pages[ERROR_STATUSES]; /* by error_files_index(); NULL: not given */
};

/* -1: weir has no page for that status. Any thread. */
int error_files_index(int status);
/* Reads a status that has a page, and gives its index; -1: reported. Builder. */
int error_files_parse_status(struct parse *parse);
/* Reads an error file; an empty one gives a reply with status 0. False: reported. Builder. */
bool error_files_load(struct parse *parse, const char *path, const struct reply **page);
/* NULL: no section of that name has been read yet. Builder. */
const struct error_files *error_files_find(struct snapshot *snapshot, const char *name);
