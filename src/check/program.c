/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One process for each program that was started, watched until it has ended.
 *
 * For:     external.c, event_command.c.
 * Owns:    a struct program for each process until it was reaped, whoever still wants it.
 * Thread:  control, which never waits for a process: a descriptor of it tells of its end.
 */
#include "program.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/base/list.h"
#include "weir/loop/loop.h"
#include "weir/loop/start.h"

#define FIRST_SECRET 3 /* descriptors from here on are ours alone */

struct program {
    struct list link; /* in `programs` */
    pid_t pid;
    int fd; /* pidfd */
    void (*on_end)(void *data, int code); /* NULL: nobody waits for it */
    void *data;
    ev_io io;
};

static struct list programs = { &programs, &programs };

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
forget(struct program *program)
{
    ev_io_stop(loop_here()->ev, &program->io);
    close(program->fd);
    list_remove(&program->link);
    alloc_free(program);
}

static void
on_exit_of(struct ev_loop *ev, ev_io *io, int events)
{
    struct program *program = LIST_ITEM(io, struct program, io);
    void (*on_end)(void *data, int code) = program->on_end;
    void *data = program->data;
    int status = 0;

    (void)ev;
    (void)events;
    if (waitpid(program->pid, &status, WNOHANG) == 0)
        return;
    forget(program);
    if (on_end != NULL)
        on_end(data, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

/* NULL: its end cannot be watched; it is killed. */
static struct program *
watch(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct program *program;

    if (fd == -1) {
        (void)kill(-pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        return NULL;
    }
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    program = alloc_zero(sizeof(*program));
    list_add_last(&programs, &program->link);
    program->pid = pid;
    program->fd = fd;
    ev_io_init(&program->io, on_exit_of, fd, EV_READ);
    ev_io_start(loop_here()->ev, &program->io);
    return program;
}

struct program *
program_start(const char *path, char **arguments, char **variables,
              void (*on_end)(void *data, int code), void *data, const char **why)
{
    struct program *program;
    pid_t pid;
    int error = spawn(&pid, path, arguments, variables);

    if (error != 0) {
        *why = strerror(error);
        return NULL;
    }
    program = watch(pid);
    if (program == NULL) {
        *why = "processes cannot be watched here";
        return NULL;
    }
    program->on_end = on_end;
    program->data = data;
    return program;
}

void
program_kill(struct program *program)
{
    program->on_end = NULL;
    (void)kill(-program->pid, SIGKILL);
}

/* Nobody is left behind. */
static void
on_stop(void)
{
    LIST_FOR_EACH_SAFE (program, &programs, struct program, link) {
        (void)kill(-program->pid, SIGKILL);
        (void)waitpid(program->pid, NULL, WNOHANG);
        close(program->fd);
        list_remove(&program->link);
        alloc_free(program);
    }
}

static const struct start_hook hooks[] = { { STOP_PROCESS, on_stop } };
REGISTER(start_hook, hooks);
