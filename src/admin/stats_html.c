/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The statistics page for people.
 *
 * For:     stats_page.c.
 * Owns:    nothing.
 * Thread:  control.
 *
 * A plain table that needs no script. What a script adds (live figures, small charts, filter, sorting)
 * is in stats_asset.c. Every text that is not ours goes through put_escaped().
 */
#include <string.h>
#include <time.h>

#include "weir/admin/info.h"
#include "weir/base/version.h"
#include "weir/loop/loop.h"
#include "weir/lua/script.h"
#include "weir/loop/thread.h"
#include "weir/telemetry/process.h"
#include "page.h"
#include "stats_asset.h"

struct writer {
    struct page *page;
    struct text *out;
    bool can_act; /* the rows of servers have boxes */
};

/* --- pieces ----------------------------------------------------------------------------------- */

static void
put_escaped(struct text *out, const char *s)
{
    for (; *s != '\0'; s++) {
        switch (*s) {
        case '<':
            text_puts(out, "&lt;");
            break;
        case '>':
            text_puts(out, "&gt;");
            break;
        case '&':
            text_puts(out, "&amp;");
            break;
        case '"':
            text_puts(out, "&quot;");
            break;
        case '\'':
            text_puts(out, "&#39;");
            break;
        default:
            text_add_char(out, *s);
        }
    }
}

static const char *
text_of(const struct stat_row *row, enum stat_column column)
{
    const struct metric_value *value = &row->values[column];

    return value->type == METRIC_TEXT && value->text != NULL ? value->text : "";
}

static unsigned long long
number_of(const struct stat_row *row, enum stat_column column)
{
    const struct metric_value *value = &row->values[column];

    if (value->type == METRIC_S32)
        return value->integer < 0 ? 0 : (unsigned long long)value->integer;
    return value->type == METRIC_U32 || value->type == METRIC_U64
               ? (unsigned long long)value->number
               : 0;
}

static void
put_bytes(struct text *out, unsigned long long bytes)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB" };
    double amount = (double)bytes;
    unsigned unit = 0;

    while (amount >= 1000 && unit + 1 < COUNT(units)) {
        amount /= 1000;
        unit++;
    }
    if (unit == 0)
        text_printf(out, "%llu&nbsp;B", bytes);
    else
        text_printf(out, "%.*f&nbsp;%s", amount < 10 ? 2 : 1, amount, units[unit]);
}

static void
put_duration(struct text *out, unsigned long long seconds)
{
    if (seconds >= 86400)
        text_printf(out, "%llud%lluh", seconds / 86400, seconds / 3600 % 24);
    else if (seconds >= 3600)
        text_printf(out, "%lluh%llum", seconds / 3600, seconds / 60 % 60);
    else if (seconds >= 60)
        text_printf(out, "%llum%llus", seconds / 60, seconds % 60);
    else
        text_printf(out, "%llus", seconds);
}

/* --- cells ---------------------------------------------------------------------------------------- */

/* Nothing where the column does not apply; `name` is what the script finds it by. */
static void
put_number(struct text *out, const struct stat_row *row, enum stat_column column)
{
    text_printf(out, "<td class=n data-c=%s>", stat_columns[column].name);
    if (row->values[column].type != METRIC_NONE)
        metric_print(out, &row->values[column]);
    text_puts(out, "</td>");
}

static void
put_size(struct text *out, const struct stat_row *row, enum stat_column column)
{
    text_printf(out, "<td class=n data-c=%s data-v=%llu>", stat_columns[column].name,
                number_of(row, column));
    put_bytes(out, number_of(row, column));
    text_puts(out, "</td>");
}

/* Which colour a row has. */
static const char *
state_class(const struct stat_row *row)
{
    const char *status = text_of(row, STAT_STATUS);

    if (strncmp(status, "MAINT", 5) == 0)
        return "maint";
    if (strncmp(status, "DRAIN", 5) == 0 || strncmp(status, "NOLB", 4) == 0)
        return "drain";
    if (strncmp(status, "DOWN", 4) == 0)
        return strchr(status, '/') != NULL ? "rising" : "down";
    if (strncmp(status, "no check", 8) == 0)
        return "plain";
    if (strncmp(status, "UP ", 3) == 0)
        return "falling";
    return "up";
}

