/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to servers, for scripts that have subscribed to it: ServerEvent and what is in it.
 *
 * Thread:  control; the data is made on the thread of the state.
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/check/check.h"
#include "weir/server/server.h"
#include "event.h"

struct check_facts { /* ServerEventCheckRes */
    bool is_there, is_agent;
    struct check_view view;
};

struct server_event {
    struct script_event event; /* first */
    char *proxy, *server;      /* owns */
    int64_t proxy_id, server_id;
    int old_state, new_state;  /* enum server_state */
    unsigned old_admin, new_admin, requeued;
    bool is_administrative;
    char *cause; /* owns; NULL: none */
    struct check_facts check;
};

/* --- on the thread of the state ---------------------------------------------------------------------------- */

static void
set_text(lua_State *lua, const char *name, const char *text)
{
    lua_pushstring(lua, text);
    lua_setfield(lua, -2, name);
}

static void
set_number(lua_State *lua, const char *name, int64_t number)
{
    lua_pushinteger(lua, number);
    lua_setfield(lua, -2, name);
}

static void
set_number_text(lua_State *lua, const char *name, int64_t number)
{
    lua_pushfstring(lua, "%I", (LUAI_UACINT)number);
    lua_setfield(lua, -2, name);
}

static void
set_flag(lua_State *lua, const char *name, bool flag)
{
    lua_pushboolean(lua, flag);
    lua_setfield(lua, -2, name);
}

static const char *
result_of(enum check_status status)
{
    bool is_passed = status == CHECK_L4OK || status == CHECK_L6OK || status == CHECK_L7OK ||
                     status == CHECK_PROCOK;

    return status == CHECK_L7OKC ? "CONDPASS" : is_passed ? "PASSED" : "FAILED";
}

/* ServerEventCheckRes, as the member "check". */
static void
set_check(lua_State *lua, const struct check_facts *check)
{
    const struct check_view *view = &check->view;

    if (!check->is_there)
        return;
    lua_createtable(lua, 0, 5);
    set_text(lua, "result", result_of(view->status));
    set_flag(lua, "agent", check->is_agent);
    if (view->duration_ms >= 0)
        set_number(lua, "duration", view->duration_ms);
    lua_createtable(lua, 0, 3);
    set_text(lua, "short", check_status_name(view->status));
    set_text(lua, "desc", view->description);
    if (check_status_has_code(view->status))
        set_number(lua, "code", view->code);
    lua_setfield(lua, -2, "reason");
    lua_createtable(lua, 0, 3);
    set_number(lua, "cur", view->health);
    set_number(lua, "rise", view->rise);
    set_number(lua, "fall", view->fall);
    lua_setfield(lua, -2, "health");
    lua_setfield(lua, -2, "check");
}

static const char *
state_name(int state)
{
    static const char *const names[] = { [SERVER_STOPPED] = "STOPPED",
                                         [SERVER_STARTING] = "STARTING",
                                         [SERVER_RUNNING] = "RUNNING",
                                         [SERVER_STOPPING] = "STOPPING" };

    return names[state];
}

/* ServerEventState, as the member "state". */
static void
set_state(lua_State *lua, const struct server_event *event)
{
    lua_createtable(lua, 0, 6);
    set_text(lua, "old_state", state_name(event->old_state));
    set_text(lua, "new_state", state_name(event->new_state));
    set_flag(lua, "admin", event->is_administrative);
    set_number(lua, "requeued", event->requeued);
    if (event->cause != NULL)
        set_text(lua, "cause", event->cause);
    set_check(lua, &event->check);
    lua_setfield(lua, -2, "state");
}

/* All that hold, the general words before the particular ones. */
static void
set_admin_words(lua_State *lua, const char *name, unsigned admin)
{
    static const struct {
        unsigned bits;
        const char *name;
    } words[] = {
        { ADMIN_MAINT, "MAINT" },   { ADMIN_FMAINT, "FMAINT" }, { ADMIN_IMAINT, "IMAINT" },
        { ADMIN_RMAINT, "RMAINT" }, { ADMIN_CMAINT, "CMAINT" }, { ADMIN_DRAIN, "DRAIN" },
        { ADMIN_FDRAIN, "FDRAIN" }, { ADMIN_IDRAIN, "IDRAIN" },
    };
    lua_Integer count = 0;

    lua_newtable(lua);
    for (size_t i = 0; i < COUNT(words); i++) {
        if ((admin & words[i].bits) == 0)
            continue;
        lua_pushstring(lua, words[i].name);
        lua_rawseti(lua, -2, ++count);
    }
    lua_setfield(lua, -2, name);
}

/* ServerEventAdmin, as the member "admin". */
static void
set_admin(lua_State *lua, const struct server_event *event)
{
    lua_createtable(lua, 0, 4);
    set_admin_words(lua, "old_admin", event->old_admin);
    set_admin_words(lua, "new_admin", event->new_admin);
    set_number(lua, "requeued", event->requeued);
    if (event->cause != NULL)
        set_text(lua, "cause", event->cause);
    lua_setfield(lua, -2, "admin");
}

