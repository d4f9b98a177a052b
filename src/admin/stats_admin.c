/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was posted on the statistics page: states of servers.
 *
 * For:     stats_page.c.
 * Thread:  control.
 *
 * A form has "b" (the backend, by name or "#id"), one "s" for each server, and "action". The answer
 * sends the browser back to the page with a word about how it went (";st=DONE").
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/encode.h"
#include "weir/base/number.h"
#include "weir/check/check.h"
#include "weir/server/server.h"
#include "page.h"

static void
make_ready(struct server *srv)
{
    server_set_admin(srv, 0, ADMIN_FMAINT | ADMIN_FDRAIN, NULL);
}

static void
drain(struct server *srv)
{
    server_set_admin(srv, ADMIN_FDRAIN, ADMIN_FMAINT, NULL);
}

static void
maintain(struct server *srv)
{
    server_set_admin(srv, ADMIN_FMAINT, ADMIN_FDRAIN, NULL);
}

static void
pause_check(struct server *srv)
{
    check_pause(srv);
}

static void
resume_check(struct server *srv)
{
    check_resume(srv);
}

static void
force_up(struct server *srv)
{
    check_force(srv, SERVER_RUNNING);
}

static void
force_stopping(struct server *srv)
{
    check_force(srv, SERVER_STOPPING);
}

static void
force_down(struct server *srv)
{
    check_force(srv, SERVER_STOPPED);
}

static const struct {
    const char *name;
    void (*run)(struct server *srv);
} actions[] = {
    { "ready", make_ready },    { "drain", drain },         { "maint", maintain },
    { "enable", make_ready },   { "disable", maintain },    { "stop", drain },
    { "start", make_ready },    { "dhlth", pause_check },   { "ehlth", resume_check },
    { "hrunn", force_up },      { "hnolb", force_stopping }, { "hdown", force_down },
};

/* --- the form ------------------------------------------------------------------------------ */

struct posted {
    struct proxy *backend;
    void (*run)(struct server *srv);
    unsigned asked, done;
    bool is_wrong;
};

/* In place: "%20" and "+" are blanks. */
static char *
decode(struct str part)
{
    char *text = alloc_copy_str(part);
    size_t len = 0;

    for (size_t i = 0; i < part.len; i++) {
        int high = i + 2 < part.len ? hex_digit(part.ptr[i + 1]) : -1;
        int low = i + 2 < part.len ? hex_digit(part.ptr[i + 2]) : -1;

        if (part.ptr[i] == '%' && high >= 0 && low >= 0) {
            text[len++] = (char)(high << 4 | low);
            i += 2;
        } else {
            text[len++] = part.ptr[i] == '+' ? ' ' : part.ptr[i];
        }
    }
    text[len] = '\0';
    return text;
}

static struct proxy *
find_backend(const struct page *page, const char *name)
{
    int64_t id = -1;

    if (name[0] == '#' && !number_parse_int(str_from(name + 1), 0, INT32_MAX, &id, NULL))
        return NULL;
    LIST_FOR_EACH (conf, proxy_list(page->snapshot), struct proxy_conf, link) {
        if (proxy_conf_is_back(conf) && conf->live != NULL && page_shows(page, conf) &&
            (id >= 0 ? conf->id == id : strcmp(conf->name, name) == 0))
            return conf->live;
    }
    return NULL;
}

static void
read_pair(const struct page *page, struct posted *posted, const char *name, const char *value,
          bool is_first_pass)
{
    if (is_first_pass) {
        if (strcmp(name, "b") == 0)
            posted->backend = find_backend(page, value);
        for (size_t i = 0; strcmp(name, "action") == 0 && i < COUNT(actions); i++) {
            if (strcmp(actions[i].name, value) == 0)
                posted->run = actions[i].run;
        }
        return;
    }
    if (strcmp(name, "s") == 0) {
        struct server *srv = server_find(posted->backend, str_from(value));

        posted->asked++;
        if (srv == NULL)
            return;
        posted->run(srv);
        posted->done++;
    }
}

static void
read_pairs(const struct page *page, struct posted *posted, bool is_first_pass)
{
    struct str rest = str_from(page->form);

    while (rest.ptr != NULL) {
        struct str value = str_split(&rest, '&');
        struct str name = str_split(&value, '=');
        char *name_text = decode(name), *value_text = decode(value.ptr == NULL ? STR("") : value);

        read_pair(page, posted, name_text, value_text, is_first_pass);
        alloc_free(name_text);
        alloc_free(value_text);
    }
}

/* As tools know it. */
static const char *
outcome(struct page *page)
{
    struct posted posted = { 0 };

    if (!page->is_admin)
        return "DENY";
    read_pairs(page, &posted, true);
    if (posted.backend == NULL || posted.run == NULL)
        return "ERRP";
    read_pairs(page, &posted, false);
    if (posted.asked == 0)
        return "NONE";
    return posted.done == posted.asked ? "DONE" : posted.done > 0 ? "PART" : "ERRP";
}

void
stats_admin_run(struct page *page)
{
    const char *word = outcome(page);

    page->status = 303;
    page->content_type = "text/plain";
    text_printf(&page->location, "%s;st=%s", page->conf->uri, word);
    if (page->query.scope.len > 0)
        text_printf(&page->location, ";scope=%.*s", STR_ARG(page->query.scope));
}
