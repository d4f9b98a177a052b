/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual log formats that are not written by hand in log_line.c: compiled once, as if the user
 * had written them in a log-format line.
 *
 * For:     option httplog clf, option tcplog clf.
 * Thread:  builder.
 */
#include "private.h"

#include "weir/expr/log_format.h"

static const char http_clf[] =
    "%{+Q}o %{-Q}ci - - [%trg] %r %ST %B \"\" \"\" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc %ac "
    "%fc %bc %sc %rc %sq %bq %CC %CS %hrl %hsl";
static const char tcp_clf[] =
    "%{+Q}o %{-Q}ci - - [%T] \"TCP \" 000 %B \"\" \"\" %cp %ms %ft %b %s %Th %Tw %Tc %Tt %U %ts-- "
    "%ac %fc %bc %sc %rc %sq %bq \"\" \"\" ";

static const char *
format_text(const struct proxy_conf *conf)
{
    switch ((enum log_flavour)conf->log_flavour) {
    case LOG_CLF:
        return conf->mode == MODE_HTTP ? http_clf : tcp_clf;
    case LOG_TCP_CLF:
        return tcp_clf;
    case LOG_DEFAULT:
    case LOG_TCP:
    case LOG_HTTP:
    case LOG_HTTPS:
    case LOG_CUSTOM:
        break;
    }
    return NULL;
}

static bool
compile_flavours(struct parse *parse)
{
    bool fine = true;

    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        const char *text = proxy_conf_is_front(conf) ? format_text(conf) : NULL;

        if (text == NULL)
            continue;
        parse->object = conf;
        conf->log_format =
            log_format_parse(parse, text, PLACE_FE_LOG, FORMAT_IS_LOG | FORMAT_MANDATORY);
        fine = fine && conf->log_format != NULL;
    }
    return fine;
}

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_STREAM, compile_flavours, "stream: usual log formats" },
};
REGISTER(config_hook, hooks);
