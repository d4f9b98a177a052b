/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks by programs: one process for each check, in a group of its own.
 *
 * For:     option external-check.
 * Owns:    nothing: program.c keeps the processes.
 * Callers: check_steps.c begins and aborts; a descriptor of the process tells of its end.
 * Thread:  control, which never waits for a process.
 *
 *     begin ──> spawn ──> descriptor readable ──> reaped ──> check_done
 *                 └─ timeout, abort: the group is killed; it is reaped all the same, unseen
 */
#include "external.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "weir/net/bind.h"
#include "weir/os/socket.h"
#include "weir/tls/tls.h"
#include "program.h"

#define NOT_USED     "NOT_USED"
#define CANNOT_RUN   255 /* the code that says so */
#define VARIABLES    16

extern char **environ;

/* --- what it is told ------------------------------------------------------------------------- */

struct told {
    struct arena *arena;
    const char *names[VARIABLES + 1]; /* "NAME=value" */
    unsigned count;
    const char *proxy_addr, *proxy_port, *server_addr, *server_port;
};

static void
tell(struct told *told, const char *name, const char *value)
{
    told->names[told->count++] = arena_printf(told->arena, "%s=%s", name, value);
}

static void
tell_number(struct told *told, const char *name, int64_t value)
{
    told->names[told->count++] = arena_printf(told->arena, "%s=%lld", name, (long long)value);
}

/* The port is empty when the family has none. */
static void
print_addr(struct arena *arena, const struct addr *addr, const char **host, const char **port)
{
    char text[ADDR_TEXT_MAX];

    (void)addr_format_host(addr, text, sizeof(text));
    *host = arena_copy(arena, text);
    *port = addr_is_ip(addr) ? arena_printf(arena, "%u", addr->port) : "";
}

/* That of the first listener, if the section has some. */
static void
find_proxy_addr(struct told *told, const struct proxy_conf *conf)
{
    told->proxy_addr = told->proxy_port = "";
    LIST_FOR_EACH (bind, &conf->binds, struct bind_conf, link) {
        struct addr addr = bind->addr;

        if (addr.family == ADDR_FD)
            (void)socket_local_addr(bind->addr.fd, &addr);
        if (addr_is_ip(&addr) || addr.family == ADDR_UNIX) {
            print_addr(told->arena, &addr, &told->proxy_addr, &told->proxy_port);
            return;
        }
    }
}

static const char *
protocol_of(const struct server_conf *srv)
{
    if (srv->proto != NULL && strcmp(srv->proto, "h2") == 0)
        return "h2";
    return srv->backend->mode == MODE_HTTP ? "h1" : "tcp";
}

static void
collect(struct told *told, const struct check *check)
{
    const struct server *srv = check->server;
    const struct server_conf *conf = srv->conf;
    const struct external_conf *external = external_conf_of(conf->backend);
    struct addr addr;

    find_proxy_addr(told, conf->backend);
    server_addr(srv, &addr);
    print_addr(told->arena, &addr, &told->server_addr, &told->server_port);
    tell(told, "HAPROXY_PROXY_ADDR", told->proxy_addr);
    tell_number(told, "HAPROXY_PROXY_ID", conf->backend->id);
    tell(told, "HAPROXY_PROXY_NAME", conf->backend->name);
    tell(told, "HAPROXY_PROXY_PORT", told->proxy_port);
    tell(told, "HAPROXY_SERVER_ADDR", told->server_addr);
    tell_number(told, "HAPROXY_SERVER_CURCONN", __atomic_load_n(&srv->current, __ATOMIC_RELAXED));
    tell_number(told, "HAPROXY_SERVER_ID", srv->id);
    tell_number(told, "HAPROXY_SERVER_MAXCONN", srv->maxconn);
    tell(told, "HAPROXY_SERVER_NAME", srv->name);
    tell(told, "HAPROXY_SERVER_PORT", told->server_port);
    tell(told, "HAPROXY_SERVER_PROTO", protocol_of(conf));
    tell(told, "HAPROXY_SERVER_SSL", tls_server_is_on(conf->slots) ? "1" : "0");
    tell(told, "PATH", external->path != NULL ? external->path : "");
}

/* Before ours, if it is asked for, that of the process, without the names that are ours. */
static char **
environment(const struct told *told)
{
    unsigned inherited = 0, count = 0;
    const char **all;

    while (external_keeps_environment() && environ[inherited] != NULL)
        inherited++;
    all = ARENA_ARRAY(told->arena, const char *, inherited + told->count + 1);
    for (unsigned i = 0; i < inherited; i++) {
        if (strncmp(environ[i], "HAPROXY_", 8) != 0 && strncmp(environ[i], "PATH=", 5) != 0)
            all[count++] = environ[i];
    }
    memcpy(all + count, told->names, told->count * sizeof(*all));
    return (char **)(uintptr_t)all;
}

/* A name without a slash is looked for in the folders of external-check path. */
static const char *
find_program(struct arena *arena, const struct external_conf *external)
{
    struct str folders = str_from(external->path != NULL ? external->path : "");

    if (strchr(external->command, '/') != NULL)
        return external->command;
    while (folders.ptr != NULL) {
        struct str folder = str_split(&folders, ':');
        const char *path = arena_printf(arena, "%.*s%s%s", STR_ARG(folder),
                                        folder.len > 0 ? "/" : "", external->command);

        if (access(path, X_OK) == 0)
            return path;
    }
    return external->command;
}

/* --- the process ------------------------------------------------------------------------------- */

static void
on_end(void *data, int code)
{
    struct check *check = data;

    check->child = NULL;
    check_done(check, code == 0 ? CHECK_PROCOK : CHECK_PROCERR, code, NULL);
}

void
external_begin(struct check *check)
{
    const struct external_conf *external = external_conf_of(check->server->conf->backend);
    struct told told = { .arena = &check->arena };
    const char *arguments[6];
    bool has_proxy;
    const char *why;

    collect(&told, check);
    has_proxy = told.proxy_addr[0] != '\0';
    arguments[0] = external->command;
    arguments[1] = has_proxy ? told.proxy_addr : NOT_USED;
    arguments[2] = has_proxy && told.proxy_port[0] != '\0' ? told.proxy_port : NOT_USED;
    arguments[3] = told.server_addr;
    arguments[4] = told.server_port[0] != '\0' ? told.server_port : NOT_USED;
    arguments[5] = NULL;
    check->child = program_start(find_program(&check->arena, external),
                                 (char **)(uintptr_t)arguments, environment(&told), on_end, check,
                                 &why);
    if (check->child == NULL)
        check_done(check, CHECK_PROCERR, CANNOT_RUN, why);
}

void
external_abort(struct check *check)
{
    struct program *child = check->child;

    check->child = NULL;
    if (child != NULL)
        program_kill(child);
}
