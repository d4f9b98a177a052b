/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actions that answer: deny, tarpit, return, redirect.
 *
 * Thread: builder reads; traffic runs. What is answered lies in the stream's arena or in the
 * snapshot; the stream sends it.
 */
#include "weir/http/reply_action.h"

#include <string.h>

#include "weir/base/alloc.h"
#include "weir/config/slot.h"
#include "weir/config/snapshot.h"
#include "weir/expr/log_format.h"
#include "weir/http/error_files.h"
#include "weir/http/message.h"
#include "weir/os/file.h"
#include "weir/rules/action.h"

/* deny, tarpit, return */
struct reply_conf {
    int status;
    bool has_body;
    bool is_plain; /* no page is wanted where there is no body */
    const char *content_type;
    const struct log_format *body_format; /* lf-string, lf-file; or */
    struct str body;
    const struct reply *file; /* errorfile */
    struct reply_header *headers; /* owns: in the arena */
    unsigned header_count;
    bool is_denial, is_tarpit, uses_pages;
};

/* "errorfiles <section>" in rules */
struct reply_use {
    struct reply_use *next;
    struct reply_conf *conf;
    const char *name;
    struct source_pos pos;
};
struct reply_uses {
    struct reply_use *first;
};
static struct slot uses_slot = SLOT("errorfiles of rules", SLOT_GLOBAL, struct reply_uses);
REGISTER_SLOT(uses_slot);

static struct reply_action *
take_reply(struct eval *eval, unsigned fields)
{
    struct reply_action *reply = arena_take(eval->arena, sizeof(*reply));

    if (reply == NULL)
        return NULL;
    memset(reply, 0, sizeof(*reply));
    if (fields == 0)
        return reply;
    reply->fields = arena_take(eval->arena, fields * sizeof(*reply->fields));
    return reply->fields == NULL ? NULL : reply;
}

static void
add_field(struct reply_action *reply, struct str name, struct str value)
{
    reply->fields[reply->field_count++] = (struct reply_field){ name, value };
}

/* --- deny, tarpit, return --------------------------------------------------------------------- */

static enum reply_kind
kind_of(const struct reply_conf *conf)
{
    if (conf->file != NULL)
        return REPLY_ACTION_FILE;
    if (conf->uses_pages)
        return REPLY_ACTION_PAGE;
    if (!conf->is_denial || conf->has_body || conf->is_plain)
        return REPLY_ACTION_MESSAGE;
    return REPLY_ACTION_PAGE;
}

static enum verdict
run_reply(const struct action *action, struct eval *eval)
{
    const struct reply_conf *conf = action->data;
    struct reply_action *reply = take_reply(eval, conf->header_count);

    if (reply == NULL)
        return VERDICT_FAILED;
    reply->kind = kind_of(conf);
    reply->file = conf->file;
    reply->status = conf->status;
    reply->is_denial = conf->is_denial;
    reply->is_tarpit = conf->is_tarpit;
    if (conf->content_type != NULL && conf->has_body)
        reply->content_type = str_from(conf->content_type);
    reply->body =
        conf->body_format != NULL ? log_format_to_str(conf->body_format, eval) : conf->body;
    for (unsigned i = 0; i < conf->header_count; i++) {
        struct str value = log_format_to_str(conf->headers[i].value, eval);

        if (value.ptr == NULL)
            return VERDICT_FAILED;
        if (value.len > 0) /* as HAProxy */
            add_field(reply, str_from(conf->headers[i].name), value);
    }
    eval->reply = reply;
    return VERDICT_REPLY;
}

static bool
read_body_file(struct parse *parse, const char *path, struct str *out)
{
    struct error err = ERROR_INIT;
    size_t len;
    char *content = file_read(path, &len, &err);

    if (content == NULL)
        return parse_alert(parse, "%s", err.text);
    *out = str_of(arena_copy_str(parse->arena, str_of(content, len)), len);
    alloc_free(content);
    return true;
}

/* A whole response; an empty file: the connection is closed without an answer. */
static bool
parse_errorfile(struct parse *parse, struct reply_conf *conf)
{
    const char *path = parse_word(parse, "a file");

    if (path == NULL)
        return false;
    if (conf->has_body)
        return parse_alert(parse, "the body is given twice");
    conf->has_body = true;
    return error_files_load(parse, path, &conf->file);
}

