/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rule that answers requests for the statistics page.
 */
#pragma once

struct parse;
struct proxy_conf;

/* Before all redirections of the proxy, behind its http-request rules. Builder. */
void stats_rule_add(struct parse *parse, struct proxy_conf *conf);
