/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers and backends that come and go at run time.
 *
 * For:     people and tools at the runtime socket.
 * Owns:    nothing; a waiting command holds its ticket.
 * Callers: the runtime socket.
 * Thread:  control.
 *
 * Each change is an amendment of the running text (config/snapshot.h): a builder thread reads it
 * again with the new line in its place, and the result is adopted and published as by a reload. So
 * everything that a server line can say works, and what is wrong changes nothing. The next reload
 * returns to the files.
 */
#include <stdlib.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/check/check.h"
#include "weir/cli/command.h"
#include "weir/cli/wait.h"
#include "weir/config/keyword.h"
#include "weir/main/reload.h"
#include "weir/server/dynamic.h"
#include "weir/server/idle_pool.h"
#include "weir/server/server.h"
#include "weir/stick/table.h"
#include "private.h"

#define PLACES  (IN_LISTEN | IN_BACKEND)
#define IN_USE_SERVER                                                                              \
    "This server cannot be removed at runtime due to other configuration elements pointing to it."
#define IN_USE_PROXY                                                                               \
    "This proxy cannot be removed at runtime due to other configuration elements pointing to it."

/* --- a change that is under way ----------------------------------------------------------- */

static void
forget_ticket(struct command_call *call)
{
    reload_ticket_drop(call->state);
    call->state = NULL;
}

static enum command_result
begin(struct command_call *call, const struct amendment *amendment, bool removes)
{
    call->state = reload_start_amend(amendment, removes);
    call->end = forget_ticket;
    return COMMAND_WAIT;
}

/* `refusal`: said in the place of the reason, if given. */
static enum command_result
finish(struct command_call *call, const char *success, const char *refusal)
{
    const struct reload_ticket *ticket = call->state;

    if (!ticket->is_done)
        return COMMAND_WAIT;
    if (ticket->is_fine)
        return command_say(call, success[0] == 'N' ? 6 : 5, "%s", success);
    return command_say(call, 3, "%s", refusal != NULL ? refusal : text_cstr(&ticket->reason));
}

/* The rest of the command, as a line of the configuration. */
static void
add_words(struct text *line, struct command_call *call)
{
    const char *word;

    while ((word = command_next(call)) != NULL) {
        if (*word != '\0' && strpbrk(word, " \t\"'\\#$") == NULL) {
            text_printf(line, " %s", word);
            continue;
        }
        text_puts(line, " \"");
        for (; *word != '\0'; word++) {
            if (strchr("\"\\$", *word) != NULL)
                text_add_char(line, '\\');
            text_add_char(line, *word);
        }
        text_add_char(line, '"');
    }
}

/* --- names ------------------------------------------------------------------------------------ */

/* "backend/server"; false: something else. */
static bool
cut_name(const char *word, struct str *backend, struct str *server)
{
    *server = str_from(word);
    if (word == NULL || str_find_char(*server, '/') < 0)
        return false;
    *backend = str_split(server, '/');
    return server->len > 0;
}

static struct server_conf *
find_server(const struct proxy_conf *conf, struct str name)
{
    LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link) {
        if (str_eq(str_from(srv->name), name))
            return srv;
    }
    return NULL;
}

/* --- add server --------------------------------------------------------------------------------- */

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum command_result
list_server_words(struct command_call *call)
{
    const char *names[512];
    size_t count = 0;

    FOR_EACH_REGISTERED (keyword, kw, list) {
        if ((kw->place & IN_SERVER) && server_word_is_dynamic(kw->name) && count < COUNT(names))
            names[count++] = kw->name;
    }
    qsort(names, count, sizeof(*names), compare_names);
    text_puts(call->out, "List of keywords supported for dynamic server:\n");
    for (size_t i = 0; i < count; i++)
        text_printf(call->out, "%s\n", names[i]);
    return COMMAND_DONE;
}

