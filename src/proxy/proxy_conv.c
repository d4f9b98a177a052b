/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converters of names of proxies: fe_exists.
 *
 * Thread: traffic, inside an expression.
 */
#include "weir/expr/sample.h"

#include "private.h"

static bool
run_exists(struct eval *eval, const struct converter *conv, const struct arg *args,
           struct value *value)
{
    (void)conv;
    (void)args;
    value_set_bool(value, proxy_conf_find(eval->snapshot, value->str, SIDE_FRONT) != NULL);
    return true;
}

static const struct converter converters[] = {
    { "fe_exists", VALUE_STR, VALUE_BOOL, { { 0 } }, run_exists,
      .help = "Is there a frontend of this name?" },
};
REGISTER(converter, converters);
