/* SPDX-License-Identifier: Apache-2.0 */
/*
 * patref:event_sub(): lists of patterns that change.
 *
 * Thread:  whoever changes a list.
 */
#include "weir/expr/pattern_change.h"
#include "event.h"

static void
push_nothing(lua_State *lua, const struct script_event *event)
{
    (void)event;
    lua_pushnil(lua);
}

static void
free_nothing(struct script_event *event)
{
    (void)event;
}

static void
on_change(const struct pattern_file *file, enum pattern_event what)
{
    static const enum script_event_kind kinds[] = {
        [PATTERN_ADDED] = EVENT_PAT_REF_ADD,     [PATTERN_REMOVED] = EVENT_PAT_REF_DEL,
        [PATTERN_SET] = EVENT_PAT_REF_SET,       [PATTERN_CLEARED] = EVENT_PAT_REF_CLEAR,
        [PATTERN_COMMITTED] = EVENT_PAT_REF_COMMIT,
    };
    struct script_event *event;

    if (!script_event_is_wanted(kinds[what]))
        return;
    event = script_event_new(sizeof(*event), kinds[what], pattern_change_name(file));
    event->push = push_nothing;
    event->free = free_nothing;
    script_event_send(event);
}

static const struct pattern_reader readers[] = { { on_change } };
REGISTER(pattern_reader, readers);
