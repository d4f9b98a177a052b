/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks a value up in JSON text (RFC 8259) without building anything: for traffic. Pure; any
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "weir/base/str.h"

enum json_kind {
    JSON_NOTHING, /* no such value, or the text is no JSON on the way to it */
    JSON_STRING,  /* what stands between the quotes, escapes as written */
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
    JSON_OBJECT, /* with its braces */
    JSON_ARRAY,  /* with its brackets */
};

/* `path`: "$.a.b[0]". The bytes of `value` are lent from `text`. */
enum json_kind json_find(struct str text, struct str path, struct str *value);
/* Can it be a path at all? */
bool json_path_is_valid(struct str path);
/* Resolves the escapes of a string into `to` (raw.len bytes are enough). -1: a bad escape. */
long json_unescape(char *to, struct str raw);
