/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests for the statistics page: who may see it, what was asked, what is answered.
 *
 * For:     proxies with "stats" lines.
 * Owns:    a page while it is made (an errand of its stream).
 * Callers: the rule engine; control, which does the errand.
 * Thread:  owner of the stream; stats_page_work() on control.
 */
#include <stdio.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/encode.h"
#include "weir/base/entropy.h"
#include "weir/expr/condition.h"
#include "weir/expr/explain.h"
#include "weir/http/message.h"
#include "weir/stream/applet.h"
#include "weir/stream/service.h"
#include "weir/stream/stream.h"
#include "page.h"
#include "stats_rule.h"

#define FORM_MAX 16384 /* bytes that are posted */

/* --- answers ------------------------------------------------------------------------------- */

static struct reply_action *
reply_new(struct eval *eval, int status, unsigned fields)
{
    struct reply_action *reply = arena_take(eval->arena, sizeof(*reply));

    if (reply == NULL)
        return NULL;
    *reply = (struct reply_action){ .kind = REPLY_ACTION_MESSAGE, .status = status };
    reply->service = "<STATS>";
    reply->fields = arena_take(eval->arena, sizeof(*reply->fields) * (fields + 1));
    return reply->fields == NULL ? NULL : reply;
}

static void
add_field(struct reply_action *reply, const char *name, struct str value)
{
    reply->fields[reply->field_count++] =
        (struct reply_field){ .name = str_from(name), .value = value };
}

static enum verdict
refuse(struct eval *eval, const struct stats_conf *conf)
{
    struct reply_action *reply = reply_new(eval, 401, 1);
    char *challenge = arena_take(eval->arena, strlen(conf->realm) + 32);

    if (reply == NULL || challenge == NULL)
        return VERDICT_FAILED;
    add_field(reply, "www-authenticate",
              str_of(challenge, (size_t)sprintf(challenge, "Basic realm=\"%s\"", conf->realm)));
    reply->kind = REPLY_ACTION_PAGE;
    reply->is_denial = true;
    eval->reply = reply;
    return VERDICT_REPLY;
}

static const char content_security[] =
    "default-src 'none'; style-src 'nonce-%s'; script-src 'nonce-%s'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

static enum verdict
answer(struct eval *eval, const struct page *page)
{
    struct reply_action *reply = reply_new(eval, page->status, 6);
    size_t policy_size = sizeof(content_security) + 2 * sizeof(page->nonce);
    char *policy = arena_take(eval->arena, policy_size), *seconds = arena_take(eval->arena, 24);

    if (reply == NULL || policy == NULL || seconds == NULL)
        return VERDICT_FAILED;
    reply->body = text_str(&page->body); /* lives as long as the stream */
    reply->content_type = str_from(page->content_type);
    add_field(reply, "cache-control", STR("no-cache"));
    if (page->location.len > 0)
        add_field(reply, "location", text_str(&page->location));
    if (page->conf != NULL && page->query.form == PAGE_HTML && page->status == 200) {
        snprintf(policy, policy_size, content_security, page->nonce, page->nonce);
        add_field(reply, "content-security-policy", str_from(policy));
        add_field(reply, "x-content-type-options", STR("nosniff"));
        add_field(reply, "referrer-policy", STR("no-referrer"));
        if (page->conf->refresh_ms > 0 && !page->query.no_refresh) {
            snprintf(seconds, 24, "%lld", (long long)((page->conf->refresh_ms + 999) / 1000));
            add_field(reply, "refresh", str_from(seconds));
        }
    }
    eval->reply = reply;
    return VERDICT_REPLY;
}

/* --- who may see it -------------------------------------------------------------------------- */

/* Reads "Basic <base64 of user:password>" (RFC 7617). */
static bool
is_known(struct eval *eval, const struct stats_conf *conf)
{
    long at = message_find_field_name(eval->request, STR("authorization"), 0);
    struct str value = at < 0 ? STR("") : field_value(&eval->request->fields[at]);
    struct str scheme = str_split(&value, ' '), text;
    size_t len;
    char *to;

    if (value.ptr == NULL || !str_eq_nocase(scheme, STR("basic")))
        return false;
    value = str_trim(value);
    to = arena_take(eval->arena, BASE64_DECODED_MAX(value.len) + 1);
    if (to == NULL || !base64_decode(to, &len, value))
        return false;
    text = str_of(to, len);
    scheme = str_split(&text, ':');
    for (const struct stats_user *user = conf->users; user != NULL; user = user->next) {
        if (text.ptr != NULL && str_eq(user->user, scheme) && str_eq(user->password, text))
            return true;
    }
    return false;
}

