/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the client is, and what it asked for, as rules have it: set-src, set-dst and their ports; else
 * as the connection has it.
 *
 * Owner. eval->client must not be NULL.
 */
#pragma once

#include "weir/expr/eval.h"
#include "weir/net/connection.h"

static inline const struct addr *
client_src(const struct eval *eval)
{
    return eval->client_src != NULL ? eval->client_src : connection_src(eval->client);
}

static inline const struct addr *
client_dst(const struct eval *eval)
{
    return eval->client_dst != NULL ? eval->client_dst : connection_dst(eval->client);
}
