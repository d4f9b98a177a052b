/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keywords of health checks: words of server lines, option httpchk, option tcp-check, http-check.
 *
 * Thread: builder.
 */
#include <string.h>
#include <strings.h>

#include "weir/base/regex.h"
#include "weir/expr/regex_conf.h"
#include "private.h"

#define INTER_MS 2000

static void
init_check(void *slot)
{
    struct check_conf *conf = slot;

    conf->inter_ms = INTER_MS;
    conf->rise = 2;
    conf->fall = 3;
}

static struct slot check_slot = {
    .name = "check",
    .owner = SLOT_SERVER,
    .size = sizeof(struct check_conf),
    .init = init_check,
};
REGISTER_SLOT(check_slot);

static struct slot method_slot = SLOT("check method", SLOT_PROXY, struct check_method);
REGISTER_SLOT(method_slot);

const struct check_conf *
check_conf_of(const struct server_conf *srv)
{
    return slot_of_const(srv->slots, &check_slot);
}

const struct check_method *
check_method_of(const struct proxy_conf *backend)
{
    return slot_of_const(backend->slots, &method_slot);
}

/* --- server lines --------------------------------------------------------------------------- */

static bool
parse_check(struct parse *parse)
{
    ((struct check_conf *)keyword_slot(parse, &check_slot))->is_on =
        strcmp(parse->keyword, "check") == 0;
    return true;
}

static bool
parse_addr(struct parse *parse)
{
    struct check_conf *conf = keyword_slot(parse, &check_slot);
    const char *word = parse_address_word(parse, "an address");
    struct error err = ERROR_INIT;
    struct addr_spec spec;

    if (word == NULL)
        return false;
    if (!addr_parse(word, 0, &spec, &err))
        return parse_alert(parse, "'addr': %s", err.text);
    conf->addr = spec.addr;
    return true;
}

static bool
parse_send_proxy(struct parse *parse)
{
    ((struct check_conf *)keyword_slot(parse, &check_slot))->send_proxy =
        strncmp(parse->keyword, "no-", 3) != 0;
    return true;
}

/* --- proxies -----------------------------------------------------------------------------------
 */

static bool
check_text(struct parse *parse, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\r' || *c == '\n')
            return parse_alert(parse, "a line end cannot stand in '%s'; use 'http-check send'",
                               text);
    }
    return true;
}

/* What another section said of the request is replaced as a whole. */
static void
forget_request(struct parse *parse, struct check_method *method)
{
    if (method->request_of == parse->object)
        return;
    method->request_of = parse->object;
    method->method = method->uri = method->version = method->host = NULL;
    method->headers = method->body = NULL;
}

/* A first 'http-check send' keeps the request line that 'option httpchk' of any section gave. */
static void
forget_fields(struct parse *parse, struct check_method *method)
{
    if (method->request_of == parse->object)
        return;
    method->request_of = parse->object;
    method->host = method->headers = method->body = NULL;
}

/* "<uri>", "<method> <uri>", "<method> <uri> <version>", "... <host>"; older files hide fields
 * behind the version. */
static bool
parse_httpchk(struct parse *parse)
{
    struct check_method *method = keyword_slot(parse, &method_slot);
    const char *first, *second, *version, *host;

    method->is_http = !parse->negated;
    if (parse->negated)
        return parse_end(parse);
    forget_request(parse, method);
    first = words_next(parse->words);
    second = words_next(parse->words);
    version = words_next(parse->words);
    host = words_next(parse->words);
    if (first != NULL && second == NULL)
        method->uri = first;
    else if (first != NULL) {
        method->method = first;
        method->uri = second;
    }
    if (version != NULL) {
        const char *end = strstr(version, "\r\n");

        method->version =
            end == NULL ? version
                        : arena_copy_str(parse->arena, str_of(version, (size_t)(end - version)));
        if (end != NULL)
            method->headers = arena_printf(parse->arena, "%s\r\n", end + 2);
    }
    if (host != NULL && strchr(host, '%') != NULL)
        return parse_not_yet(parse, "a format as host of 'option httpchk'");
    method->host = host;
    return parse_end(parse);
}

