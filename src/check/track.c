/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers that follow the state of another one: "track backend/server".
 *
 * Callers: server tells of changes (server_observer). Thread: control; keywords: builder.
 */
#include <stdio.h>
#include <string.h>

#include "agent.h"

struct track_conf { /* slot of server_conf */
    const char *target_text; /* NULL: follows nobody */
    const struct server_conf *target;
    const char *target_name; /* "backend/server" */
    const struct server_conf *first_follower, *next_follower;
};

static struct slot track_slot = SLOT("track", SLOT_SERVER, struct track_conf);
REGISTER_SLOT(track_slot);

static const struct track_conf *
track_conf_of(const struct server_conf *srv)
{
    return slot_of_const(srv->slots, &track_slot);
}

static struct track_conf *
track_conf_write(struct server_conf *srv)
{
    return slot_of(srv->slots, &track_slot);
}

const struct server_conf *
track_target(const struct server_conf *srv)
{
    const struct track_conf *track = track_conf_of(srv);

    while (track->target != NULL) {
        srv = track->target;
        track = track_conf_of(srv);
    }
    return srv;
}

const char *
track_target_name(const struct server_conf *srv)
{
    return track_conf_of(srv)->target_name;
}

/* --- following ---------------------------------------------------------------------------------- */

static void
follow(struct server *srv, const struct server *target)
{
    unsigned admin = 0;
    char reason[256];

    snprintf(reason, sizeof(reason), "via %s/%s", target->backend->name, target->name);
    if ((target->admin & ADMIN_MAINT) != 0)
        admin |= ADMIN_IMAINT;
    if ((target->admin & ADMIN_DRAIN) != 0)
        admin |= ADMIN_IDRAIN;
    server_set_admin(srv, admin, (ADMIN_IMAINT | ADMIN_IDRAIN) & ~admin, reason);
    if ((srv->admin & ADMIN_MAINT) == 0)
        server_set_state(srv,
                         target->state == SERVER_STARTING ? SERVER_RUNNING
                                                          : (enum server_state)target->state,
                         reason);
}

static void
on_change(struct server *srv, unsigned what)
{
    const struct track_conf *track;

    if (srv->conf == NULL || (what & SERVER_REMOVED) != 0 ||
        (what != 0 && !(what & (SERVER_ADDED | SERVER_CHANGED_STATE | SERVER_CHANGED_ADMIN))))
        return;
    track = track_conf_of(srv->conf);
    if ((what == 0 || (what & SERVER_ADDED)) && track->target != NULL &&
        track->target->live != NULL)
        follow(srv, track->target->live);
    for (const struct server_conf *follower = track->first_follower; follower != NULL;
         follower = track_conf_of(follower)->next_follower) {
        if (follower->live != NULL && follower->live->conf == follower)
            follow(follower->live, srv);
    }
}

static const struct server_observer observers[] = { { on_change } };
REGISTER(server_observer, observers);

/* --- reading ------------------------------------------------------------------------------------ */

static bool
parse_track(struct parse *parse)
{
    struct track_conf *track = keyword_slot(parse, &track_slot);

    track->target_text = parse_word(parse, "[<backend>/]<server>");
    return track->target_text != NULL;
}

static struct server_conf *
find_target(struct parse *parse, struct server_conf *srv, const char *text)
{
    struct str name = str_from(text), backend = str_from(srv->backend->name);

    if (str_find_char(name, '/') >= 0)
        backend = str_split(&name, '/');
    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        if (!proxy_conf_is_back(conf) || !str_eq(str_from(conf->name), backend))
            continue;
        LIST_FOR_EACH (candidate, &conf->servers, struct server_conf, link) {
            if (str_eq(str_from(candidate->name), name))
                return candidate;
        }
    }
    return NULL;
}

static bool
resolve(struct parse *parse, struct server_conf *srv)
{
    struct track_conf *track = track_conf_write(srv), *followed;
    struct server_conf *target;

    if (track->target_text == NULL)
        return true;
    target = find_target(parse, srv, track->target_text);
    if (target == NULL)
        return parse_alert_at(parse, srv->pos, "'track' of server '%s': there is no server '%s'",
                              srv->name, track->target_text);
    if (check_conf_of(srv)->is_on)
        return parse_alert_at(parse, srv->pos, "server '%s' has both 'check' and 'track'",
                              srv->name);
    followed = track_conf_write(target);
    if (!check_conf_of(target)->is_on && !agent_conf_of(target)->is_on &&
        followed->target_text == NULL)
        return parse_alert_at(parse, srv->pos,
                              "'track' of server '%s': '%s' has neither 'check' nor 'agent-check' "
                              "nor 'track'",
                              srv->name, track->target_text);
    track->target = target;
    track->target_name =
        arena_printf(parse->arena, "%s/%s", target->backend->name, target->name);
    track->next_follower = followed->first_follower;
    followed->first_follower = srv;
    return true;
}

static bool
check_loop(struct parse *parse, struct server_conf *srv)
{
    unsigned steps = 0;

    for (const struct server_conf *at = srv; at != NULL; at = track_conf_of(at)->target) {
        if (++steps > 2 && at == srv)
            return parse_alert_at(parse, srv->pos, "'track' of server '%s' leads back to itself",
                                  srv->name);
        if (steps > 100000)
            return true; /* it leads into a loop of others, which are reported */
        if (track_conf_of(at)->target == at)
            return parse_alert_at(parse, at->pos, "server '%s' tracks itself", at->name);
    }
    return true;
}

static bool
on_check(struct parse *parse)
{
    bool is_good = true;

    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link)
            is_good &= resolve(parse, srv);
    }
    if (!is_good)
        return false;
    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link) {
            if (track_conf_of(srv)->target != NULL && !check_loop(parse, srv))
                return false;
        }
    }
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_CHECK, ORDER_CHECK, on_check, "check: tracked servers" },
};
REGISTER(config_hook, hooks);

static const struct keyword keywords[] = {
    { "track", IN_SERVER, .args = "[<backend>/]<server>", .parse = parse_track,
      .help = "Follow the state of another server instead of checking." },
};
REGISTER(keyword, keywords);
