/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What "use-service" can name.
 *
 *     static const struct service services[] = {
 *         { "prometheus-exporter", ON(HOOK_HTTP_REQUEST), .parse = parse_exporter, .help = "..." },
 *     };
 *     REGISTER(service, services);
 */
#pragma once

#include "weir/rules/action.h"

struct service {
    const char *name;
    unsigned hooks;    /* set of ON(hook) */
    bool is_prefix;    /* the name goes on: "lua." */
    /* Fills action->run and action->data; what runs mostly ends in applet_use(). `name`: all of it, as written. False: reported. */
    bool (*parse)(struct parse *parse, struct action *action, const char *name);
    const char *help;
};
REGISTRY(service, struct service);