static bool
parse_tcp_check(struct parse *parse)
{
    struct check_method *method = keyword_slot(parse, &method_slot);

    method->is_http = false;
    return parse_end(parse);
}

static bool
parse_send_word(struct parse *parse, struct check_method *method, const char *word)
{
    const char **to = strcmp(word, "meth") == 0   ? &method->method
                      : strcmp(word, "uri") == 0  ? &method->uri
                      : strcmp(word, "ver") == 0  ? &method->version
                      : strcmp(word, "body") == 0 ? &method->body
                                                  : NULL;

    if (to != NULL) {
        *to = parse_word(parse, "a value");
        return *to != NULL && (to == &method->body || check_text(parse, *to));
    }
    if (strcmp(word, "hdr") == 0) {
        const char *name = parse_word(parse, "the name of a header field");
        const char *value = name == NULL ? NULL : parse_word(parse, "its value");

        if (value == NULL || !check_text(parse, name) || !check_text(parse, value))
            return false;
        if (strchr(value, '%') != NULL)
            return parse_not_yet(parse, "a format in 'http-check send hdr'");
        if (strcasecmp(name, "host") == 0)
            method->host = value;
        else
            method->headers =
                arena_printf(parse->arena, "%s%s: %s\r\n",
                             method->headers == NULL ? "" : method->headers, name, value);
        return true;
    }
    if (strcmp(word, "uri-lf") == 0 || strcmp(word, "body-lf") == 0 || strcmp(word, "comment") == 0)
        return parse_not_yet(parse, arena_printf(parse->arena, "http-check send %s", word));
    return parse_alert(parse, "'http-check send' does not know '%s'", word);
}

static bool
is_expect_word_of_later(const char *word)
{
    static const char *const names[] = { "min-recv",   "comment",      "ok-status", "error-status",
                                         "tout-status", "on-success",  "on-error",  "status-code",
                                         "hdr",        "fhdr",         "string-lf" };

    for (size_t i = 0; word != NULL && i < COUNT(names); i++) {
        if (strcmp(word, names[i]) == 0)
            return true;
    }
    return false;
}

static bool
parse_expect(struct parse *parse, struct check_method *method)
{
    static const char *const names[] = { "status", "rstatus", "string", "rstring", NULL };
    struct error err = ERROR_INIT;
    int kind;

    if (is_expect_word_of_later(words_peek(parse->words)))
        return parse_not_yet(parse, arena_printf(parse->arena, "http-check expect %s",
                                                 words_peek(parse->words)));
    if (method->expect_of == parse->object)
        return parse_not_yet(parse, "more than one 'http-check expect'");
    method->expect_of = parse->object;
    method->is_negated = words_accept(parse->words, "!");
    if (!parse_choice(parse, "status, rstatus, string or rstring", names, &kind))
        return false;
    method->expect = (enum expect_kind)(EXPECT_STATUS + kind);
    method->expected = parse_word(parse, "what is expected");
    if (method->expected == NULL)
        return false;
    if (method->expect == EXPECT_RSTATUS || method->expect == EXPECT_RSTRING) {
        method->regex = regex_conf_compile(parse, str_from(method->expected), REGEX_CASE, &err);
        if (method->regex == NULL)
            return parse_alert(parse, "regular expression '%s': %s", method->expected, err.text);
    }
    return parse_end(parse);
}

static bool
parse_http_check(struct parse *parse)
{
    struct check_method *method = keyword_slot(parse, &method_slot);
    const char *word = parse_word(parse, "'send' or 'expect'");

    if (word == NULL)
        return false;
    if (strcmp(word, "expect") == 0)
        return parse_expect(parse, method);
    if (strcmp(word, "disable-on-404") == 0) {
        method->stops_on_404 = true;
        return parse_end(parse);
    }
    if (strcmp(word, "send") != 0)
        return parse_not_yet(parse, arena_printf(parse->arena, "http-check %s", word));
    if (method->send_of == parse->object)
        return parse_not_yet(parse, "more than one 'http-check send'");
    method->send_of = parse->object;
    forget_fields(parse, method);
    while ((word = words_next(parse->words)) != NULL) {
        if (!parse_send_word(parse, method, word))
            return false;
    }
    return true;
}