/* The section may stand further below: resolve_files(). */
static bool
parse_errorfiles(struct parse *parse, struct reply_conf *conf)
{
    struct reply_uses *uses = snapshot_slot(parse->snapshot, &uses_slot);
    struct reply_use *use = ARENA_NEW(parse->arena, struct reply_use);
    const char *name = parse_word(parse, "the name of an http-errors section");

    if (name == NULL)
        return false;
    if (conf->has_body)
        return parse_alert(parse, "the body is given twice");
    *use = (struct reply_use){ uses->first, conf, name, parse_pos(parse) };
    uses->first = use;
    return conf->uses_pages = true;
}

static bool
resolve_files(struct parse *parse)
{
    const struct reply_uses *uses = snapshot_slot(parse->snapshot, &uses_slot);
    bool fine = true;

    for (const struct reply_use *use = uses->first; use != NULL; use = use->next) {
        const struct error_files *files = error_files_find(parse->snapshot, use->name);

        if (files == NULL)
            fine = parse_alert_at(parse, use->pos, "there is no section 'http-errors %s'",
                                  use->name);
        else if (error_files_index(use->conf->status) >= 0)
            use->conf->file = files->pages[error_files_index(use->conf->status)];
    }
    return fine;
}

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_HTTP, resolve_files, "errorfiles of rules" },
};
REGISTER(config_hook, hooks);

static bool
parse_body(struct parse *parse, const struct action *action, struct reply_conf *conf,
           const char *kind)
{
    const char *word = parse_word(parse, strstr(kind, "file") != NULL ? "a file" : "a text");
    bool is_format = strncmp(kind, "lf-", 3) == 0;

    if (word == NULL)
        return false;
    if (conf->has_body)
        return parse_alert(parse, "the body is given twice");
    conf->has_body = true;
    conf->body = str_from(word);
    if (strstr(kind, "file") != NULL && !read_body_file(parse, word, &conf->body))
        return false;
    if (!is_format)
        return true;
    conf->body_format = log_format_parse(parse, conf->body.ptr, action->place, 0);
    return conf->body_format != NULL;
}

static bool
parse_header(struct parse *parse, const struct action *action, struct reply_conf *conf)
{
    const char *name = parse_word(parse, "the name of a header field");
    const char *text = name == NULL ? NULL : parse_word(parse, "a format");
    struct log_format *format =
        text == NULL ? NULL : log_format_parse(parse, text, action->place, FORMAT_IS_HEADER);

    if (format == NULL)
        return false;
    conf->headers = reply_headers_add(parse, conf->headers, conf->header_count++,
                                      (struct reply_header){ name, format });
    return true;
}

static bool
parse_status(struct parse *parse, struct reply_conf *conf, bool is_return)
{
    int64_t status;

    if (!parse_int(parse, "a status", 200, 599, &status))
        return false;
    if (!is_return && status_reason((int)status)[0] == '\0')
        return parse_alert(parse, "weir has no page for status %lld", (long long)status);
    conf->status = (int)status;
    return true;
}

/* HAProxy's deny shows a page after "deny_status", and nothing after "status". */
static bool
read_status(struct parse *parse, struct reply_conf *conf, const char *word, bool is_return)
{
    conf->is_plain = strcmp(word, "status") == 0;
    return parse_status(parse, conf, is_return);
}

static bool
parse_payload(struct parse *parse, struct action *action, struct reply_conf *conf)
{
    bool is_return = strcmp(action->kind->name, "return") == 0;

    while (!action_at_end(parse)) {
        const char *word = words_next(parse->words);
        bool fine;

        if (strcmp(word, "status") == 0 || (!is_return && strcmp(word, "deny_status") == 0))
            fine = read_status(parse, conf, word, is_return);
        else if (strcmp(word, "content-type") == 0)
            fine = (conf->content_type = parse_word(parse, "a media type")) != NULL;
        else if (strcmp(word, "string") == 0 || strcmp(word, "lf-string") == 0 ||
                 strcmp(word, "file") == 0 || strcmp(word, "lf-file") == 0)
            fine = parse_body(parse, action, conf, word);
        else if (strcmp(word, "hdr") == 0)
            fine = parse_header(parse, action, conf);
        else if (strcmp(word, "default-errorfiles") == 0)
            fine = conf->uses_pages = true;
        else if (strcmp(word, "errorfile") == 0)
            fine = parse_errorfile(parse, conf);
        else if (strcmp(word, "errorfiles") == 0)
            fine = parse_errorfiles(parse, conf);
        else
            fine = parse_alert(parse, "'%s' does not know '%s'", action->kind->name, word);
        if (!fine)
            return false;
    }
    if (conf->uses_pages && status_reason(conf->status)[0] == '\0')
        return parse_alert(parse, "weir has no page for status %d", conf->status);
    if (conf->content_type != NULL && !conf->has_body)
        parse_warn(parse, "'content-type' without a body is ignored");
    if (conf->has_body && conf->file == NULL && conf->content_type == NULL &&
        (conf->body.len > 0 || conf->body_format != NULL))
        return parse_alert(parse, "a body needs its 'content-type'");
    return true;
}

