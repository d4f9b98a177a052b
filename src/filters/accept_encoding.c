/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accept-Encoding: "gzip;q=0.5, br, *;q=0".
 *
 * For:     compression.c.
 * Thread:  any; pure.
 */
#include "accept_encoding.h"

#define WEIGHT_MAX 1000

/* "0.75" is 750. What is no weight counts as 0: the client is not understood. */
static int
weight_of(struct str text)
{
    int weight = 0, unit = WEIGHT_MAX;

    for (size_t i = 0; i < text.len && i < 5; i++) {
        char c = text.ptr[i];

        if (i == 1 && c == '.')
            continue;
        if (c < '0' || c > '9' || i == 1)
            return 0;
        weight += (c - '0') * unit;
        unit /= 10;
    }
    return weight > WEIGHT_MAX ? WEIGHT_MAX : weight;
}

static int
weight_in(struct str params)
{
    while (params.ptr != NULL) {
        struct str param = str_trim(str_split(&params, ';'));

        if (param.len >= 2 && (param.ptr[0] == 'q' || param.ptr[0] == 'Q') && param.ptr[1] == '=')
            return weight_of(str_slice(param, 2, param.len));
    }
    return WEIGHT_MAX;
}

struct accepted
accept_encoding_find(struct str list, struct str coding)
{
    struct accepted named = { -1, 0 }, any = { -1, 0 };

    for (unsigned position = 0; list.ptr != NULL; position++) {
        struct str rest = str_split(&list, ',');
        struct str name = str_trim(str_split(&rest, ';'));
        bool is_any = name.len == 1 && name.ptr[0] == '*';
        struct accepted *found = is_any ? &any : &named;
        int weight;

        if (!is_any && !str_eq_nocase(name, coding))
            continue;
        weight = weight_in(rest);
        if (weight > found->weight)
            *found = (struct accepted){ weight, position };
    }
    return named.weight >= 0 ? named : any;
}
