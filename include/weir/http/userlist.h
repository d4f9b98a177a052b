/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sections userlist: names with passwords, and groups. In the snapshot's arena; immutable.
 */
#pragma once

#include <stdbool.h>

#include "weir/base/str.h"
#include "weir/config/diag.h"

struct snapshot;
struct userlist;
struct userlist_user;

/* NULL: there is none. Builder. */
struct userlist *userlist_find(const struct snapshot *snapshot, struct str name);
/* The user whose password this is; NULL: wrong. A hashed password may take some milliseconds the
 * first time; the thread remembers the answer. Traffic. */
const struct userlist_user *userlist_check(const struct userlist *list,
                                           const struct snapshot *snapshot, struct str name,
                                           struct str password);
/* The n-th group of a user (0, 1, ...); NULL: it has no more. */
const char *userlist_group(const struct userlist_user *user, unsigned n);
