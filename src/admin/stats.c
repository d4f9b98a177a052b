/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "show stat": walks proxies, listeners and servers, and writes a row for each.
 *
 * For:     monitoring, by the runtime socket (the page and the exporter walk the
 *          same way).
 * Owns:    while an answer is on its way: the place in it, and a hold on the
 *          snapshot that it walks.
 * Callers: the runtime socket.
 * Thread:  control.
 *
 * A big configuration has megabytes of statistics. They are written in pieces:
 * some proxies, then back to the loop until the reader has taken them.
 */
#include "weir/admin/stats.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/number.h"
#include "weir/cli/command.h"
#include "weir/config/snapshot.h"
#include "private.h"

#define PIECE_BYTES (64 * 1024)

/* --- walk ---------------------------------------------------------------------- */

static bool
wants(const struct stat_filter *filter, enum stat_kind kind, int64_t id)
{
    if (filter->kinds != -1 && (filter->kinds & (1 << kind)) == 0)
        return false;
    return filter->id == -1 || kind == STAT_FRONTEND || kind == STAT_BACKEND || filter->id == id;
}

static void
walk_listeners(const struct proxy_conf *conf, const struct stat_filter *filter, stat_row_fn *fn,
               void *arg)
{
    struct stat_row row;
    int64_t number = 0; /* of those without "id": their place */

    if (!conf->option.socket_stats)
        return;
    LIST_FOR_EACH (bind, &conf->binds, struct bind_conf, link) {
        int64_t id = bind->id != 0 ? bind->id : number + 1;

        number++;
        if (bind->listener == NULL || !wants(filter, STAT_LISTENER, id))
            continue;
        stat_fill_listener(&row, conf, bind, id, filter->flags);
        fn(&row, arg);
    }
}

static bool
is_hidden(const struct server *server, unsigned flags)
{
    if ((flags & STAT_NO_MAINT) != 0 && (server->admin & ADMIN_MAINT) != 0)
        return true;
    return (flags & STAT_UP_ONLY) != 0 &&
           ((server->admin & ADMIN_MAINT) != 0 || server->state == SERVER_STOPPED);
}

static void
walk_servers(const struct proxy_conf *conf, const struct stat_filter *filter, stat_row_fn *fn,
             void *arg)
{
    struct stat_row row;

    LIST_FOR_EACH (server, &conf->live->back->servers, struct server, link) {
        if (server->conf == NULL || is_hidden(server, filter->flags) ||
            !wants(filter, STAT_SERVER, server->id))
            continue;
        stat_fill_server(&row, conf, server, filter->flags);
        fn(&row, arg);
    }
}

void
stats_walk_proxy(const struct proxy_conf *conf, const struct stat_filter *filter, stat_row_fn *fn,
                 void *arg)
{
    struct stat_row row;

    if (conf->live == NULL || conf->disabled || (conf->sides & SIDE_INTERNAL) != 0 ||
        (filter->proxy_id != -1 && filter->proxy_id != conf->id))
        return;
    if (proxy_conf_is_front(conf)) {
        if (wants(filter, STAT_FRONTEND, 0)) {
            stat_fill_frontend(&row, conf, filter->flags);
            fn(&row, arg);
        }
        walk_listeners(conf, filter, fn, arg);
    }
    if (!proxy_conf_is_back(conf) || conf->live->back == NULL)
        return;
    walk_servers(conf, filter, fn, arg);
    if (wants(filter, STAT_BACKEND, 0)) {
        stat_fill_backend(&row, conf, filter->flags);
        fn(&row, arg);
    }
}

/* --- show stat ------------------------------------------------------------------- */

enum stat_form { FORM_CSV, FORM_TYPED, FORM_JSON };

struct stat_dump {
    struct snapshot *snapshot; /* holds */
    struct list *next;         /* link of the next proxy_conf; the head: at the end */
    struct stat_filter filter;
    const char *name; /* of a proxy; NULL: by filter.proxy_id */
    enum stat_form form;
    bool with_help;
    struct text *out;
    struct json json;
};

static void
write_row(struct stat_row *row, void *arg)
{
    struct stat_dump *dump = arg;

    switch (dump->form) {
    case FORM_CSV:
        stat_csv_row(dump->out, row);
        break;
    case FORM_TYPED:
        stat_typed_row(dump->out, row, dump->with_help);
        break;
    case FORM_JSON:
        stat_json_row(&dump->json, row);
        break;
    }
}

