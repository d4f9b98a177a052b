/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apply the configuration in place: build a new snapshot beside the running one, publish it, or say why not.
 */
#pragma once

#include "weir/config/snapshot.h"

/* What is read again; borrowed for ever. Boot. */
void reload_set_sources(const struct config_sources *sources);
/* Begins; a request that comes while one runs is done once after it. Control. */
void reload_request(void);
/* Runs after each change that was applied, or refused (the master is told). Boot. */
void reload_on_done(void (*fn)(bool is_applied));
