/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statistics over HTTP: the page, its CSV and JSON, Prometheus.
 */
#pragma once

#include "private.h"
#include "weir/config/snapshot.h"
#include "weir/expr/eval.h"
#include "weir/http/reply_action.h"
#include "weir/stream/errand.h"

struct condition;

/* --- stats_conf.c ----------------------------------------------------------------- */

struct stats_user {
    struct stats_user *next;
    struct str user, password;
};

struct stats_scope {
    struct stats_scope *next;
    const char *name; /* "." : the proxy itself */
};

/* "stats ..." of a proxy. In the snapshot. */
struct stats_conf {
    bool is_on, show_legends, show_modules, show_node, show_desc;
    bool show_version; /* stats hide-version is the usual: weir says its version only if asked */
    const char *uri, *realm, *node, *desc; /* node, desc NULL: the process's */
    int64_t refresh_ms;              /* 0: none */
    struct stats_user *users;        /* NULL: everybody */
    struct stats_scope *scopes;      /* NULL: all proxies */
    const struct condition *admin;   /* who may change something; NULL: nobody, unless: */
    bool admin_always;
    struct ruleset rules;            /* stats http-request */
};

const struct stats_conf *stats_conf_of(const struct proxy_conf *conf);

/* --- stats_query.c ------------------------------------------------------------------ */

enum page_form { PAGE_HTML, PAGE_CSV, PAGE_JSON };

/* What stands behind the page's URI. Strings are lent. */
struct page_query {
    enum page_form form;
    unsigned flags; /* set of enum stat_flag */
    bool no_refresh;
    struct str scope;  /* names of proxies must contain it; len 0: any */
    struct str status; /* ";st=DONE": what an action before has brought */
};

/* False: the target is not below `uri`. Pure. */
bool page_query_parse(struct page_query *query, struct str target, const char *uri);

/* --- a page on its way ---------------------------------------------------------------- */

struct page {
    struct errand errand; /* first */
    struct snapshot *snapshot; /* holds */
    const struct proxy_conf *proxy; /* whose page it is */
    const struct stats_conf *conf;  /* NULL: Prometheus */
    struct page_query query;
    char *target; /* owns: what query lends */
    bool is_admin;
    char *form;   /* owns: what was posted; NULL: nothing */
    char nonce[33];
    /* The answer */
    int status;
    const char *content_type;
    struct text body;
    struct text location; /* of a redirection */
    size_t sent;          /* of the body: the exporter */
};

/* Both are `work` of an errand: control. */
void stats_page_work(struct errand *errand);
void stats_prometheus_work(struct errand *errand);
/* stats_html.c */
void stats_html_write(struct page *page);
/* stats_admin.c: does what was posted; the answer is a redirection. */
void stats_admin_run(struct page *page);
/* Does the page show this proxy? */
bool page_shows(const struct page *page, const struct proxy_conf *conf);