/* CONTINUE: yes. */
static enum verdict
may_see(struct eval *eval, const struct stats_conf *conf)
{
    struct rule_cursor cursor = { 0 };
    enum verdict verdict = ruleset_run(&conf->rules, &cursor, eval, NULL);

    if (verdict == VERDICT_STOP || verdict == VERDICT_STOP_ALL)
        return VERDICT_CONTINUE;
    if (verdict != VERDICT_CONTINUE)
        return verdict == VERDICT_WAIT ? VERDICT_FAILED : verdict;
    return conf->users == NULL || is_known(eval, conf) ? VERDICT_CONTINUE : refuse(eval, conf);
}

/* --- making it --------------------------------------------------------------------------------- */

static void
page_free(struct errand *errand)
{
    struct page *page = (struct page *)errand;

    snapshot_drop(page->snapshot);
    text_fini(&page->body);
    text_fini(&page->location);
    alloc_free(page->target);
    alloc_free(page->form);
    alloc_free(page);
}

static struct page *
page_new(struct eval *eval, const struct stats_conf *conf)
{
    struct page *page = alloc_zero(sizeof(*page));
    char bytes[16];

    page->errand.work = conf == NULL ? stats_prometheus_work : stats_page_work;
    page->errand.free = page_free;
    page->snapshot = eval->snapshot;
    snapshot_hold(page->snapshot);
    page->proxy = eval->proxy;
    page->conf = conf;
    page->target = alloc_copy_str(eval->request->target);
    page->status = 200;
    text_init(&page->body);
    text_init(&page->location);
    entropy_fill(bytes, sizeof(bytes));
    hex_encode(page->nonce, str_of(bytes, sizeof(bytes)));
    return page;
}

/* What was posted; FETCH_LATER: more comes. */
static enum fetched
read_form(struct eval *eval, char **form)
{
    const struct endpoint *ep = eval->front;
    size_t len = ep->in.bytes;

    if ((ep->flags & (EP_IN_ENDED | EP_IN_BROKEN)) == 0 && len < FORM_MAX) {
        endpoint_want_body(eval->front);
        return FETCH_LATER;
    }
    if ((ep->flags & EP_IN_ENDED) == 0)
        return FETCH_NONE;
    *form = alloc_zero(len + 1);
    chain_peek(&ep->in, 0, *form, len);
    return FETCH_OK;
}

static enum verdict
begin(struct eval *eval, const struct stats_conf *conf)
{
    bool is_post = eval->request->method == METHOD_POST;
    char *form = NULL;
    struct page *page;

    if (eval->explain != NULL && eval->explain->is_offline) { /* nobody is there to make the page */
        eval->reply = reply_new(eval, 200, 0);
        return eval->reply == NULL ? VERDICT_FAILED : VERDICT_REPLY;
    }
    if (is_post) {
        enum fetched result = read_form(eval, &form);

        if (result == FETCH_LATER)
            return VERDICT_WAIT;
        if (result == FETCH_NONE)
            form = alloc_copy("");
    }
    page = page_new(eval, conf);
    (void)page_query_parse(&page->query, str_from(page->target), conf->uri);
    page->form = form;
    page->is_admin = conf->admin != NULL && condition_test(conf->admin, eval) == TRUTH_YES;
    errand_start(&page->errand, eval->stream);
    return VERDICT_WAIT;
}

static enum verdict
go_on(struct eval *eval)
{
    const struct errand *errand = errand_of(eval->stream);

    return errand->is_done ? answer(eval, (const struct page *)errand) : VERDICT_WAIT;
}

static enum verdict
run_page(const struct action *action, struct eval *eval)
{
    const struct stats_conf *conf = action->data;
    enum verdict verdict;
    struct page_query query;

    if (errand_of(eval->stream) != NULL)
        return go_on(eval);
    if (!page_query_parse(&query, eval->request->target, conf->uri))
        return VERDICT_CONTINUE;
    verdict = may_see(eval, conf);
    return verdict == VERDICT_CONTINUE ? begin(eval, conf) : verdict;
}

bool
page_shows(const struct page *page, const struct proxy_conf *conf)
{
    const struct stats_scope *scope = page->conf == NULL ? NULL : page->conf->scopes;

    if (page->query.scope.len > 0 && str_find(str_from(conf->name), page->query.scope, 0) < 0)
        return false;
    if (scope == NULL)
        return true;
    for (; scope != NULL; scope = scope->next) {
        if (strcmp(scope->name, conf->name) == 0 ||
            (strcmp(scope->name, ".") == 0 && conf == page->proxy))
            return true;
    }
    return false;
}

/* --- control --------------------------------------------------------------------------------------- */

