/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailers sections, email-alert lines, and the news that become mails.
 *
 * For:     people who want to be woken.
 * Thread:  builder reads; control writes mails.
 */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/config/keyword.h"
#include "weir/config/snapshot.h"
#include "weir/server/server.h"
#include "weir/telemetry/log.h"
#include "mailers.h"

#define TIMEOUT_MS 10000

struct all_mailers {
    struct mailers_conf *first;
    bool is_left_to_scripts;
};
static struct slot mailers_slot = SLOT("mailers", SLOT_GLOBAL, struct all_mailers);
REGISTER_SLOT(mailers_slot);

struct email_alert {
    const char *mailers_name; /* NULL: no mails */
    const char *from, *to, *hostname;
    bool has_level;
    enum log_level level; /* mails of this level and of graver ones */
};
static struct slot alert_slot = SLOT("email-alert", SLOT_PROXY, struct email_alert);
REGISTER_SLOT(alert_slot);

const struct mailers_conf *
mailers_find(const struct snapshot *snapshot, const char *name)
{
    const struct mailers_conf *conf =
        ((const struct all_mailers *)snapshot_slot(snapshot, &mailers_slot))->first;

    while (conf != NULL && strcmp(conf->name, name) != 0)
        conf = conf->next;
    return conf;
}

/* --- the section ----------------------------------------------------------------------------------------- */

static bool
open_section(struct parse *parse)
{
    struct all_mailers *all = snapshot_slot(parse->snapshot, &mailers_slot);
    const char *name = parse_word(parse, "a name for the mailers");
    const struct mailers_conf *same;
    struct mailers_conf *conf;

    if (name == NULL)
        return false;
    same = mailers_find(parse->snapshot, name);
    if (same != NULL)
        return parse_alert(parse, "mailers '%s' stand already at %s:%d", name, same->pos.file,
                           same->pos.line);
    conf = ARENA_NEW(parse->arena, struct mailers_conf);
    conf->name = name;
    conf->pos = parse_pos(parse);
    conf->timeout_ms = TIMEOUT_MS;
    conf->end = &conf->first;
    conf->next = all->first;
    all->first = conf;
    parse->object = conf;
    return parse_end(parse);
}

static const struct section sections[] = {
    { "mailers", IN_MAILERS, open_section, NULL, .help = "SMTP servers, for 'email-alert'." },
};
REGISTER(section, sections);

static bool
parse_mailer(struct parse *parse)
{
    struct mailers_conf *conf = parse->object;
    const char *name = parse_word(parse, "a name for the mailer"), *word;
    struct error err = ERROR_INIT;
    struct mailer_conf *mailer;
    struct addr_spec spec;

    word = name == NULL ? NULL : parse_address_word(parse, "the mailer's address");
    if (word == NULL)
        return false;
    if (!addr_parse(word, ADDR_ALLOW_NAME | ADDR_REQUIRE_PORT, &spec, &err) ||
        (spec.needs_lookup && !addr_resolve(spec.host_name, AF_UNSPEC, &spec.addr, &err)))
        return parse_alert(parse, "mailer '%s': %s", name, err.text);
    if (spec.needs_lookup)
        spec.addr.port = (uint16_t)spec.port_low;
    mailer = ARENA_NEW(parse->arena, struct mailer_conf);
    mailer->name = name;
    mailer->addr = spec.addr;
    *conf->end = mailer;
    conf->end = &mailer->next;
    return parse_end(parse);
}

/* --- email-alert ------------------------------------------------------------------------------------------- */

static struct email_alert *
alert_of(struct parse *parse)
{
    return keyword_slot(parse, &alert_slot);
}

/* What goes into a mail's head must not end it. */
static bool
parse_text(struct parse *parse, const char *what, const char **to)
{
    const char *word = parse_word(parse, what);

    if (word == NULL)
        return false;
    if (strpbrk(word, "\r\n<>") != NULL)
        return parse_alert(parse, "%s cannot have line ends, '<' or '>'", what);
    *to = word;
    return parse_end(parse);
}

static bool
parse_mailers(struct parse *parse)
{
    return parse_text(parse, "the name of a mailers section", &alert_of(parse)->mailers_name);
}

static bool
parse_from(struct parse *parse)
{
    return parse_text(parse, "a mail address", &alert_of(parse)->from);
}

static bool
parse_to(struct parse *parse)
{
    return parse_text(parse, "a mail address", &alert_of(parse)->to);
}

static bool
parse_hostname(struct parse *parse)
{
    return parse_text(parse, "a host name", &alert_of(parse)->hostname);
}

static bool
parse_level(struct parse *parse)
{
    struct email_alert *alert = alert_of(parse);
    const char *word = parse_word(parse, "a log level");

    if (word == NULL)
        return false;
    if (!log_level_parse(str_from(word), &alert->level) || alert->level == LOG_LEVEL_SILENT)
        return parse_alert(parse, "'%s' is no log level; use emerg, alert, crit, err, warning, "
                                  "notice, info or debug", word);
    alert->has_level = true;
    return parse_end(parse);
}

