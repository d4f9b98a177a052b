/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client accepts (RFC 9110 12.5.3). Pure.
 */
#pragma once

#include "weir/base/str.h"

/* Weight of a coding in a list, in thousandths; -1: neither it nor "*" is there. Of a coding that is
 * named twice, the larger. */
int accept_encoding_weight(struct str list, struct str coding);