static void
end_dump(struct command_call *call)
{
    struct stat_dump *dump = call->state;

    snapshot_drop(dump->snapshot);
    alloc_free(dump);
    call->state = NULL;
}

static enum command_result
continue_dump(struct command_call *call)
{
    struct stat_dump *dump = call->state;
    struct list *head = proxy_list(dump->snapshot);

    while (dump->next != head && dump->out->len < PIECE_BYTES) {
        const struct proxy_conf *conf = LIST_ITEM(dump->next, struct proxy_conf, link);

        if (dump->name == NULL || strcmp(dump->name, conf->name) == 0)
            stats_walk_proxy(conf, &dump->filter, write_row, dump);
        dump->next = dump->next->next;
    }
    if (dump->next != head)
        return COMMAND_MORE;
    if (dump->form == FORM_JSON) {
        json_close_array(&dump->json);
        text_add_char(dump->out, '\n');
    }
    return COMMAND_DONE;
}

static bool
read_option(struct stat_dump *dump, const char *word)
{
    if (strcmp(word, "typed") == 0)
        dump->form = FORM_TYPED;
    else if (strcmp(word, "json") == 0)
        dump->form = FORM_JSON;
    else if (strcmp(word, "desc") == 0)
        dump->with_help = true;
    else if (strcmp(word, "no-maint") == 0)
        dump->filter.flags |= STAT_NO_MAINT;
    else if (strcmp(word, "up") == 0)
        dump->filter.flags |= STAT_UP_ONLY;
    else
        return false;
    return true;
}

/* "<iid>|<proxy> <type> <sid>": only all three together mean something. */
static bool
read_objects(struct stat_dump *dump, const char *words[3])
{
    struct str name = str_from(words[0]);

    if (!number_parse_int(name, -1, INT32_MAX, &dump->filter.proxy_id, NULL)) {
        if (proxy_conf_find(dump->snapshot, name, SIDE_FRONT) == NULL &&
            proxy_conf_find(dump->snapshot, name, SIDE_BACK) == NULL)
            return false;
        dump->filter.proxy_id = -1;
        dump->name = words[0];
    }
    dump->filter.kinds = strtol(words[1], NULL, 10);
    dump->filter.id = strtol(words[2], NULL, 10);
    return true;
}

static bool
read_words(struct command_call *call, struct stat_dump *dump)
{
    const char *objects[3], *word;
    unsigned count = 0;

    while ((word = command_next(call)) != NULL) {
        if (!read_option(dump, word) && count < COUNT(objects))
            objects[count++] = word;
    }
    return count < COUNT(objects) || read_objects(dump, objects);
}

static struct stat_dump *
begin_dump(struct command_call *call)
{
    struct stat_dump *dump = alloc_zero(sizeof(*dump));

    dump->snapshot = snapshot_current();
    snapshot_hold(dump->snapshot);
    dump->next = proxy_list(dump->snapshot)->next;
    dump->out = call->out;
    dump->filter = (struct stat_filter){ .proxy_id = -1, .kinds = -1, .id = -1 };
    if (call->level >= LEVEL_OPERATOR)
        dump->filter.flags |= STAT_WITH_ADDRESSES;
    call->state = dump;
    call->end = end_dump;
    return dump;
}

static enum command_result
show_proxies(struct command_call *call)
{
    struct stat_dump *dump = begin_dump(call);

    if (!read_words(call, dump))
        return command_say(call, 3, "No such proxy.");
    if (dump->form == FORM_CSV)
        stat_csv_header(call->out);
    if (dump->form == FORM_JSON) {
        json_init(&dump->json, call->out);
        json_open_array(&dump->json);
    }
    return continue_dump(call);
}

static enum command_result
run_show_stat(struct command_call *call)
{
    if (call->state != NULL)
        return continue_dump(call);
    if (!command_accept(call, "domain"))
        return show_proxies(call);
    if (command_accept(call, "proxy"))
        return show_proxies(call);
    if (command_accept(call, "resolvers"))
        return stats_show_resolvers(call);
    return command_say(call, 3, "Invalid statistics domain.");
}

static const struct command commands[] = {
    { "show stat", "[desc|json|no-maint|typed|up]*", LEVEL_USER, run_show_stat,
      "counters of each proxy, listener and server" },
    { "show stats", NULL, LEVEL_USER, run_show_stat, "the same: some collectors write it so" },
};
REGISTER(command, commands);