/* --- requests are written once
 * -------------------------------------------------------------------- */

static void
write_request(struct parse *parse, struct check_method *method)
{
    const char *version = method->version != NULL ? method->version : "HTTP/1.0";
    const char *headers = method->headers != NULL ? method->headers : "";
    const char *host = "", *length = "";

    if (method->host != NULL)
        host = arena_printf(parse->arena, "host: %s\r\n", method->host);
    else if (strcmp(version, "HTTP/1.1") == 0)
        host = "host:\r\n";
    if (method->body != NULL)
        length = arena_printf(parse->arena, "content-length: %zu\r\n", strlen(method->body));
    method->request = arena_printf(parse->arena, "%s %s %s\r\n%s%s%sconnection: close\r\n\r\n%s",
                                   method->method != NULL ? method->method : "OPTIONS",
                                   method->uri != NULL ? method->uri : "/", version, host, headers,
                                   length, method->body != NULL ? method->body : "");
}

static bool
on_check(struct parse *parse)
{
    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        struct check_method *method = slot_of(conf->slots, &method_slot);

        if (method->is_http && proxy_conf_is_back(conf))
            write_request(parse, method);
    }
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_CHECK, ORDER_CHECK, on_check, "check: requests" },
};
REGISTER(config_hook, hooks);

#define CHECK_TIME(name_, member_, help_)                                                          \
    {                                                                                              \
        name_, IN_SERVER, .args = "<time>", .slot = &check_slot,                                   \
                          SET_TIME_MS(struct check_conf, member_), .help = help_                   \
    }

static const struct keyword keywords[] = {
    { "check", IN_SERVER, .parse = parse_check, .help = "Check the health of this server." },
    { "no-check", IN_SERVER, .parse = parse_check, .help = "Undoes an inherited 'check'." },
    CHECK_TIME("inter", inter_ms, "Time between two checks; 2 s by default."),
    CHECK_TIME("fastinter", fastinter_ms, "Time between two checks while the state is changing."),
    CHECK_TIME("downinter", downinter_ms, "Time between two checks while the server is down."),
    { "rise", IN_SERVER, .args = "<count>", .slot = &check_slot,
      SET_INT(struct check_conf, rise, 1, 65535),
      .help = "Good checks in a row that bring a server up." },
    { "fall", IN_SERVER, .args = "<count>", .slot = &check_slot,
      SET_INT(struct check_conf, fall, 1, 65535),
      .help = "Bad checks in a row that take a server down." },
    { "port", IN_SERVER, .args = "<port>", .slot = &check_slot,
      SET_INT(struct check_conf, port, 1, 65535),
      .help = "Port to check instead of the server's." },
    { "addr", IN_SERVER, .args = "<address>", .parse = parse_addr,
      .help = "Address to check instead of the server's." },
    { "check-send-proxy", IN_SERVER, .parse = parse_send_proxy,
      .help = "Begin checks with a PROXY header, as connections do." },
    { "no-check-send-proxy", IN_SERVER, .parse = parse_send_proxy,
      .help = "Undoes an inherited 'check-send-proxy'." },
    { "option httpchk", IN_BACK, .flags = KEYWORD_NO, .slot = &method_slot,
      .args = "[<method>] [<uri>] [<version>] [<host>]", .parse = parse_httpchk,
      .help = "Check servers by an HTTP request." },
    { "option tcp-check", IN_BACK, .flags = KEYWORD_NO, .slot = &method_slot,
      .parse = parse_tcp_check, .help = "Check servers by connecting: the default." },
    { "http-check", IN_BACK, .slot = &method_slot,
      .args = "send <what>... | expect [!] <kind> <value> | disable-on-404",
      .parse = parse_http_check, .help = "What HTTP checks send and expect." },
};
REGISTER(keyword, keywords);
