/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process as the system sees it: background, pid file, root folder, rights.
 * Boot, before threads exist.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "weir/base/error.h"
#include "weir/base/str.h"

/* Goes on in a child in a session of its own; the calling process ends with status 0. */
bool process_daemonise(struct error *err);
/* Descriptors 0, 1 and 2 become /dev/null. */
void process_close_terminal(void);
bool process_write_pid(const char *path, pid_t pid, struct error *err);
bool process_chroot(const char *folder, struct error *err);

/* A name or a number. False: there is no such user, or group. */
bool process_find_user(const char *name, uid_t *out, struct error *err);
bool process_find_group(const char *name, gid_t *out, struct error *err);
/* "cap_net_raw" and the like to its bit number; -1 when weir has no use for it. */
int process_find_capability(struct str name);

struct process_rights {
    uid_t uid;             /* 0: keep the user */
    gid_t gid;             /* 0: keep the group */
    uint64_t capabilities; /* bits that stay when the user changes, if we have them */
};

/* Becomes another user for good. */
bool process_drop_rights(const struct process_rights *rights, struct error *err);
/* All that is left is the right to send signals to processes of another user, if there was more. */
bool process_keep_kill_only(struct error *err);
/* No program that we run may gain rights (set-user-id programs and the like). */
bool process_set_no_new_rights(struct error *err);
/* Core files, also after a change of user. */
bool process_set_dumpable(struct error *err);
