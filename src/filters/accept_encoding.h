/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client accepts (RFC 9110 12.5.3). Pure.
 */
#pragma once

#include "weir/base/str.h"

struct accepted {
    int weight;        /* in thousandths; -1: neither the coding nor "*" is there */
    unsigned position; /* which member of the list says so, from 0 */
};

/* What a list says of a coding. Of one that is named twice, the larger weight; "*" speaks only of
 * codings that are not named. */
struct accepted accept_encoding_find(struct str list, struct str coding);
