/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fullconn of backends that do not say it: a tenth of what the frontends that may use the backend
 * let in, rounded up.
 *
 * For:     minconn (room server), "slim" of show stat.
 * Owns:    nothing.
 * Thread:  control, CONFIG_ADOPT: only then is the limit of the process known.
 *
 * A frontend counts once for each backend that it names in use_backend or default_backend; names
 * that are computed at run time count for none. While it is summed up, the sum stands in fullconn
 * as a negative number.
 */
#include "weir/config/snapshot.h"
#include "weir/telemetry/process.h"
#include "private.h"

#define SHARE 10

static void
count_in(const struct proxy_conf *from, struct proxy_conf *to)
{
    if (to == NULL || to->fullconn > 0 || to->fullconn_from == from)
        return;
    to->fullconn_from = from;
    to->fullconn -= from->maxconn != 0 ? from->maxconn : this_process.maxconn;
}

static void
count_targets(struct proxy_conf *from)
{
    for (unsigned i = 0; i < from->switch_count; i++)
        count_in(from, from->switches[i].backend);
    count_in(from, from->default_backend);
    if (proxy_conf_is_back(from))
        count_in(from, from);
}

static void
settle(struct proxy_conf *conf)
{
    if (conf->fullconn > 0)
        return;
    conf->fullconn = (-conf->fullconn + SHARE - 1) / SHARE;
    if (conf->fullconn == 0)
        conf->fullconn = 1;
}

static bool
on_adopt(struct parse *parse)
{
    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        if (proxy_conf_is_front(conf))
            count_targets(conf);
    }
    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        if (proxy_conf_is_back(conf))
            settle(conf);
    }
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_ADOPT, ORDER_PROXY, on_adopt, "proxy: fullconn" },
};
REGISTER(config_hook, hooks);
