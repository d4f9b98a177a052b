/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network namespaces: a thread goes in, makes a socket, comes back.
 *
 * For:     "namespace" of bind and server lines.
 * Owns:    a descriptor per namespace that was ever named, for the life of the process.
 * Callers: bind_conf.c and dial_conf.c find; socket makers go in.
 * Thread:  builder finds (one at a time); any goes in: a namespace belongs to a thread.
 */
#include "weir/net/namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/base/crash.h"
#include "weir/base/hashmap.h"
#include "weir/os/socket.h"

#define NAMESPACE_FOLDER "/run/netns"

struct namespace
{
    char *name; /* owns */
    int fd;
};

static struct hashmap namespaces; /* name to struct namespace */
static int home = -1;             /* the namespace that we were started in */

int
namespace_find(const char *name, struct error *err)
{
    struct namespace *space = hashmap_find(&namespaces, str_from(name));
    char path[256];

    if (space != NULL)
        return space->fd;
    if (home == -1)
        home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (home == -1) {
        error_set_errno(err, "cannot open our own network namespace");
        return -1;
    }
    if (strchr(name, '/') != NULL ||
        snprintf(path, sizeof(path), NAMESPACE_FOLDER "/%s", name) >= (int)sizeof(path)) {
        error_set(err, "'%s' is not the name of a network namespace", name);
        return -1;
    }
    space = alloc_zero(sizeof(*space));
    space->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (space->fd == -1) {
        error_set_errno(err, "cannot open network namespace '%s'", name);
        alloc_free(space);
        return -1;
    }
    space->name = alloc_copy(name);
    hashmap_set(&namespaces, str_from(space->name), space);
    return space->fd;
}

int
namespace_socket(int namespace_fd, int domain, int type, struct error *err)
{
    int fd;

    if (namespace_fd == -1)
        return socket_open(domain, type, err);
    if (setns(namespace_fd, CLONE_NEWNET) == -1) {
        error_set_errno(err, "setns()");
        return -1;
    }
    fd = socket_open(domain, type, err);
    /* Staying there would put every later socket of this thread in the wrong network. */
    MUST(setns(home, CLONE_NEWNET) == 0);
    return fd;
}
