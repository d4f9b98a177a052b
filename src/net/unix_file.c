/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of a unix listening socket.
 *
 * For:     bind lines with a path; runtime sockets.
 * Owns:    the file, while it is still the one we made.
 * Callers: listener_socket.c, listener.c.
 * Thread:  control.
 *
 * Until the configuration is published nothing may change, so the socket is bound to a temporary
 * name; publishing renames it over whatever is there. Clients never find the path
 * missing, and a socket of the process before us is replaced in one step.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/os/socket.h"
#include "private.h"

#define PATH_MAX_LEN (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

static bool
set_rights(const char *path, const struct bind_conf *conf, struct error *err)
{
    uid_t uid = conf->uid < 0 ? (uid_t)-1 : (uid_t)conf->uid;
    gid_t gid = conf->gid < 0 ? (gid_t)-1 : (gid_t)conf->gid;

    if ((conf->uid >= 0 || conf->gid >= 0) && chown(path, uid, gid) == -1)
        return error_set_errno(err, "cannot change the owner of %s", path);
    if (conf->mode >= 0 && chmod(path, (mode_t)conf->mode) == -1)
        return error_set_errno(err, "cannot change the mode of %s", path);
    return true;
}

bool
unix_file_bind(struct listener *ln, int fd, const struct bind_conf *conf, struct error *err)
{
    static unsigned count; /* control only */
    struct addr addr = ln->asked_addr;
    struct stat file;
    char *path = alloc_printf("%s.%x.%x", addr.path, (unsigned)getpid(), ++count);
    bool fine;

    if (strlen(path) > PATH_MAX_LEN) {
        size_t most = PATH_MAX_LEN - (strlen(path) - strlen(addr.path));

        error_set(err, "socket path '%s' is too long (at most %zu bytes)", addr.path, most);
        alloc_free(path);
        return false;
    }
    addr.path = path;
    (void)unlink(path);
    /* Nobody may connect before owner and mode are right. */
    if (conf->mode >= 0)
        (void)fchmod(fd, 0);
    fine = socket_bind(fd, &addr, err);
    if (fine && (!set_rights(path, conf, err) || stat(path, &file) == -1)) {
        (void)unlink(path);
        fine = false;
    }
    if (!fine) {
        alloc_free(path);
        return false;
    }
    ln->file_device = file.st_dev;
    ln->file_inode = file.st_ino;
    ln->temp_path = path;
    return true;
}

void
unix_file_publish(struct listener *ln)
{
    if (ln->temp_path == NULL)
        return;
    /* Fails only if somebody took the folder away meanwhile; the socket works under its
     * temporary name then, which is what the error log of that somebody will show. */
    if (rename(ln->temp_path, ln->asked_addr.path) == -1)
        return;
    alloc_free(ln->temp_path);
    ln->temp_path = NULL;
}

void
unix_file_remove(struct listener *ln)
{
    const char *path = ln->temp_path != NULL ? ln->temp_path : ln->asked_addr.path;
    struct stat file;

    if (ln->asked_addr.family != ADDR_UNIX || ln->file_inode == 0)
        return;
    if (stat(path, &file) == 0 && file.st_dev == ln->file_device && file.st_ino == ln->file_inode)
        (void)unlink(path);
    alloc_free(ln->temp_path);
    ln->temp_path = NULL;
    ln->file_inode = 0;
}