static void
put_check(struct text *out, const struct stat_row *row)
{
    text_puts(out, "<td data-c=check_status>");
    if (row->kind == STAT_SERVER && row->values[STAT_CHECK_STATUS].type == METRIC_TEXT) {
        put_escaped(out, text_of(row, STAT_CHECK_STATUS));
        if (row->values[STAT_CHECK_CODE].type != METRIC_NONE)
            text_printf(out, "/%llu", number_of(row, STAT_CHECK_CODE));
        text_printf(out, " <small>%llums</small>", number_of(row, STAT_CHECK_DURATION));
    }
    text_puts(out, "</td>");
}

static void
put_name(struct writer *writer, const struct stat_row *row)
{
    struct text *out = writer->out;

    text_puts(out, "<th scope=row>");
    if (writer->can_act && row->kind == STAT_SERVER) {
        text_puts(out, "<label><input type=checkbox name=s value=\"");
        put_escaped(out, text_of(row, STAT_SVNAME));
        text_puts(out, "\"> ");
    }
    put_escaped(out, text_of(row, STAT_SVNAME));
    if (writer->can_act && row->kind == STAT_SERVER)
        text_puts(out, "</label>");
    if (writer->page->conf->show_legends && row->values[STAT_ADDR].type == METRIC_TEXT) {
        text_puts(out, " <small>");
        put_escaped(out, text_of(row, STAT_ADDR));
        text_puts(out, "</small>");
    }
    text_puts(out, "</th>");
}

static void
put_state(struct text *out, const struct stat_row *row)
{
    text_puts(out, "<td data-c=status><span class=s>");
    put_escaped(out, text_of(row, STAT_STATUS));
    text_puts(out, "</span>");
    if (row->values[STAT_LASTCHG].type != METRIC_NONE) {
        text_puts(out, " <small>");
        put_duration(out, number_of(row, STAT_LASTCHG));
        text_puts(out, "</small>");
    }
    text_puts(out, "</td>");
}

/* --- rows and tables -------------------------------------------------------------------------------- */

static const char table_head[] =
    "<thead><tr><th scope=col>Name<th scope=col>State<th scope=col>Trend"
    "<th scope=col title='requests or sessions per second'>Rate<th scope=col>max"
    "<th scope=col title='sessions now'>Sess<th scope=col>max<th scope=col>limit<th scope=col>total"
    "<th scope=col title='waiting now'>Queue<th scope=col>In<th scope=col>Out"
    "<th scope=col>2xx<th scope=col>3xx<th scope=col>4xx<th scope=col>5xx"
    "<th scope=col title='denied requests'>Denied<th scope=col title='broken requests'>Req err"
    "<th scope=col title='failed connections'>Conn err<th scope=col title='broken responses'>Resp err"
    "<th scope=col title='retries'>Retry<th scope=col title='sent to another server'>Redis"
    "<th scope=col title='average of the last 1024, ms: until the answer began'>Answer ms"
    "<th scope=col title='average of the last 1024, ms: all of it'>Total ms"
    "<th scope=col>Weight<th scope=col>Check<th scope=col title='times down'>Downs";

/* What the modules have counted, folded; those that have counted nothing are left out. */
static void
put_modules(struct text *out, const struct stat_row *row)
{
    bool is_first = true;

    text_puts(out, "<td>");
    for (unsigned i = STAT_FIRST_EXTRA; i < STAT_COLUMNS; i++) {
        if (row->values[i].type == METRIC_NONE || number_of(row, (enum stat_column)i) == 0)
            continue;
        text_puts(out, is_first ? "<details><summary>h1, h2, ssl</summary>" : "<br>");
        is_first = false;
        text_printf(out, "%s: ", stat_columns[i].name);
        metric_print(out, &row->values[i]);
    }
    text_puts(out, is_first ? "</td>" : "</details></td>");
}

