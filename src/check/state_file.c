/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server state files: what "show servers state" has said comes back when the program starts again.
 *
 * For:     restarts by a new process. A reload in place keeps servers as they are, and reads no file.
 * Owns:    nothing; settings lie in slots.
 * Thread:  builder reads settings; control reads the files before the process confines itself, and applies them once the first
 *          configuration is in force.
 *
 * What is taken over, as HAProxy does: whether the server is up, maintenance and drain that people have set, the weight if the
 * configured one is the same, the port, the time since the last change; the address only where the line says a name
 * (init-addr last). Lines about what is not there any more, or that make no sense, are passed over.
 */
#include <stdio.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/number.h"
#include "weir/config/keyword.h"
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "weir/os/file.h"
#include "weir/telemetry/notice.h"
#include "private.h"

#define REASON "changed from server-state after a reload"

struct state_text { /* of a file: read before a chroot hides it */
    struct state_text *next;
    const struct proxy_conf *only; /* NULL: of all that want the global file */
    const char *path;
    struct str content;
};
struct state_files { /* of the global section */
    const char *base, *file;
    struct state_text *texts;
};
static struct slot files_slot = SLOT("server-state", SLOT_GLOBAL, struct state_files);
REGISTER_SLOT(files_slot);

enum { FROM_NONE, FROM_GLOBAL, FROM_LOCAL };
struct state_source { /* of a backend */
    int from;
    const char *name; /* NULL: that of the backend */
};
static struct slot source_slot = SLOT("load-server-state-from-file", SLOT_PROXY, struct state_source);
REGISTER_SLOT(source_slot);

/* --- reading ------------------------------------------------------------------------------------------------ */

static bool
parse_file(struct parse *parse)
{
    struct state_files *files = keyword_slot(parse, &files_slot);
    bool is_base = strcmp(parse->keyword, "server-state-base") == 0;
    const char *word = parse_word(parse, is_base ? "a folder" : "a file");

    if (word == NULL)
        return false;
    *(is_base ? &files->base : &files->file) = word;
    return parse_end(parse);
}

static bool
parse_load(struct parse *parse)
{
    static const char *const words[] = { "none", "global", "local", NULL };
    struct state_source *source = keyword_slot(parse, &source_slot);

    return parse_choice(parse, "'global', 'local' or 'none'", words, &source->from) && parse_end(parse);
}

static bool
parse_name(struct parse *parse)
{
    struct state_source *source = keyword_slot(parse, &source_slot);

    source->name = NULL;
    if (words_peek(parse->words) != NULL && !words_accept(parse->words, "use-backend-name"))
        source->name = words_next(parse->words);
    return parse_end(parse);
}

static const struct keyword keywords[] = {
    { "server-state-base", IN_GLOBAL, .args = "<folder>", .parse = parse_file,
      .help = "Where state files of servers are, if their names do not begin with '/'." },
    { "server-state-file", IN_GLOBAL, .args = "<file>", .parse = parse_file,
      .help = "The state file of all servers, for 'load-server-state-from-file global'." },
    { "load-server-state-from-file", IN_BACK, .args = "{global|local|none}", .parse = parse_load,
      .help = "When a process starts, its servers go on as a file says that 'show servers state' has made." },
    { "server-state-file-name", IN_BACK, .args = "[use-backend-name|<file>]", .parse = parse_name,
      .help = "The state file of this backend, for 'load-server-state-from-file local'; its own name if none is said." },
};
REGISTER(keyword, keywords);

/* --- one line ------------------------------------------------------------------------------------------------- */

/* Columns of version 1. */
enum column {
    COLUMN_BACKEND = 1,
    COLUMN_SERVER = 3,
    COLUMN_ADDR,
    COLUMN_STATE,
    COLUMN_ADMIN,
    COLUMN_WEIGHT,
    COLUMN_CONFIGURED_WEIGHT,
    COLUMN_SINCE,
    COLUMN_PORT = 18,
    COLUMNS,
};

static bool
number_of(struct str word, int64_t max, int64_t *out)
{
    return number_parse_int(word, 0, max, out, NULL);
}

static void
apply_admin(struct server *srv, unsigned saved)
{
    bool was_disabled = (saved & ADMIN_CMAINT) != 0, is_disabled = srv->conf->disabled;

    if ((saved & ADMIN_FMAINT) != 0 && (!was_disabled || is_disabled))
        server_set_admin(srv, ADMIN_FMAINT, 0, NULL);
    else if (was_disabled && is_disabled) /* somebody has enabled it since */
        server_set_admin(srv, 0, ADMIN_FMAINT, NULL);
    if ((saved & ADMIN_FDRAIN) != 0)
        server_set_admin(srv, ADMIN_FDRAIN, 0, NULL);
}

static void
apply_addr(struct server *srv, struct str text, int64_t port)
{
    bool has_name = srv->conf->host_name != NULL && srv->conf->host_name[0] != '_';
    struct addr now, saved;

    server_addr(srv, &now);
    saved = now;
    if (has_name && (!addr_parse_host(text, &saved) || !addr_is_ip(&saved)))
        saved = now;
    if (addr_is_ip(&saved) && port > 0)
        saved.port = (uint16_t)port;
    if (saved.family != now.family || !addr_eq(&saved, &now))
        server_set_addr(srv, &saved, "server-state file");
}

