/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd readiness messages.
 *
 * For:     Type=notify services: the manager waits until we are ready.
 * Owns:    nothing.
 * Callers: main.
 * Thread:  boot and control.
 *
 * It is one datagram to the socket that NOTIFY_SOCKET names (a path, or an
 * abstract name written with '@'), so libsystemd is not needed. A manager that
 * does not listen is no reason to fail.
 */
#include "weir/os/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void
notify_send(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    size_t len = path == NULL ? 0 : strlen(path);
    int fd;

    if (len < 2 || len >= sizeof(un.sun_path) || (path[0] != '/' && path[0] != '@'))
        return;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return;
    memcpy(un.sun_path, path, len);
    if (path[0] == '@')
        un.sun_path[0] = '\0';
    sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&un,
           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    close(fd);
}
