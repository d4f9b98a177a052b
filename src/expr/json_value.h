/* SPDX-License-Identifier: Apache-2.0 */
/* Values of JSON text, for converters. */
#pragma once

#include "weir/expr/sample.h"

/* The value at the path args[0]; args[1], if given: as an integer. False: there is none, or it is
 * null or an object. Traffic. */
bool json_value_find(struct eval *eval, struct str text, const struct arg *args,
                     struct value *value);
/* For converter.check. */
bool json_value_check(struct parse *parse, struct arg *args, unsigned count, struct error *err);