static const struct keyword keywords[] = {
    { "mailer", IN_MAILERS, .args = "<name> <address>:<port>", .parse = parse_mailer,
      .help = "An SMTP server that takes the mails; each of the section gets them all." },
    { "timeout mail", IN_MAILERS, .args = "<time>", SET_TIME_MS(struct mailers_conf, timeout_ms),
      .help = "How long a mailer may take for one mail; 10 s if it is not said." },
    { "email-alert mailers", IN_PROXY, .args = "<mailers>", .parse = parse_mailers,
      .help = "Send mails when servers of this section go up, down or into drain." },
    { "email-alert from", IN_PROXY, .args = "<address>", .parse = parse_from,
      .help = "Whom the mails come from." },
    { "email-alert to", IN_PROXY, .args = "<address>", .parse = parse_to,
      .help = "Who gets the mails." },
    { "email-alert myhostname", IN_PROXY, .args = "<name>", .parse = parse_hostname,
      .help = "How weir calls itself to mailers; the host's name if it is not said." },
    { "email-alert level", IN_PROXY, .args = "<level>", .parse = parse_level,
      .help = "The least grave news that are mailed: alert (servers that go down) if it is not said; "
              "notice sends all." },
};
REGISTER(keyword, keywords);

static bool
check_proxy(struct parse *parse, const struct proxy_conf *conf)
{
    const struct email_alert *alert = slot_of_const(conf->slots, &alert_slot);

    if (alert->mailers_name == NULL) {
        if (alert->from != NULL || alert->to != NULL || alert->hostname != NULL || alert->has_level)
            return parse_alert_at(parse, conf->pos, "'email-alert' of '%s' needs 'email-alert mailers'",
                                  conf->name);
        return true;
    }
    if (alert->from == NULL || alert->to == NULL)
        return parse_alert_at(parse, conf->pos, "'email-alert mailers' of '%s' needs 'email-alert from' "
                                                "and 'email-alert to'", conf->name);
    if (mailers_find(parse->snapshot, alert->mailers_name) == NULL)
        return parse_alert_at(parse, conf->pos, "'email-alert' of '%s': there is no section 'mailers %s'",
                              conf->name, alert->mailers_name);
    return true;
}

static bool
on_check(struct parse *parse)
{
    bool fine = true;

    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link)
        fine &= (conf->sides & SIDE_DEFAULTS) != 0 || check_proxy(parse, conf);
    return fine;
}

static const struct config_hook hooks[] = {
    { CONFIG_CHECK, ORDER_CHECK, on_check, "check: mails" },
};
REGISTER(config_hook, hooks);

/* --- news --------------------------------------------------------------------------------------------------- */

bool
mailers_view(const struct proxy_conf *proxy, struct mailers_view *out)
{
    const struct email_alert *alert = slot_of_const(proxy->slots, &alert_slot);

    if (alert->mailers_name == NULL)
        return false;
    *out = (struct mailers_view){
        .mailers = mailers_find(proxy->snapshot, alert->mailers_name),
        .level = (int)(alert->has_level ? alert->level : LOG_LEVEL_ALERT),
        .from = alert->from,
        .to = alert->to,
        .hostname = alert->hostname,
    };
    return out->mailers != NULL;
}

void
mailers_leave_to_scripts(struct snapshot *snapshot)
{
    ((struct all_mailers *)snapshot_slot(snapshot, &mailers_slot))->is_left_to_scripts = true;
}

static bool
is_left_to_scripts(const struct snapshot *snapshot)
{
    return ((const struct all_mailers *)snapshot_slot(snapshot, &mailers_slot))->is_left_to_scripts;
}

static void
read_news(const struct server_news *news)
{
    const struct proxy_conf *conf = news->srv->backend->conf;
    const struct email_alert *alert;
    char hostname[256] = "localhost", text[1024];
    struct letter letter;
    size_t len;

    if (conf == NULL || !news->is_mailed || is_left_to_scripts(conf->snapshot))
        return;
    alert = slot_of_const(conf->slots, &alert_slot);
    if (alert->mailers_name == NULL ||
        news->level > (int)(alert->has_level ? alert->level : LOG_LEVEL_ALERT))
        return;
    (void)gethostname(hostname, sizeof(hostname) - 1);
    len = strcspn(news->text, "\r\n");
    len = len < sizeof(text) ? len : sizeof(text) - 1;
    len -= len > 0 && news->text[len - 1] == '.';
    memcpy(text, news->text, len);
    text[len] = '\0';
    letter = (struct letter){ alert->from, alert->to,
                              alert->hostname != NULL ? alert->hostname : hostname, text, time(NULL) };
    smtp_send(mailers_find(conf->snapshot, alert->mailers_name), &letter);
}

static const struct server_news_reader readers[] = { { read_news } };
REGISTER(server_news_reader, readers);
