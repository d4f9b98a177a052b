/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets that were there before us: listening ones under a number (fd@N), and ends of a socket
 * pair over which connections are handed as descriptors (sockpair@N).
 */
#pragma once

#include "weir/base/error.h"
#include "weir/os/addr.h"

/* A listening socket under our own number; the inherited one stays open, so that it can be taken
 * again. -1: err says why. Control. */
int inherited_listener(const struct addr *addr, struct error *err);
/* The next connection that somebody has sent; -1 and errno, EAGAIN when there is none. Owner of the
 * socket. */
int sockpair_accept(int fd);
/* A connection to whoever listens at the other end of the pair. -1 and errno. Any. */
int sockpair_connect(int fd);