static bool
parse_reply(struct parse *parse, struct action *action)
{
    struct reply_conf *conf = ARENA_NEW(parse->arena, struct reply_conf);
    const char *name = action->kind->name;

    conf->is_tarpit = strcmp(name, "tarpit") == 0;
    conf->is_denial = strcmp(name, "return") != 0;
    conf->status = strcmp(name, "return") == 0         ? 200
                   : conf->is_tarpit                   ? 500
                   : action->hook == HOOK_HTTP_REQUEST ? 403
                                                       : 502;
    action->data = conf;
    action->run = run_reply;
    return parse_payload(parse, action, conf);
}

/* --- redirect
 * ------------------------------------------------------------------------------------- */

enum redirect_kind { REDIRECT_LOCATION, REDIRECT_PREFIX, REDIRECT_SCHEME };

struct redirect {
    enum redirect_kind kind;
    const struct log_format *to;
    int code;
    bool drop_query, keep_query, append_slash, ignore_empty;
    const char *set_cookie; /* whole field value */
    const struct log_format *cookie_format; /* set-cookie-fmt; NULL: none */
    unsigned place;
};

static struct str
join(struct eval *eval, const struct str *parts, unsigned count)
{
    size_t len = 0;
    char *text;

    for (unsigned i = 0; i < count; i++)
        len += parts[i].len;
    text = arena_take(eval->arena, len + 1);
    if (text == NULL)
        return STR_NONE;
    len = 0;
    for (unsigned i = 0; i < count; i++) {
        if (parts[i].len > 0)
            memcpy(text + len, parts[i].ptr, parts[i].len);
        len += parts[i].len;
    }
    return str_of(text, len);
}

/* Path and query as the options ask. */
static struct str
redirected_path(const struct redirect *redirect, struct eval *eval)
{
    struct str path = message_path_only(eval->request), query = message_query(eval->request);
    bool needs_slash = redirect->append_slash && (path.len == 0 || path.ptr[path.len - 1] != '/');
    struct str parts[4] = { path, needs_slash ? STR("/") : STR(""), STR(""), STR("") };

    if (query.ptr != NULL && !redirect->drop_query) {
        parts[2] = STR("?");
        parts[3] = query;
    }
    return join(eval, parts, 4);
}

static struct str
location_of(const struct redirect *redirect, struct eval *eval, struct str to)
{
    struct str query = message_query(eval->request);

    switch (redirect->kind) {
    case REDIRECT_LOCATION:
        if (!redirect->keep_query || query.ptr == NULL)
            return to;
        return join(eval,
                    (struct str[]){ to, str_find_char(to, '?') >= 0 ? STR("&") : STR("?"), query },
                    3);
    case REDIRECT_PREFIX:
        return join(
            eval,
            (struct str[]){ str_eq(to, STR("/")) ? STR("") : to, redirected_path(redirect, eval) },
            2);
    case REDIRECT_SCHEME:
        return join(eval,
                    (struct str[]){ to, STR("://"), message_host(eval->request),
                                    redirected_path(redirect, eval) },
                    4);
    }
    return STR_NONE;
}

static enum verdict
run_redirect(const struct action *action, struct eval *eval)
{
    const struct redirect *redirect = action->data;
    struct reply_action *reply;
    struct str to = log_format_to_str(redirect->to, eval), location, cookie;

    if (redirect->ignore_empty && to.len == 0)
        return VERDICT_CONTINUE;
    if (to.ptr == NULL)
        return VERDICT_FAILED;
    if (eval->request == NULL)
        return VERDICT_CONTINUE;
    reply = take_reply(eval, 4);
    location = reply == NULL ? STR_NONE : location_of(redirect, eval, to);
    if (location.ptr == NULL)
        return VERDICT_FAILED;
    reply->kind = REPLY_ACTION_MESSAGE;
    reply->status = redirect->code;
    add_field(reply, STR("location"), location);
    if (redirect->code == 302 || redirect->code == 303 || redirect->code == 307)
        add_field(reply, STR("cache-control"), STR("no-cache"));
    if (redirect->set_cookie != NULL)
        add_field(reply, STR("set-cookie"), str_from(redirect->set_cookie));
    if (redirect->cookie_format != NULL) {
        cookie = log_format_to_str(redirect->cookie_format, eval);
        if (cookie.ptr == NULL)
            return VERDICT_FAILED;
        add_field(reply, STR("set-cookie"), cookie);
    }
    eval->reply = reply;
    return VERDICT_REPLY;
}