static void
put_row(struct writer *writer, const struct stat_row *row)
{
    static const enum stat_column before[] = { STAT_SCUR, STAT_SMAX, STAT_SLIM, STAT_STOT,
                                               STAT_QCUR };
    static const enum stat_column after[] = { STAT_HRSP_2XX, STAT_HRSP_3XX, STAT_HRSP_4XX,
                                              STAT_HRSP_5XX, STAT_DREQ,     STAT_EREQ,
                                              STAT_ECON,     STAT_ERESP,    STAT_WRETR,
                                              STAT_WREDIS,   STAT_RTIME,    STAT_TTIME,
                                              STAT_WEIGHT };
    struct text *out = writer->out;
    bool is_front_http = row->kind == STAT_FRONTEND && row->values[STAT_REQ_RATE].type != METRIC_NONE;

    text_printf(out, "<tr class=\"k%d %s\" data-k=\"", (int)row->kind, state_class(row));
    put_escaped(out, text_of(row, STAT_PXNAME));
    text_add_char(out, '/');
    put_escaped(out, text_of(row, STAT_SVNAME));
    text_puts(out, "\">");
    put_name(writer, row);
    put_state(out, row);
    text_puts(out, "<td class=t></td>");
    put_number(out, row, is_front_http ? STAT_REQ_RATE : STAT_RATE);
    put_number(out, row, is_front_http ? STAT_REQ_RATE_MAX : STAT_RATE_MAX);
    for (size_t i = 0; i < COUNT(before); i++)
        put_number(out, row, before[i]);
    put_size(out, row, STAT_BIN);
    put_size(out, row, STAT_BOUT);
    for (size_t i = 0; i < COUNT(after); i++)
        put_number(out, row, after[i]);
    put_check(out, row);
    put_number(out, row, STAT_CHKDOWN);
    if (writer->page->conf->show_modules)
        put_modules(out, row);
    text_puts(out, "</tr>\n");
}

static void
on_html_row(struct stat_row *row, void *arg)
{
    put_row(arg, row);
}

static void
put_buttons(struct text *out)
{
    static const struct {
        const char *name, *label;
    } buttons[] = {
        { "ready", "Ready" },
        { "drain", "Drain" },
        { "maint", "Maintenance" },
        { "dhlth", "Stop checks" },
        { "ehlth", "Check again" },
    };

    text_puts(out, "<p class=act>Servers that are ticked: ");
    for (size_t i = 0; i < COUNT(buttons); i++)
        text_printf(out, "<button name=action value=%s>%s</button> ", buttons[i].name,
                    buttons[i].label);
    text_puts(out, "</p>");
}

static bool
has_servers(const struct proxy_conf *conf)
{
    return proxy_conf_is_back(conf) && conf->live->back != NULL &&
           !list_is_empty(&conf->live->back->servers);
}

static void
put_proxy(struct writer *writer, const struct proxy_conf *conf)
{
    struct stat_filter filter = { .flags = writer->page->query.flags,
                                  .proxy_id = -1,
                                  .kinds = -1,
                                  .id = -1 };
    struct text *out = writer->out;

    if (conf->live == NULL || conf->disabled || (conf->sides & SIDE_INTERNAL) != 0)
        return;
    if (writer->page->conf->show_legends)
        filter.flags |= STAT_WITH_ADDRESSES;
    writer->can_act = writer->page->is_admin && has_servers(conf);
    text_puts(out, "<section data-p=\"");
    put_escaped(out, conf->name);
    text_puts(out, "\"><h2>");
    put_escaped(out, conf->name);
    text_printf(out, " <small>%s</small></h2>", conf->mode == MODE_HTTP ? "HTTP" : "TCP");
    if (writer->can_act) {
        text_puts(out, "<form method=post><input type=hidden name=b value=\"");
        put_escaped(out, conf->name);
        text_puts(out, "\">");
    }
    text_puts(out, "<div class=w><table>");
    text_puts(out, table_head);
    text_puts(out, writer->page->conf->show_modules ? "<th scope=col>Extra modules</thead>\n"
                                                    : "</thead>\n");
    text_puts(out, "<tbody>");
    stats_walk_proxy(conf, &filter, on_html_row, writer);
    text_puts(out, "</tbody></table></div>");
    if (writer->can_act) {
        put_buttons(out);
        text_puts(out, "</form>");
    }
    text_puts(out, "</section>\n");
}

/* --- the page ----------------------------------------------------------------------------------------- */

static const char *
outcome_text(struct str status)
{
    static const struct {
        const char *word, *text;
    } words[] = {
        { "DONE", "Done." },
        { "PART", "Done for some of the servers; the others are not there any more." },
        { "NONE", "Nothing was changed: no server was ticked." },
        { "ERRP", "Nothing was changed: no such backend, server or action." },
        { "DENY", "Nothing was changed: it is not permitted here." },
    };

    for (size_t i = 0; i < COUNT(words); i++) {
        if (str_eq(status, str_from(words[i].word)))
            return words[i].text;
    }
    return NULL;
}

static void
put_tile(struct text *out, const char *id, const char *label, const struct metric_value *value)
{
    text_printf(out, "<div class=tile><b id=%s>", id);
    metric_print(out, value);
    text_printf(out, "</b><span>%s</span><i class=t></i></div>", label);
}

