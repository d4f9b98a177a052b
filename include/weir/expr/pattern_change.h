/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of patterns (ACL files and maps) that change while traffic reads them.
 *
 * A change is made as a whole or, with an error, not at all. Traffic sees the list before or after
 * it. Any thread that is registered for grace periods; each list has a lock for those who write.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/error.h"
#include "weir/base/registry.h"
#include "weir/base/str.h"
#include "weir/base/text.h"
#include "weir/config/parse.h"

struct pattern_file;

enum pattern_columns { PATTERN_KEYS, PATTERN_MAP }; /* a line is a key; a line is key and value */

/* The list of that name ("path", "opt@path", "virt@name"), for actions that change it; the snapshot
 * holds it. NULL: reported. Builder. */
struct pattern_file *pattern_change_target(struct parse *parse, const char *name,
                                           enum pattern_columns columns);

/* The list of that name ("path", "virt@name") that the configuration uses; the snapshot holds it. A map where an
 * ACL and a map share the name. NULL: none. Any thread that holds the snapshot. */
struct snapshot;
struct pattern_file *pattern_change_find(const struct snapshot *snapshot, const char *name);
const char *pattern_change_name(const struct pattern_file *file);
bool pattern_change_is_map(const struct pattern_file *file);

/* For versions: what traffic sees. */
#define PATTERN_CURRENT UINT32_MAX

/* Could it be added? False: err. */
bool pattern_change_check(struct pattern_file *file, struct str key, struct str value,
                          struct error *err);
/* Adds behind the others. `value` counts for maps. False: err. */
bool pattern_change_add(struct pattern_file *file, uint32_t version, struct str key,
                        struct str value, struct error *err);
/* The same unless the key is there already. */
bool pattern_change_add_once(struct pattern_file *file, struct str key, struct error *err);
/* Gives another value to all entries of that key; where there is none, adds it. */
bool pattern_change_put(struct pattern_file *file, struct str key, struct str value,
                        struct error *err);
/* The same for what is there; false without a message in err: nothing is. */
bool pattern_change_set(struct pattern_file *file, struct str key, struct str value,
                        struct error *err);
/* Of the entry with that id, as `show map` prints it. */
bool pattern_change_set_id(struct pattern_file *file, uintptr_t id, struct str value,
                           struct error *err);
/* Removes all entries of that key; false: there are none. */
bool pattern_change_remove(struct pattern_file *file, uint32_t version, struct str key);
bool pattern_change_remove_id(struct pattern_file *file, uintptr_t id);
/* Removes all entries of a version. */
void pattern_change_clear(struct pattern_file *file, uint32_t version);
/* A new version, which traffic does not see yet. */
uint32_t pattern_change_prepare(struct pattern_file *file);
/* Traffic sees that version from now on; older entries go. False: err. */
bool pattern_change_commit(struct pattern_file *file, uint32_t version, struct error *err);

/* Adds the value of the first entry of that key; false: there is none. */
bool pattern_change_get(struct pattern_file *file, uint32_t version, struct str key,
                        struct text *value);
/* Adds all entries of a version: key and value, each with a zero byte behind it. */
void pattern_change_dump(struct pattern_file *file, uint32_t version, struct text *to);

/* --- who wants to know ---------------------------------------------------------------------- */

enum pattern_event { PATTERN_ADDED, PATTERN_REMOVED, PATTERN_SET, PATTERN_CLEARED, PATTERN_COMMITTED };

/* What traffic sees has changed: on the thread that changed it, with no lock held. */
struct pattern_reader {
    void (*read)(const struct pattern_file *file, enum pattern_event what);
};
REGISTRY(pattern_reader, struct pattern_reader);
