/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes JSON straight into a text: no tree is built. The writer puts the
 * commas; the caller opens and closes in the right order.
 *
 *     struct json json;
 *     json_init(&json, &text);
 *     json_open_object(&json);
 *     json_add_key(&json, "name");
 *     json_add_str(&json, name);
 *     json_close_object(&json);
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/str.h"
#include "weir/base/text.h"

struct json {
    struct text *text; /* borrows */
    bool needs_comma;  /* a value stands before the next one */
};

void json_init(struct json *json, struct text *text);
void json_open_object(struct json *json);
void json_close_object(struct json *json);
void json_open_array(struct json *json);
void json_close_array(struct json *json);
/* The value must follow. */
void json_add_key(struct json *json, const char *key);
/* Bytes that are not UTF-8 become U+FFFD. */
void json_add_str(struct json *json, struct str s);
/* NULL becomes null. */
void json_add_text(struct json *json, const char *text);
void json_add_int(struct json *json, int64_t n);
void json_add_uint(struct json *json, uint64_t n);
/* Not a number and infinity become null. */
void json_add_double(struct json *json, double n);
void json_add_bool(struct json *json, bool value);
void json_add_null(struct json *json);

/* What stands between the quotes for `s`, without a writer: for log lines. */
void json_escape(struct text *text, struct str s);
