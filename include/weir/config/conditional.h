/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions of .if lines and of the command line's -cc.
 */
#pragma once

#include <stdbool.h>

#include "weir/base/error.h"
#include "weir/base/registry.h"

/* Evaluates one: "feature(OPENSSL) && !defined(X)". False: err says what is wrong and where. Builder, boot. */
bool conditional_eval(const char *text, bool *out, struct error *err);

/* Is the feature there? Any thread. */
bool conditional_has_feature(const char *name);

/* What "feature(NAME)" and "enabled(NAME)" know: registered by the rooms that bring it. With
 * several rows of a name, all must be on. */
struct feature {
    const char *name;   /* "OPENSSL" */
    bool is_option;     /* known to enabled() rather than feature() */
    bool (*is_on)(void); /* NULL: always */
};
REGISTRY(feature, struct feature);
