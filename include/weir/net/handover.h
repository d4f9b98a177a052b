/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening sockets from process to process: the old one gives (expose-fd, "_getsocks"), the new
 * one takes
 * (-x), so that no connection is lost when the program itself is replaced.
 *
 *     new: handover_take(path)  ...  listener_adopt() claims what fits  ...  handover_finish()
 *     old: the runtime socket gets the command, and calls handover_give()
 */
#pragma once

#include <stdbool.h>

#include "weir/base/error.h"

struct bind_conf;

/* Connects to the runtime socket of the running process and takes its listening sockets. Boot,
 * before ADOPT. */
bool handover_take(const char *path, struct error *err);
/* A taken socket that listens on this address, with these options; -1: none. Control. */
int handover_claim(const struct bind_conf *conf);
/* Closes what nobody claimed. Boot, after ADOPT. */
void handover_finish(void);

/* Sends all listening sockets over a connected unix socket; waits a little if the peer is slow.
 * Control. */
bool handover_give(int fd, struct error *err);
