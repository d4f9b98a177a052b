/* SPDX-License-Identifier: Apache-2.0 */
/* option forwardfor, originalto, forwarded: what servers are told about the client. */
#pragma once

#include "weir/expr/eval.h"
#include "weir/proxy/proxy.h"

/* Adds the fields that frontend or backend ask for to eval->request. False: out of memory. Owner. */
bool forwarded_apply(const struct proxy_conf *frontend, const struct proxy_conf *backend, struct eval *eval);