static enum command_result
begin_add_server(struct command_call *call)
{
    const char *word = command_next(call);
    struct str backend, name;
    struct proxy_conf *conf;
    struct text line = TEXT_INIT;
    char *backend_name, *server_name;
    enum command_result result;

    if (word != NULL && strcmp(word, "help") == 0)
        return list_server_words(call);
    if (!cut_name(word, &backend, &name))
        return command_say(call, 3, "Require 'backend/server'.");
    conf = proxy_conf_find(snapshot_current(), backend, SIDE_BACK);
    if (conf == NULL)
        return command_say(call, 3, "No such backend.");
    if (find_server(conf, name) != NULL)
        return command_say(call, 3, "Already exists a server with the same name in backend.");
    if (call->at == call->count)
        return command_say(call, 3,
                           "'server' expects <name> and <addr>[:<port>] as arguments.");
    server_name = alloc_copy_str(name);
    backend_name = alloc_copy_str(backend);
    text_printf(&line, "server %s", server_name);
    add_words(&line, call);
    result = begin(call,
                   &(struct amendment){ .kind = AMEND_LINE,
                                        .places = PLACES,
                                        .name = backend_name,
                                        .item = server_name,
                                        .origin = "add server",
                                        .line = text_cstr(&line),
                                        .apply = server_conf_add_dynamic },
                   false);
    text_fini(&line);
    alloc_free(server_name);
    alloc_free(backend_name);
    return result;
}

static enum command_result
run_add_server(struct command_call *call)
{
    if (call->state == NULL)
        return begin_add_server(call);
    return finish(call, "New server registered.", NULL);
}

/* --- del server --------------------------------------------------------------------------------- */

static bool
is_pointed_to(const struct server_conf *srv)
{
    const struct proxy_conf *conf = srv->backend;

    for (unsigned i = 0; i < conf->server_rule_count; i++) {
        if (conf->server_rules[i].server == srv)
            return true;
    }
    LIST_FOR_EACH (proxy, proxy_list(conf->snapshot), struct proxy_conf, link) {
        LIST_FOR_EACH (other, &proxy->servers, struct server_conf, link) {
            if (other != srv && track_target_name(other) != NULL && track_target(other) == srv)
                return true;
        }
    }
    return false;
}

/* Connections end when the server is in maintenance; those that are idle are closed then. */
static enum wait_result
server_is_removable(const char *word, struct text *why)
{
    struct str backend, name;
    const struct proxy_conf *conf;
    const struct server_conf *srv;

    if (!cut_name(word, &backend, &name)) {
        text_puts(why, "Require 'backend/server'.");
        return WAIT_NEVER;
    }
    conf = proxy_conf_find(snapshot_current(), backend, SIDE_BACK);
    srv = conf == NULL ? NULL : find_server(conf, name);
    if (srv == NULL)
        text_puts(why, conf == NULL ? "No such backend." : "No such server.");
    else if (is_pointed_to(srv))
        text_puts(why, IN_USE_SERVER);
    else if (!(srv->live->admin & ADMIN_MAINT))
        text_puts(why, "Only servers in maintenance mode can be deleted.");
    if (why->len > 0)
        return WAIT_NEVER;
    if (__atomic_load_n(&srv->live->current, __ATOMIC_RELAXED) == 0 &&
        __atomic_load_n(&srv->live->queue.length, __ATOMIC_RELAXED) == 0)
        return WAIT_MET;
    text_puts(why, "Server still has connections attached to it, cannot remove it.");
    return WAIT_LATER;
}

static enum command_result
begin_del_server(struct command_call *call)
{
    const char *word = command_next(call);
    struct text why = TEXT_INIT, line = TEXT_INIT;
    struct str backend, name;
    enum command_result result;

    if (server_is_removable(word, &why) != WAIT_MET) {
        result = command_say(call, 3, "%s", text_cstr(&why));
    } else {
        char *backend_name;

        cut_name(word, &backend, &name);
        backend_name = alloc_copy_str(backend);
        text_printf(&line, "server %s", name.ptr);
        result = begin(call,
                       &(struct amendment){ .kind = AMEND_LINE,
                                            .places = PLACES,
                                            .name = backend_name,
                                            .item = name.ptr,
                                            .origin = "del server",
                                            .line = text_cstr(&line),
                                            .apply = server_conf_remove },
                       true);
        alloc_free(backend_name);
    }
    text_fini(&line);
    text_fini(&why);
    return result;
}

static enum command_result
run_del_server(struct command_call *call)
{
    if (call->state == NULL)
        return begin_del_server(call);
    return finish(call, "Server deleted.", IN_USE_SERVER);
}

