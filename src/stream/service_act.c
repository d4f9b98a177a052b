/* SPDX-License-Identifier: Apache-2.0 */
/*
 * use-service: the answer comes from a program inside of the proxy.
 *
 * For:     rules; what can be named is registered (stream/service.h).
 * Thread:  builder.
 */
#include "weir/stream/service.h"

#include <string.h>

#include "private.h"

static const struct service *
find(const char *name)
{
    FOR_EACH_REGISTERED (service, service, list) {
        if (service->is_prefix ? strncmp(name, service->name, strlen(service->name)) == 0
                               : strcmp(name, service->name) == 0)
            return service;
    }
    return NULL;
}

static bool
parse_use_service(struct parse *parse, struct action *action)
{
    const char *name = parse_word(parse, "the name of a service");
    const struct service *service;

    if (name == NULL)
        return false;
    service = find(name);
    if (service == NULL)
        return parse_alert(parse, "there is no service '%s'", name);
    if ((service->hooks & ON(action->hook)) == 0)
        return parse_alert(parse, "service '%s' cannot be used by a rule of this kind", name);
    return service->parse(parse, action, name);
}

static const struct action_kind kinds[] = {
    { "use-service", ON(HOOK_TCP_REQUEST) | ON(HOOK_HTTP_REQUEST), .is_final = true, .args = "<service>",
      .parse = parse_use_service,
      .help = "A program inside of weir answers instead of a server: prometheus-exporter gives figures to Prometheus." },
};
REGISTER(action_kind, kinds);
