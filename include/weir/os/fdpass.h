/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors sent to another process over a unix socket, with some bytes that
 * tell what they are. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "weir/base/error.h"
#include "weir/base/str.h"

#define FDPASS_MAX 253 /* descriptors that one message may carry: the kernel's limit */

/* Sends all: `data` is not empty, at most FDPASS_MAX descriptors. They stay open here. */
bool fdpass_send(int sock, struct str data, const int *fds, size_t count, struct error *err);

struct fdpass_message {
    char *data; /* borrows: `size` bytes, set by the caller */
    size_t size;
    size_t len;          /* how many bytes came; 0: the peer closed */
    int fds[FDPASS_MAX]; /* now the caller's; close-on-exec */
    size_t fd_count;
};

/* Waits for one message, if the socket is a blocking one. */
bool fdpass_receive(int sock, struct fdpass_message *msg, struct error *err);
