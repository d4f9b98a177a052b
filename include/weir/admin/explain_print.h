/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recorded decision (expr/explain.h), printed for a person or for a script. Pure.
 */
#pragma once

#include "weir/base/json.h"
#include "weir/expr/explain.h"

enum explain_look {
    LOOK_PLAIN,    /* ASCII */
    LOOK_SIGNS,    /* with signs that need UTF-8 */
    LOOK_COLOURED, /* the same, coloured, for a terminal */
};

/* The steps in order. */
void explain_print_text(struct text *to, const struct explain *explain, enum explain_look look);
/* What came of it, in a line. `location` of a redirect; ptr NULL: none. */
void explain_print_result(struct text *to, const struct explain *explain, struct str location,
                          enum explain_look look);
/* The fields "steps" and "result" of an object that is open. */
void explain_print_json(struct json *json, const struct explain *explain, struct str location);