static void
apply(struct server *srv, const struct str *words)
{
    int64_t state, admin, weight, configured, since, port;
    char text[32];

    if (!number_of(words[COLUMN_STATE], SERVER_STOPPING, &state) ||
        !number_of(words[COLUMN_ADMIN], 127, &admin) || !number_of(words[COLUMN_WEIGHT], 256, &weight) ||
        !number_of(words[COLUMN_CONFIGURED_WEIGHT], 256, &configured) ||
        !number_of(words[COLUMN_SINCE], INT32_MAX, &since) ||
        !number_of(words[COLUMN_PORT], 65535, &port))
        return;
    apply_addr(srv, words[COLUMN_ADDR], port);
    apply_admin(srv, (unsigned)admin);
    if ((srv->admin & ADMIN_MAINT) == 0 && (admin & ADMIN_MAINT) == 0 && srv->check != NULL)
        check_restore(srv, (enum server_state)state, REASON);
    if (configured == srv->conf->weight && weight != configured) {
        snprintf(text, sizeof(text), "%d", (int)weight);
        (void)server_set_weight(srv, str_from(text), NULL);
    }
    srv->last_change_ms = loop_now_ms(loop_here()) - since * 1000;
}

/* `only`: of this backend; NULL: of all that want the global file. */
static void
read_line(struct str line, const struct proxy_conf *only)
{
    struct str words[COLUMNS];
    const struct state_source *source;
    struct server *srv;
    struct proxy *backend;

    for (unsigned i = 0; i < COLUMNS; i++) {
        if (line.ptr == NULL)
            return;
        words[i] = str_split(&line, ' ');
    }
    backend = proxy_find(words[COLUMN_BACKEND], SIDE_BACK);
    if (backend == NULL || backend->conf == NULL || (only != NULL && backend->conf != only))
        return;
    source = slot_of_const(backend->conf->slots, &source_slot);
    if (only == NULL && source->from != FROM_GLOBAL)
        return;
    srv = server_find(backend, words[COLUMN_SERVER]);
    if (srv != NULL && srv->conf != NULL)
        apply(srv, words);
}

/* --- files ------------------------------------------------------------------------------------------------------ */

static void
read_file(struct parse *parse, struct state_files *files, const char *name, const struct proxy_conf *only)
{
    struct state_text *text = ARENA_NEW(parse->arena, struct state_text);
    struct error err = ERROR_INIT;
    char *content;
    size_t len;

    text->path = name[0] == '/' || files->base == NULL ? name
                                                       : arena_printf(parse->arena, "%s/%s", files->base, name);
    content = file_read(text->path, &len, &err);
    if (content == NULL) {
        (void)parse_warn_at(parse, (struct source_pos){ NULL, 0 }, "the state of servers is not known: %s", err.text);
        return;
    }
    text->only = only;
    text->content = str_of(arena_copy_str(parse->arena, str_of(content, len)), len);
    alloc_free(content);
    text->next = files->texts;
    files->texts = text;
}

static bool
is_wanted(const struct proxy_conf *conf, int from)
{
    const struct state_source *source = slot_of_const(conf->slots, &source_slot);

    return source->from == from && (conf->sides & SIDE_BACK) != 0 && (conf->sides & SIDE_DEFAULTS) == 0;
}

/* Only when the process starts. */
static bool
read_files(struct parse *parse)
{
    struct state_files *files = snapshot_slot(parse->snapshot, &files_slot);
    bool wants_global = false;

    if (snapshot_current() != NULL)
        return true;
    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        const struct state_source *source = slot_of_const(conf->slots, &source_slot);

        wants_global |= is_wanted(conf, FROM_GLOBAL);
        if (is_wanted(conf, FROM_LOCAL))
            read_file(parse, files, source->name != NULL ? source->name : conf->name, conf);
    }
    if (wants_global && files->file != NULL)
        read_file(parse, files, files->file, NULL);
    return true;
}

static void
apply_text(const struct state_text *text)
{
    struct str rest = text->content, version = str_trim(str_split(&rest, '\n'));

    if (!str_eq(version, STR("1"))) {
        notice_print(NOTICE_WARNING, "config : '%s' is no state file of version 1: it is passed over", text->path);
        return;
    }
    while (rest.ptr != NULL) {
        struct str line = str_split(&rest, '\n');

        if (line.len > 0 && line.ptr[0] != '#')
            read_line(line, text->only);
    }
}

static bool
apply_files(struct parse *parse)
{
    struct state_files *files = snapshot_slot(parse->snapshot, &files_slot);

    for (const struct state_text *text = files->texts; text != NULL; text = text->next)
        apply_text(text);
    files->texts = NULL;
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_ADOPT, ORDER_CHECK, read_files, "check: server state files" },
    { CONFIG_PUBLISH, ORDER_LUA, apply_files, "check: server state files" },
};
REGISTER(config_hook, hooks);