/* As the member "reference", if the configuration of the state knows it. */
static void
set_reference(lua_State *lua, const struct server_event *event)
{
    const struct script_set *set = script_state_of(lua)->set;

    LIST_FOR_EACH (conf, proxy_list(set->snapshot), struct proxy_conf, link) {
        if (strcmp(conf->name, event->proxy) != 0)
            continue;
        LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link) {
            if (strcmp(srv->name, event->server) == 0) {
                script_push_server(lua, srv);
                lua_setfield(lua, -2, "reference");
                return;
            }
        }
    }
}

/* ServerEvent. */
static void
push(lua_State *lua, const struct script_event *any)
{
    const struct server_event *event = (const struct server_event *)any;

    lua_createtable(lua, 0, 8);
    set_text(lua, "name", event->server);
    set_text(lua, "proxy_name", event->proxy);
    set_number_text(lua, "puid", event->server_id);
    set_number_text(lua, "proxy_uuid", event->proxy_id);
    set_number(lua, "rid", 0);
    if (any->kind == EVENT_SERVER_ADMIN)
        set_admin(lua, event);
    else if (any->kind == EVENT_SERVER_CHECK)
        set_check(lua, &event->check);
    else if (any->kind != EVENT_SERVER_ADD && any->kind != EVENT_SERVER_DEL)
        set_state(lua, event);
    if (any->kind != EVENT_SERVER_DEL)
        set_reference(lua, event);
}

static void
free_parts(struct script_event *any)
{
    struct server_event *event = (struct server_event *)any;

    alloc_free(event->proxy);
    alloc_free(event->server);
    alloc_free(event->cause);
}

/* --- on the control thread ------------------------------------------------------------------------------------- */

/* NULL: nobody wants it. */
static struct server_event *
event_new(const struct server *srv, enum script_event_kind kind)
{
    struct server_event *event;
    char name[512];

    if (!script_event_is_wanted(kind))
        return NULL;
    snprintf(name, sizeof(name), "%s/%s", srv->backend->name, srv->name);
    event = script_event_new(sizeof(*event), kind, name);
    event->event.push = push;
    event->event.free = free_parts;
    event->proxy = alloc_copy(srv->backend->name);
    event->server = alloc_copy(srv->name);
    event->proxy_id = srv->backend->conf == NULL ? 0 : srv->backend->conf->id;
    event->server_id = srv->id;
    return event;
}

static void
tell(const struct server *srv, enum script_event_kind kind)
{
    struct server_event *event = event_new(srv, kind);

    if (event != NULL)
        script_event_send(&event->event);
}

static void
on_change(struct server *srv, unsigned what)
{
    if ((what & SERVER_ADDED) != 0)
        tell(srv, EVENT_SERVER_ADD);
    if ((what & SERVER_REMOVED) != 0)
        tell(srv, EVENT_SERVER_DEL);
}

static const struct server_observer observers[] = { { on_change } };
REGISTER(server_observer, observers);

static void
tell_news(const struct server_news *news, enum script_event_kind kind)
{
    const struct server *srv = news->srv;
    struct server_event *event = event_new(srv, kind);

    if (event == NULL)
        return;
    event->old_state = news->state_before;
    event->new_state = srv->state;
    event->old_admin = news->admin_before;
    event->new_admin = srv->admin;
    event->requeued = news->requeued;
    event->is_administrative = news->admin_before != srv->admin;
    event->cause = news->reason == NULL ? NULL : alloc_copy(news->reason);
    if (!event->is_administrative)
        event->check.is_there = check_view(srv, &event->check.view);
    script_event_send(&event->event);
}

static bool
is_up(int state)
{
    return state == SERVER_STARTING || state == SERVER_RUNNING;
}

static void
read_news(const struct server_news *news)
{
    const struct server *srv = news->srv;

    if (news->admin_before != srv->admin)
        tell_news(news, EVENT_SERVER_ADMIN);
    if (news->state_before == srv->state)
        return;
    tell_news(news, EVENT_SERVER_STATE);
    if (is_up(news->state_before) != is_up(srv->state))
        tell_news(news, is_up(srv->state) ? EVENT_SERVER_UP : EVENT_SERVER_DOWN);
}

static const struct server_news_reader readers[] = { { read_news } };
REGISTER(server_news_reader, readers);

static void
read_check(const struct server *srv, bool is_agent)
{
    struct server_event *event = event_new(srv, EVENT_SERVER_CHECK);
    struct check_facts *check;

    if (event == NULL)
        return;
    check = &event->check;
    check->is_agent = is_agent;
    check->is_there = is_agent ? agent_view(srv, &check->view) : check_view(srv, &check->view);
    script_event_send(&event->event);
}

static const struct check_reader check_readers[] = { { read_check } };
REGISTER(check_reader, check_readers);