/* Monitoring templates scrape these words. */
static void
put_facts(struct writer *writer, const struct info *info)
{
    long long up = (long long)info->values[INFO_UPTIME_SEC].number;
    struct text *out = writer->out;

    text_puts(out, "<p class=facts>");
    if (writer->page->conf->show_version)
        text_printf(out, "HAProxy version " WEIR_COMPAT_VERSION " is what weir " WEIR_VERSION
                         " speaks. ");
    text_printf(out, "uptime = %lldd%lldh%lldm%llds; idle = ", up / 86400, up / 3600 % 24,
                up / 60 % 60, up % 60);
    metric_print(out, &info->values[INFO_IDLE_PCT]);
    text_puts(out, " %; pid = ");
    metric_print(out, &info->values[INFO_PID]);
    text_puts(out, "; connections = ");
    metric_print(out, &info->values[INFO_CURR_CONNS]);
    text_puts(out, " of ");
    metric_print(out, &info->values[INFO_MAXCONN]);
    if (script_error_count() > 0)
        text_printf(out, "; errors of scripts = %llu", (unsigned long long)script_error_count());
    text_puts(out, "</p>");
}

static void
put_summary(struct writer *writer)
{
    struct text *out = writer->out;
    struct info info;

    info_fill(&info);
    text_puts(out, "<div class=tiles>");
    put_tile(out, "i-conns", "connections", &info.values[INFO_CURR_CONNS]);
    put_tile(out, "i-crate", "connections/s", &info.values[INFO_CONN_RATE]);
    put_tile(out, "i-srate", "sessions/s", &info.values[INFO_SESS_RATE]);
    put_tile(out, "i-req", "requests", &info.values[INFO_CUM_REQ]);
    put_tile(out, "i-idle", "% idle", &info.values[INFO_IDLE_PCT]);
    put_tile(out, "i-up", "up", &info.values[INFO_UPTIME]);
    text_puts(out, "</div>");
    put_facts(writer, &info);
}

static void
put_title(struct writer *writer)
{
    const struct stats_conf *conf = writer->page->conf;
    struct text *out = writer->out;
    const char *node = conf->node != NULL ? conf->node : this_process.node;
    const char *desc = conf->desc != NULL ? conf->desc : this_process.description;

    text_puts(out, "<h1>weir");
    if (conf->show_version)
        text_puts(out, " " WEIR_VERSION);
    if (conf->show_node && node != NULL) {
        text_puts(out, " on ");
        put_escaped(out, node);
    }
    text_puts(out, "</h1>");
    if (conf->show_desc && desc != NULL) {
        text_puts(out, "<p>");
        put_escaped(out, desc);
        text_puts(out, "</p>");
    }
}

static void
put_tools(struct writer *writer)
{
    const struct page *page = writer->page;
    const char *uri = page->conf->uri;
    struct text *out = writer->out;

    text_puts(out, "<nav><input id=q type=search placeholder=Filter aria-label=Filter hidden> ");
    static const struct {
        const char *suffix, *label;
    } links[] = { { "", "all" },         { ";up", "up only" }, { ";no-maint", "no maintenance" },
                  { ";csv", "CSV" },     { ";json", "JSON" },  { ";norefresh", "no refresh" } };
    for (size_t i = 0; i < COUNT(links); i++) {
        text_puts(out, "<a href=\"");
        put_escaped(out, uri);
        text_printf(out, "%s\">%s</a> ", links[i].suffix, links[i].label);
    }
    text_puts(out, "<span id=live></span></nav>");
}

void
stats_html_write(struct page *page)
{
    struct writer writer = { .page = page, .out = &page->body };
    const char *outcome = outcome_text(page->query.status);
    struct text *out = &page->body;

    text_puts(out, "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>"
                   "<meta name=viewport content=\"width=device-width,initial-scale=1\">"
                   "<meta name=color-scheme content=\"light dark\"><title>weir statistics</title>");
    text_printf(out, "<style nonce=%s>%s</style></head><body data-uri=\"", page->nonce, stats_css);
    put_escaped(out, page->conf->uri);
    text_puts(out, "\"><header>");
    put_title(&writer);
    put_summary(&writer);
    put_tools(&writer);
    text_puts(out, "</header><main>");
    if (outcome != NULL)
        text_printf(out, "<p class=note role=status>%s</p>", outcome);
    LIST_FOR_EACH (conf, proxy_list(page->snapshot), struct proxy_conf, link) {
        if (page_shows(page, conf))
            put_proxy(&writer, conf);
    }
    text_puts(out, "</main>");
    text_printf(out, "<script nonce=%s>%s</script></body></html>\n", page->nonce, stats_js);
}
