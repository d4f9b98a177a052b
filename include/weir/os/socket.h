/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets: make them, set options, name the failed call in the error. All
 * sockets are non-blocking and close-on-exec. Any thread.
 */
#pragma once

#include <stdbool.h>

#include "weir/base/error.h"
#include "weir/os/addr.h"

/* -1 and an error that names the call. type: SOCK_STREAM or SOCK_DGRAM. */
int socket_open(int domain, int type, struct error *err);
/* The same for Multipath TCP, which not every kernel has. */
int socket_open_mptcp(int domain, struct error *err);
/* Sets an integer option; the error names it ("SO_REUSEPORT"). */
bool socket_set_int(int fd, int level, int option, int value, const char *name, struct error *err);
/* Best effort versions for the traffic path: no error text. */
void socket_set_nodelay(int fd);
void socket_set_quickack(int fd, bool on);
/* A close that resets the connection instead of finishing it. */
void socket_set_linger_reset(int fd);
/* What is closed next tells the peer nothing (silent-drop): forgotten by the kernel where privileges allow it, else its last
 * words die at the first router. */
void socket_set_silent(int fd);
/* Gone with a reset that has this many hops to live. */
void socket_set_reset_hops(int fd, int hops);
/* Type of service of what is sent from now on; mark of its packets. False: not permitted. */
void socket_set_tos(int fd, int tos);
bool socket_set_mark(int fd, unsigned mark);
bool socket_bind(int fd, const struct addr *addr, struct error *err);
/* Pending error of a socket (SO_ERROR), 0 when fine. */
int socket_error(int fd);
bool socket_local_addr(int fd, struct addr *out);
bool socket_peer_addr(int fd, struct addr *out);
bool socket_set_nonblocking(int fd);
