/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NetScaler's client IP header (accept-netscaler-cip): a magic number, then the IP and TCP headers
 * of the client's own connection.
 */
#pragma once

#include <stdint.h>

#include "weir/net/connection.h"
#include "weir/net/proxy_protocol.h"

/* Pure. out->src and out->dst are filled, version is 0. */
enum parse_result netscaler_header_parse(const uint8_t *bytes, size_t len, uint32_t magic_number,
                                         struct proxy_header *out);
/* Adds the step that expects it. Owner. False: out of memory. */
bool netscaler_header_expect(struct connection *conn, uint32_t magic_number);
