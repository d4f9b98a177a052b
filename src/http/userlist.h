/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of userlists: userlist_conf.c reads them, userlist.c looks at passwords. */
#pragma once

#include "weir/http/userlist.h"

struct userlist_user {
    struct userlist_user *next;
    struct source_pos pos;
    const char *name;
    const char *password; /* NULL: nobody can log in */
    bool is_plain;
    const char **groups; /* NULL-terminated */
    unsigned group_count;
};

struct userlist_group {
    struct userlist_group *next;
    const char *name;
    const char *users; /* as written, until the section ends; NULL: none */
    struct source_pos pos;
};

struct userlist {
    struct userlist *next;
    const char *name;
    struct source_pos pos;
    struct userlist_user *users;
    struct userlist_group *groups;
    bool is_used;
};

/* The last one; NULL: there is none. */
struct userlist *userlist_first(const struct snapshot *snapshot);