static bool
parse_code(struct parse *parse, struct redirect *redirect)
{
    int64_t code;

    if (!parse_int(parse, "301, 302, 303, 307 or 308", 301, 308, &code))
        return false;
    if (code > 303 && code != 307 && code != 308)
        return parse_alert(parse, "a redirect has status 301, 302, 303, 307 or 308, not %lld",
                           (long long)code);
    redirect->code = (int)code;
    return true;
}

static bool
parse_cookie(struct parse *parse, struct redirect *redirect, bool is_set)
{
    const char *word = parse_word(parse, "a cookie");

    if (word == NULL)
        return false;
    if (is_set)
        redirect->set_cookie = arena_printf(parse->arena, "%s; path=/;", word);
    else
        redirect->set_cookie = arena_printf(parse->arena, "%s; path=/; Max-Age=0;", word);
    return true;
}

static bool
parse_cookie_format(struct parse *parse, struct redirect *redirect)
{
    const char *text = parse_word(parse, "a format");

    if (text == NULL)
        return false;
    text = arena_printf(parse->arena, "%s; path=/;", text);
    redirect->cookie_format =
        log_format_parse(parse, text, redirect->place, FORMAT_IS_HEADER);
    return redirect->cookie_format != NULL;
}

static bool
parse_redirect_option(struct parse *parse, struct redirect *redirect)
{
    if (words_accept(parse->words, "code"))
        return parse_code(parse, redirect);
    if (words_accept(parse->words, "drop-query"))
        return redirect->drop_query = true;
    if (words_accept(parse->words, "keep-query"))
        return redirect->keep_query = true;
    if (words_accept(parse->words, "append-slash"))
        return redirect->append_slash = true;
    if (words_accept(parse->words, "ignore-empty"))
        return redirect->ignore_empty = true;
    if (words_accept(parse->words, "set-cookie"))
        return parse_cookie(parse, redirect, true);
    if (words_accept(parse->words, "clear-cookie"))
        return parse_cookie(parse, redirect, false);
    if (words_accept(parse->words, "set-cookie-fmt"))
        return parse_cookie_format(parse, redirect);
    return parse_alert_next(parse, "'redirect' does not know '%s'", words_peek(parse->words));
}

static bool
parse_redirect(struct parse *parse, struct action *action)
{
    static const char *const kinds[] = { "location", "prefix", "scheme", NULL };
    struct redirect *redirect = ARENA_NEW(parse->arena, struct redirect);
    const char *text;
    int kind;

    action->data = redirect;
    action->run = run_redirect;
    redirect->code = 302;
    redirect->place = action->place;
    if (!parse_choice(parse, "location, prefix or scheme", kinds, &kind))
        return false;
    redirect->kind = (enum redirect_kind)kind;
    if (action->hook != HOOK_HTTP_REQUEST && kind != REDIRECT_LOCATION)
        return parse_alert(parse, "in rules for responses, 'redirect' knows only 'location'");
    text = parse_word(parse, "where to");
    if (text == NULL)
        return false;
    redirect->to = log_format_parse(parse, text, action->place, FORMAT_IS_HEADER);
    if (redirect->to == NULL)
        return false;
    while (!action_at_end(parse)) {
        if (!parse_redirect_option(parse, redirect))
            return false;
    }
    return true;
}

#define PAYLOAD                                                                                    \
    "[status <status>] [content-type <type>] [string|lf-string|file|lf-file <body>] [hdr <name> "  \
    "<format>]..."

static const struct action_kind kinds[] = {
    { "deny", ON(HOOK_HTTP_REQUEST) | ON(HOOK_HTTP_RESPONSE), .is_final = true,
      .args = "[deny_status <status>] " PAYLOAD, .parse = parse_reply,
      .help = "Refuse: 403 for requests, 502 for responses, or as said." },
    { "tarpit", ON(HOOK_HTTP_REQUEST), .is_final = true, .args = "[deny_status <status>] " PAYLOAD,
      .parse = parse_reply, .help = "Hold the client for timeout tarpit, then refuse (500)." },
    { "return", ON(HOOK_HTTP_REQUEST) | ON(HOOK_HTTP_RESPONSE), .is_final = true, .args = PAYLOAD,
      .parse = parse_reply, .help = "Answer with this response." },
    { "redirect", ON(HOOK_HTTP_REQUEST) | ON(HOOK_HTTP_RESPONSE), .is_final = true,
      .args = "location|prefix|scheme <format> [code <status>] [options]", .parse = parse_redirect,
      .help = "Send the client elsewhere." },
};
REGISTER(action_kind, kinds);
