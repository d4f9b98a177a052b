/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Environment variables of a configuration.
 *
 * For:     "${NAME}" in the text, defined(), setenv and its kin, env() samples, "show env".
 * Owns:    what the program was started with; each snapshot's table.
 * Callers: split.c, predicate.c, main/global_conf.c, rooms that show or pass on variables.
 * Thread:  boot captures; builder changes the table of the snapshot that it builds; any reads.
 *
 * setenv(3) moves the array that other threads may be walking over, so it is called at boot only,
 * when there are no other threads.
 */
#include "weir/config/environment.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/hashmap.h"
#include "private.h"

extern char **environ;

/* "NAME=value", as at the start; NULL-terminated. Owns all of it. */
static char **captured;

/* The service manager's socket must be found when weir is ready, whatever "resetenv" says. */
static const char *const kept_in_process[] = { "NOTIFY_SOCKET" };

void
environment_capture(void)
{
    size_t count = 0;

    if (captured != NULL)
        return;
    while (environ != NULL && environ[count] != NULL)
        count++;
    captured = alloc_array(count + 1, sizeof(*captured));
    for (size_t i = 0; i < count; i++)
        captured[i] = alloc_copy(environ[i]);
}

void
environment_init(struct snapshot *snapshot)
{
    environment_capture();
    snapshot->environment = alloc_zero(sizeof(*snapshot->environment));
    hashmap_init(snapshot->environment);
    for (char **entry = captured; *entry != NULL; entry++) {
        size_t len = strcspn(*entry, "=");

        if ((*entry)[len] == '=')
            hashmap_set(snapshot->environment,
                        str_from(arena_copy_str(&snapshot->arena, str_of(*entry, len))),
                        *entry + len + 1);
    }
}

void
environment_fini(struct snapshot *snapshot)
{
    if (snapshot->environment == NULL)
        return;
    hashmap_fini(snapshot->environment);
    alloc_free(snapshot->environment);
    snapshot->environment = NULL;
}

void
environment_set(struct snapshot *snapshot, const char *name, const char *value)
{
    hashmap_set(snapshot->environment, str_from(arena_copy(&snapshot->arena, name)),
                arena_copy(&snapshot->arena, value));
    if (snapshot_current() == NULL)
        setenv(name, value, 1);
}

void
environment_remove(struct snapshot *snapshot, const char *name)
{
    hashmap_remove(snapshot->environment, str_from(name));
    if (snapshot_current() != NULL)
        return;
    for (size_t i = 0; i < COUNT(kept_in_process); i++) {
        if (strcmp(kept_in_process[i], name) == 0)
            return;
    }
    unsetenv(name);
}

const char *
environment_find(const struct snapshot *snapshot, const char *name)
{
    if (snapshot == NULL || snapshot->environment == NULL)
        return getenv(name);
    return hashmap_find(snapshot->environment, str_from(name));
}

bool
environment_next(const struct snapshot *snapshot, size_t *at, const char **name, const char **value)
{
    struct str key;
    void *found;

    if (snapshot->environment == NULL || !hashmap_next(snapshot->environment, at, &key, &found))
        return false;
    *name = key.ptr; /* NUL-terminated: arena_copy_str() */
    *value = found;
    return true;
}
