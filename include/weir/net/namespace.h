/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network namespaces by name, as "ip netns" keeps them: sockets are made inside.
 */
#pragma once

#include "weir/base/error.h"

/* The descriptor of a namespace; opened once and kept, because after chroot its file is out of
 * reach. -1: err says why. Builder. */
int namespace_find(const char *name, struct error *err);
/* A socket (see socket_open()) inside a namespace; `namespace_fd` -1: the one we are in. Any. */
int namespace_socket(int namespace_fd, int domain, int type, struct error *err);