static void
write_csv(struct stat_row *row, void *arg)
{
    stat_csv_row(arg, row);
}

static void
write_json(struct stat_row *row, void *arg)
{
    stat_json_row(arg, row);
}

static void
walk(struct page *page, stat_row_fn *fn, void *arg)
{
    struct stat_filter filter = { .flags = page->query.flags, .proxy_id = -1, .kinds = -1, .id = -1 };

    if (page->conf->show_legends || page->query.form != PAGE_HTML)
        filter.flags |= STAT_WITH_ADDRESSES;
    LIST_FOR_EACH (conf, proxy_list(page->snapshot), struct proxy_conf, link) {
        if (page_shows(page, conf))
            stats_walk_proxy(conf, &filter, fn, arg);
    }
}

void
stats_page_work(struct errand *errand)
{
    struct page *page = (struct page *)errand;
    struct json json;

    if (page->form != NULL) {
        stats_admin_run(page);
        return;
    }
    switch (page->query.form) {
    case PAGE_HTML:
        page->content_type = "text/html; charset=utf-8";
        stats_html_write(page);
        break;
    case PAGE_CSV:
        page->content_type = "text/plain";
        stat_csv_header(&page->body);
        walk(page, write_csv, &page->body);
        break;
    case PAGE_JSON:
        page->content_type = "application/json";
        json_init(&json, &page->body);
        json_open_array(&json);
        walk(page, write_json, &json);
        json_close_array(&json);
        text_add_char(&page->body, '\n');
        break;
    }
}

/* --- use-service ------------------------------------------------------------------------------------- */

static bool
start_figures(struct applet *applet, const struct page *page)
{
    struct message *msg = applet_answer(applet, page->status, STR_NONE);
    char length[24];

    snprintf(length, sizeof(length), "%zu", page->body.len);
    return msg != NULL &&
           message_add_field(msg, FIELD_CACHE_CONTROL, STR("cache-control"), STR("no-cache")) &&
           message_add_field(msg, FIELD_CONTENT_TYPE, STR("content-type"),
                             str_from(page->content_type)) &&
           message_add_field_copy(msg, STR("content-length"), str_from(length)) &&
           applet_start(applet);
}

static unsigned
send_figures(struct applet *applet)
{
    struct page *page = applet->data;
    size_t sent;

    if (!applet_is_started(applet) && !start_figures(applet, page))
        return APPLET_FAILED;
    do {
        sent = applet_send(applet, str_slice(text_str(&page->body), page->sent, SIZE_MAX));
        page->sent += sent;
    } while (sent > 0 && page->sent < page->body.len);
    return page->sent < page->body.len ? APPLET_WANTS_ROOM : APPLET_DONE;
}

static const struct applet_kind exporter = { .run = send_figures };

static enum verdict
run_exporter(const struct action *action, struct eval *eval)
{
    struct errand *errand = errand_of(eval->stream);

    (void)action;
    if (eval->explain != NULL && eval->explain->is_offline)
        return applet_use(eval, &exporter, NULL, "<PROMEX>"); /* which will not run */
    if (errand == NULL) {
        errand_start(&page_new(eval, NULL)->errand, eval->stream);
        return VERDICT_WAIT;
    }
    return errand->is_done ? applet_use(eval, &exporter, errand, "<PROMEX>") : VERDICT_WAIT;
}

static bool
parse_exporter(struct parse *parse, struct action *action, const char *name)
{
    (void)parse;
    (void)name;
    action->run = run_exporter;
    return true;
}

static const struct service services[] = {
    { "prometheus-exporter", ON(HOOK_HTTP_REQUEST), .parse = parse_exporter,
      .help = "Figures of all proxies and servers in the form that Prometheus reads." },
};
REGISTER(service, services);

/* --- the rule ------------------------------------------------------------------------------------------ */

static const struct action_kind page_kind = { .name = "stats", .hooks = ON(HOOK_HTTP_REQUEST) };

void
stats_rule_add(struct parse *parse, struct proxy_conf *conf)
{
    struct ruleset *set = &conf->redirects;
    struct rule *rules = ARENA_ARRAY(parse->arena, struct rule, set->count + 1);
    struct action *action = ARENA_NEW(parse->arena, struct action);

    *action = (struct action){ .kind = &page_kind,
                               .run = run_page,
                               .data = (void *)(uintptr_t)stats_conf_of(conf),
                               .hook = HOOK_HTTP_REQUEST,
                               .pos = conf->pos,
                               .text = "stats" };
    rules[0].action = action;
    if (set->count > 0)
        memcpy(rules + 1, set->rules, set->count * sizeof(*rules));
    set->rules = rules;
    set->count++;
    set->cap = set->count;
}
