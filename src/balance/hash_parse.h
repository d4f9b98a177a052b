/* SPDX-License-Identifier: Apache-2.0 */
/* What follows the names of hashing algorithms; for balancer.parse. */
#pragma once

#include "weir/balance/balance.h"
#include "weir/config/keyword.h"

bool hash_parse_source(struct parse *parse, struct balance_conf *conf);
bool hash_parse_uri(struct parse *parse, struct balance_conf *conf);
bool hash_parse_param(struct parse *parse, struct balance_conf *conf);
bool hash_parse_header(struct parse *parse, struct balance_conf *conf);
bool hash_parse_rdp(struct parse *parse, struct balance_conf *conf);
bool hash_parse_expr(struct parse *parse, struct balance_conf *conf);
