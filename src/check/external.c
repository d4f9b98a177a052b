/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks by programs: one process for each check, in a group of its own.
 *
 * For:     option external-check.
 * Owns:    a struct child for each process until it has ended and was reaped, whoever still wants it.
 * Callers: check_steps.c begins and aborts; a descriptor of the process tells of its end.
 * Thread:  control, which never waits for a process.
 *
 *     begin ──> spawn ──> descriptor readable ──> reaped ──> check_done
 *                 └─ timeout, abort: the group is killed; it is reaped all the same, unseen
 */
#include "external.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/base/list.h"
#include "weir/loop/loop.h"
#include "weir/loop/start.h"
#include "weir/net/bind.h"
#include "weir/os/socket.h"
#include "weir/tls/tls.h"

#define NOT_USED     "NOT_USED"
#define CANNOT_RUN   255 /* the code that says so */
#define VARIABLES    16
#define FIRST_SECRET 3 /* descriptors from here on are ours alone */

extern char **environ;

struct child {
    struct list link; /* in `children` */
    pid_t pid;
    int fd;              /* pidfd */
    struct check *check; /* NULL: nobody waits for it */
    ev_io io;
};

static struct list children = { &children, &children };

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

/* It must not see our descriptors, and hears signals as programs do. 0, or an errno. */
static int
spawn(pid_t *pid, const char *program, char **arguments, char **variables)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int error;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 34)
    posix_spawn_file_actions_addclosefrom_np(&actions, FIRST_SECRET);
#endif
    error = posix_spawn(pid, program, &actions, &attributes, arguments, variables);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static void
end_child(struct child *child)
{
    ev_io_stop(loop_here()->ev, &child->io);
    close(child->fd);
    list_remove(&child->link);
    alloc_free(child);
}

static void
on_exit_of(struct ev_loop *ev, ev_io *io, int events)
{
    struct child *child = LIST_ITEM(io, struct child, io);
    struct check *check = child->check;
    int status = 0, code;

    (void)ev;
    (void)events;
    if (waitpid(child->pid, &status, WNOHANG) == 0)
        return;
    end_child(child);
    if (check == NULL)
        return;
    check->child = NULL;
    code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    check_done(check, code == 0 ? CHECK_PROCOK : CHECK_PROCERR, code, NULL);
}

/* False: its end cannot be watched; it is killed. */
static bool
watch(struct check *check, pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct child *child;

    if (fd == -1) {
        (void)kill(-pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        return false;
    }
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    child = alloc_zero(sizeof(*child));
    list_add_last(&children, &child->link);
    child->pid = pid;
    child->fd = fd;
    child->check = check;
    check->child = child;
    ev_io_init(&child->io, on_exit_of, fd, EV_READ);
    ev_io_start(loop_here()->ev, &child->io);
    return true;
}

void
external_begin(struct check *check)
{
    const struct external_conf *external = external_conf_of(check->server->conf->backend);
    struct told told = { .arena = &check->arena };
    const char *arguments[6];
    bool has_proxy;
    pid_t pid;
    int error;

    collect(&told, check);
    has_proxy = told.proxy_addr[0] != '\0';
    arguments[0] = external->command;
    arguments[1] = has_proxy ? told.proxy_addr : NOT_USED;
    arguments[2] = has_proxy && told.proxy_port[0] != '\0' ? told.proxy_port : NOT_USED;
    arguments[3] = told.server_addr;
    arguments[4] = told.server_port[0] != '\0' ? told.server_port : NOT_USED;
    arguments[5] = NULL;
    error = spawn(&pid, find_program(&check->arena, external),
                  (char **)(uintptr_t)arguments, environment(&told));
    if (error != 0)
        check_done(check, CHECK_PROCERR, CANNOT_RUN, strerror(error));
    else if (!watch(check, pid))
        check_done(check, CHECK_PROCERR, CANNOT_RUN, "processes cannot be watched here");
}

void
external_abort(struct check *check)
{
    struct child *child = check->child;

    check->child = NULL;
    if (child == NULL)
        return;
    child->check = NULL;
    (void)kill(-child->pid, SIGKILL);
}

/* Nobody is left behind. */
static void
on_stop(void)
{
    LIST_FOR_EACH_SAFE (child, &children, struct child, link) {
        (void)kill(-child->pid, SIGKILL);
        (void)waitpid(child->pid, NULL, WNOHANG);
        close(child->fd);
        list_remove(&child->link);
        alloc_free(child);
    }
}

static const struct start_hook hooks[] = { { STOP_PROCESS, on_stop } };
REGISTER(start_hook, hooks);
