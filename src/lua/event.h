/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events that scripts subscribe to: names, and how those who know of them tell.
 */
#pragma once

#include "private.h"

enum script_event_kind {
    EVENT_SERVER_ADD = 1 << 0,
    EVENT_SERVER_DEL = 1 << 1,
    EVENT_SERVER_UP = 1 << 2,
    EVENT_SERVER_DOWN = 1 << 3,
    EVENT_SERVER_STATE = 1 << 4,
    EVENT_SERVER_ADMIN = 1 << 5,
    EVENT_SERVER_CHECK = 1 << 6,
    EVENTS_OF_SERVERS = (1 << 7) - 1,
    EVENT_PAT_REF_ADD = 1 << 7,
    EVENT_PAT_REF_DEL = 1 << 8,
    EVENT_PAT_REF_SET = 1 << 9,
    EVENT_PAT_REF_CLEAR = 1 << 10,
    EVENT_PAT_REF_COMMIT = 1 << 11,
    EVENTS_OF_LISTS = EVENT_PAT_REF_ADD | EVENT_PAT_REF_DEL | EVENT_PAT_REF_SET |
                      EVENT_PAT_REF_CLEAR | EVENT_PAT_REF_COMMIT,
};

/* On its way to the states; immutable. The first member of what a family has to say. */
struct script_event {
    unsigned refs; /* atomic */
    enum script_event_kind kind;
    int64_t when;        /* seconds since 1970 */
    const char *subject; /* "backend/server", or the name of a list: what a subscription may be bound to; owns */
    /* Leaves the data for the function, perhaps nil. In the state. */
    void (*push)(lua_State *lua, const struct script_event *event);
    void (*free)(struct script_event *event); /* its own part */
};

/* Does anybody want it? Cheap. Any thread with a loop. */
bool script_event_is_wanted(enum script_event_kind kind);
/* Of `size` bytes, zeroed but for the first members; `subject` is copied. */
void *script_event_new(size_t size, enum script_event_kind kind, const char *subject);
/* Brings it to each state that wants it, and gives it away. Any thread with a loop. */
void script_event_send(struct script_event *event);
/* core.event_sub(), server:event_sub(), patref:event_sub(): self, { types }, function on the stack. `kinds`: those
 * that can be had here; `subject`: NULL: all. Leaves the EventSub. */
int script_event_sub(lua_State *lua, unsigned kinds, const char *subject);