/* --- add backend ---------------------------------------------------------------------------------- */

/* "mode <mode>" and "guid <guid>". */
static bool
read_backend_words(struct command_call *call, struct text *lines)
{
    const char *word, *value;

    while ((word = command_next(call)) != NULL) {
        value = command_next(call);
        if (value == NULL || (strcmp(word, "mode") != 0 && strcmp(word, "guid") != 0)) {
            command_say(call, 3, "Usage: add backend <name> from <defproxy>.");
            return false;
        }
        if (strcmp(word, "mode") == 0 && strcmp(value, "tcp") != 0 && strcmp(value, "http") != 0) {
            command_say(call, 3, strcmp(value, "log") == 0 || strcmp(value, "spop") == 0
                                     ? "Dynamic backends are compatible with only TCP or HTTP mode."
                                     : "Unknown proxy mode.");
            return false;
        }
        text_printf(lines, "\n%s \"%s\"", word, value);
    }
    return true;
}

static bool
is_defaults(const char *name)
{
    for (const struct outline_section *section = snapshot_current()->outline.sections;
         section != NULL; section = section->next) {
        if (section->place == IN_DEFAULTS && section->name != NULL &&
            strcmp(section->name, name) == 0)
            return true;
    }
    return false;
}

static bool
may_add_backend(struct command_call *call, const char *name, const char *defaults)
{
    const struct proxy_conf *same;
    size_t good;

    good = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-");
    same = proxy_conf_find(snapshot_current(), str_from(name), SIDE_FRONT | SIDE_BACK);
    if (name[good] != '\0')
        command_say(call, 3, "Invalid character '%c' in backend name.", name[good]);
    else if (defaults == NULL)
        command_say(call, 3, "Usage: add backend <name> from <defproxy>.");
    else if (!is_defaults(defaults))
        command_say(call, 3, "Cannot find default proxy '%s'.", defaults);
    else if (same != NULL)
        command_say(call, 3,
                    "Error during backend creation : name is already used by other proxy '%s %s'.",
                    !proxy_conf_is_front(same)  ? "backend"
                    : proxy_conf_is_back(same) ? "listen"
                                               : "frontend",
                    name);
    else
        return true;
    return false;
}

static enum command_result
begin_add_backend(struct command_call *call)
{
    const char *name = command_next(call), *defaults;
    struct text lines = TEXT_INIT;
    enum command_result result = COMMAND_DONE;

    if (name == NULL)
        return command_say(call, 3, "Require backend name.");
    defaults = command_accept(call, "from") ? command_next(call) : NULL;
    if (!may_add_backend(call, name, defaults))
        return COMMAND_DONE;
    text_printf(&lines, "backend %s from %s\nbe-unpublished", name, defaults);
    if (read_backend_words(call, &lines))
        result = begin(call,
                       &(struct amendment){ .kind = AMEND_SECTION,
                                            .places = IN_BACKEND,
                                            .name = name,
                                            .origin = "add backend",
                                            .line = text_cstr(&lines) },
                       false);
    text_fini(&lines);
    return result;
}

static enum command_result
run_add_backend(struct command_call *call)
{
    if (call->state == NULL)
        return begin_add_backend(call);
    return finish(call, "New backend registered.", NULL);
}

/* --- del backend ------------------------------------------------------------------------------------ */

static bool
is_routed_to(const struct proxy_conf *backend)
{
    LIST_FOR_EACH (conf, proxy_list(backend->snapshot), struct proxy_conf, link) {
        if (conf->default_backend == backend)
            return true;
        for (unsigned i = 0; i < conf->switch_count; i++) {
            if (conf->switches[i].backend == backend)
                return true;
        }
    }
    return false;
}

