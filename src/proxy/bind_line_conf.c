/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bind keyword of frontends and listens.
 *
 * Thread: builder.
 */
#include "private.h"

static bool
parse_bind(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;

    return bind_parse(parse, &conf->binds, conf);
}

static const struct keyword keywords[] = {
    { "bind", IN_FRONTEND | IN_LISTEN, .args = "<address>[,...] [options]", .parse = parse_bind,
      .help = "An address on which clients connect." },
};
REGISTER(keyword, keywords);
