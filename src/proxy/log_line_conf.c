/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a proxy logs, and where: log, log-tag, log-format, option httplog and tcplog.
 *
 * Thread: builder.
 */
#include <string.h>

#include "private.h"

static bool
parse_log(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;

    return log_targets_parse(parse, &conf->logs);
}

static bool
parse_flavour(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;
    bool is_http = strstr(parse->keyword, "httplog") != NULL;
    bool is_clf = words_accept(parse->words, "clf");
    bool is_json = !is_clf && words_accept(parse->words, "json");

    if (parse->negated)
        conf->log_flavour = LOG_DEFAULT;
    else if (is_http)
        conf->log_flavour = is_json ? LOG_JSON : is_clf ? LOG_CLF : LOG_HTTP;
    else
        conf->log_flavour = is_json ? LOG_TCP_JSON : is_clf ? LOG_TCP_CLF : LOG_TCP;
    conf->log_format = NULL;
    return parse_end(parse);
}

static bool
parse_httpslog(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;

    conf->log_flavour = parse->negated ? LOG_DEFAULT : LOG_HTTPS;
    conf->log_format = NULL;
    return parse_end(parse);
}

static bool
parse_format(struct parse *parse, struct log_format **to, unsigned flags)
{
    struct proxy_conf *conf = parse->object;
    const char *text = parse_word(parse, "a format");

    if (text == NULL)
        return false;
    *to = log_format_parse(parse, text, PLACE_FE_LOG, flags);
    if (*to == NULL)
        return false;
    if (to == &conf->log_format) {
        conf->log_flavour = LOG_CUSTOM;
        conf->log_format_pos = parse_pos(parse);
    }
    return parse_end(parse);
}

static bool
parse_log_format(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;

    return parse_format(parse, &conf->log_format, FORMAT_IS_LOG | FORMAT_MANDATORY);
}

static bool
parse_error_log_format(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;

    return parse_format(parse, &conf->error_log_format, FORMAT_IS_LOG | FORMAT_MANDATORY);
}

static bool
parse_log_format_sd(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;

    return parse_format(parse, &conf->log_format_sd,
                        FORMAT_IS_LOG | FORMAT_MANDATORY | FORMAT_ESCAPE);
}

static bool
parse_log_tag(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;

    conf->log_tag = parse_word(parse, "a tag");
    return conf->log_tag != NULL && parse_end(parse);
}

static bool
parse_unique_id_format(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;
    const char *text = parse_word(parse, "a format");

    if (text == NULL)
        return false;
    conf->unique_id_format =
        log_format_parse(parse, text, PLACE_FE_REQUEST | PLACE_CHECK, FORMAT_IS_LOG | FORMAT_MANDATORY);
    return conf->unique_id_format != NULL && parse_end(parse);
}

static bool
parse_unique_id_header(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;

    conf->unique_id_header = parse_word(parse, "a header field");
    return conf->unique_id_header != NULL && parse_end(parse);
}

static const struct keyword keywords[] = {
    { "unique-id-format", IN_PROXY, .args = "<format>", .parse = parse_unique_id_format,
      .help = "How the id of each request is made (%ID, unique-id); of a backend: that of its checks." },
    { "unique-id-header", IN_FRONT, .args = "<name>", .parse = parse_unique_id_header,
      .help = "The header field that carries the id to servers." },
    { "log", IN_PROXY, .flags = KEYWORD_NO,
      .args = "global | <target> [options] <facility> [<level> [<level>]]", .parse = parse_log,
      .help = "Where log lines go." },
    { "log-tag", IN_PROXY, .args = "<tag>", .parse = parse_log_tag,
      .help = "The program's name in log lines." },
    { "log-format", IN_FRONT, .args = "<format>", .parse = parse_log_format,
      .help = "A format of your own for log lines." },
    { "error-log-format", IN_FRONT, .args = "<format>", .parse = parse_error_log_format,
      .help = "The format for connections that failed before a request." },
    { "log-format-sd", IN_FRONT, .args = "<format>", .parse = parse_log_format_sd,
      .help = "The structured data of RFC 5424 lines." },
    { "option httpslog", IN_PROXY, .flags = KEYWORD_NO, .parse = parse_httpslog,
      .help = "Log lines about HTTP requests, with facts about TLS." },
    { "option httplog", IN_PROXY, .flags = KEYWORD_NO, .args = "[clf | json]", .parse = parse_flavour,
      .help = "Log lines about HTTP requests." },
    { "option tcplog", IN_PROXY, .flags = KEYWORD_NO, .args = "[clf | json]", .parse = parse_flavour,
      .help = "Log lines about TCP sessions." },
};
REGISTER(keyword, keywords);
