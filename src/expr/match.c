/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The methods to match values: what stands after -m, or in the name of a criterion.
 *
 * Thread: any; pure.
 */
#include "weir/base/registry.h"
#include "pattern.h"

static const char *const names[MATCH_METHODS + 1] = {
    [MATCH_FOUND] = "found", [MATCH_BOOL] = "bool", [MATCH_INT] = "int", [MATCH_IP] = "ip",
    [MATCH_BIN] = "bin",     [MATCH_LEN] = "len",   [MATCH_STR] = "str", [MATCH_BEG] = "beg",
    [MATCH_END] = "end",     [MATCH_SUB] = "sub",   [MATCH_DIR] = "dir", [MATCH_DOM] = "dom",
    [MATCH_REG] = "reg",
};

int
match_method_find(struct str name)
{
    for (int i = 0; i < MATCH_METHODS; i++) {
        if (str_eq(str_from(names[i]), name))
            return i;
    }
    return -1;
}

const char *
match_method_name(enum match_method method)
{
    return names[method];
}

const char *const *
match_method_names(void)
{
    return names;
}

const char *
match_method_list(void)
{
    return "found, bool, int, ip, bin, len, str, beg, end, sub, dir, dom, reg";
}

bool
match_method_has_patterns(enum match_method method)
{
    return method != MATCH_FOUND && method != MATCH_BOOL;
}

const char *
match_method_delimiters(enum match_method method)
{
    return method == MATCH_DOM ? "/?.:" : "/?";
}

enum value_type
match_method_type(enum match_method method, enum value_type natural)
{
    switch (method) {
    case MATCH_FOUND:
        return natural;
    case MATCH_BOOL:
        return VALUE_BOOL;
    case MATCH_INT:
        return VALUE_INT;
    case MATCH_IP:
        return VALUE_ADDR;
    case MATCH_BIN:
        return VALUE_BIN;
    case MATCH_LEN:
    case MATCH_STR:
    case MATCH_BEG:
    case MATCH_END:
    case MATCH_SUB:
    case MATCH_DIR:
    case MATCH_DOM:
    case MATCH_REG:
    case MATCH_METHODS:
        break;
    }
    return VALUE_STR;
}

int
match_method_natural(enum value_type type)
{
    switch (type) {
    case VALUE_BOOL:
        return MATCH_BOOL;
    case VALUE_INT:
        return MATCH_INT;
    case VALUE_IP4:
    case VALUE_IP6:
    case VALUE_ADDR:
        return MATCH_IP;
    case VALUE_STR:
    case VALUE_METHOD:
        return MATCH_STR;
    case VALUE_NONE:
    case VALUE_BIN:
    case VALUE_ANY:
    case VALUE_SAME:
    case VALUE_TYPES:
        break;
    }
    return -1;
}
