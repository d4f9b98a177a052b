/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "log backend@name": log lines that are shared out among servers. A room that knows servers does it.
 */
#pragma once

#include "weir/base/registry.h"
#include "weir/config/parse.h"

struct log_backend_kind {
    /* Builder, CONFIG_RESOLVE. NULL: reported. */
    void *(*find)(struct parse *parse, const char *name, struct source_pos pos);
    /* Control: one line, without its end. The backend may not be adopted yet: then nobody gets it. */
    void (*write)(void *backend, struct str line);
};
REGISTRY(log_backend_kind, struct log_backend_kind);