static enum wait_result
backend_is_removable(const char *word, struct text *why)
{
    const struct proxy_conf *conf =
        word == NULL ? NULL : proxy_conf_find(snapshot_current(), str_from(word), SIDE_BACK);

    if (conf == NULL)
        text_puts(why, "No such backend.");
    else if (proxy_conf_is_front(conf))
        text_puts(why, "Cannot delete a listen section.");
    else if (stick_table_conf_find(conf->snapshot, str_from(conf->name)) != NULL)
        text_puts(why, "Cannot remove a backend with stick-table.");
    else if (is_routed_to(conf))
        text_puts(why, IN_USE_PROXY);
    else if (conf->mode != MODE_TCP && conf->mode != MODE_HTTP)
        text_puts(why, "Only TCP or HTTP proxies can be removed at runtime.");
    else if (!conf->live->is_unpublished)
        text_puts(why, "Backend must be unpublished prior to its deletion.");
    else if (conf->server_count > 0)
        text_puts(why, "Only a backend without server can be deleted.");
    if (why->len > 0)
        return WAIT_NEVER;
    if (__atomic_load_n(&conf->live->back_current, __ATOMIC_RELAXED) == 0)
        return WAIT_MET;
    text_puts(why, "Backend still has attached streams on it.");
    return WAIT_LATER;
}

static enum command_result
begin_del_backend(struct command_call *call)
{
    const char *name = command_next(call);
    struct text why = TEXT_INIT;
    enum command_result result;

    if (backend_is_removable(name, &why) != WAIT_MET)
        result = command_say(call, 3, "%s", text_cstr(&why));
    else
        result = begin(call,
                       &(struct amendment){ .kind = AMEND_OMIT,
                                            .places = IN_BACKEND,
                                            .name = name,
                                            .origin = "del backend" },
                       true);
    text_fini(&why);
    return result;
}

static enum command_result
run_del_backend(struct command_call *call)
{
    if (call->state == NULL)
        return begin_del_backend(call);
    return finish(call, "Backend deleted.", IN_USE_PROXY);
}

/* --- publish ------------------------------------------------------------------------------------------ */

static enum command_result
set_published(struct command_call *call, bool is_published)
{
    const char *name = command_next(call);
    struct proxy *proxy = name == NULL ? NULL : proxy_find(str_from(name), SIDE_BACK);

    if (proxy == NULL || proxy->conf == NULL)
        return command_say(call, 3, "No such backend.");
    if (proxy->conf->disabled)
        return command_say(call, 3, "No effect on a disabled backend.");
    __atomic_store_n(&proxy->is_unpublished, !is_published, __ATOMIC_RELAXED);
    return command_say(call, 6, "Backend %s.", is_published ? "published" : "unpublished");
}

static enum command_result
run_publish(struct command_call *call)
{
    return set_published(call, true);
}

static enum command_result
run_unpublish(struct command_call *call)
{
    return set_published(call, false);
}

/* --- show defaults ------------------------------------------------------------------------------------ */

static enum command_result
run_show_defaults(struct command_call *call)
{
    for (const struct outline_section *section = snapshot_current()->outline.sections;
         section != NULL; section = section->next) {
        if (section->place == IN_DEFAULTS && section->name != NULL)
            text_printf(call->out, "%s\n", section->name);
    }
    return COMMAND_DONE;
}

static const struct wait_condition conditions[] = {
    { "srv-removable", "Missing server name (<backend>/<server>).", server_is_removable },
    { "be-removable", "Missing backend name.", backend_is_removable },
};
REGISTER(wait_condition, conditions);

static const struct command commands[] = {
    { "add server", "<backend>/<server> <addr> [from <origin>] [args]*", LEVEL_ADMIN,
      run_add_server, "add a server, in maintenance; 'add server help' lists its options" },
    { "del server", "<backend>/<server>", LEVEL_ADMIN, run_del_server,
      "remove a server that is in maintenance and has no connections" },
    { "add backend", "<name> from <defproxy> [mode <mode>] [guid <guid>]", LEVEL_ADMIN,
      run_add_backend, "add an unpublished backend" },
    { "del backend", "<backend>", LEVEL_ADMIN, run_del_backend,
      "remove an unpublished backend without servers" },
    { "publish backend", "<backend>", LEVEL_ADMIN, run_publish, "let rules send requests there" },
    { "unpublish backend", "<backend>", LEVEL_ADMIN, run_unpublish,
      "let rules pass it over; its checks go on" },
    { "show defaults", NULL, LEVEL_USER, run_show_defaults,
      "the named defaults sections, for 'add backend'" },
};
REGISTER(command, commands);
