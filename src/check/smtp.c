/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mails on their way: one connection for each, to one mailer after the other's mail is through (RFC 5321).
 *
 * For:     mailers_conf.c.
 * Owns:    a post office for each mailer's address, with the mails that wait, for as long as there are any.
 * Thread:  control. Nothing waits: the dialogue goes on as answers come.
 *
 * A mail that fails is tried again, TRIES times in all; then it is dropped, and the log says so. When too many
 * wait, the oldest one goes.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "weir/base/alloc.h"
#include "weir/base/text.h"
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "weir/net/connector.h"
#include "weir/telemetry/log.h"
#include "mailers.h"

#define WAITING_MAX 200
#define TRIES       5
#define RETRY_MS    2000 /* after the first failure; twice as long after each further one */

struct mail_copy {
    struct list link;
    char *from, *to, *hostname, *body; /* owns; body: head and text, up to its final dot */
    int64_t timeout_ms;
    unsigned failures;
};

struct post_office {
    struct list link;
    struct addr addr;
    char *name; /* owns */
    struct list mails;
    unsigned count;
    struct connection *conn; /* owns; NULL: not talking */
    unsigned step;           /* of the dialogue */
    char line[512];          /* of the answer, as far as it has come */
    size_t line_len;
    struct text out;
    size_t sent;
    struct timer timer; /* the mail's time is over, or the pause after a failure */
};

static struct list offices;

/* --- mails ----------------------------------------------------------------------------------------------- */

static void
mail_free(struct post_office *office, struct mail_copy *mail)
{
    list_remove(&mail->link);
    office->count--;
    alloc_free(mail->from);
    alloc_free(mail->to);
    alloc_free(mail->hostname);
    alloc_free(mail->body);
    alloc_free(mail);
}

static char *
make_body(const struct letter *letter)
{
    char date[64];
    struct tm tm;
    time_t wall = (time_t)letter->wall_s;

    gmtime_r(&wall, &tm);
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000 (UTC)", &tm);
    return alloc_printf("From: %s\r\nTo: %s\r\nDate: %s\r\nSubject: [HAProxy Alert] %s\r\n\r\n%s%s\r\n\r\n.\r\n",
                        letter->from, letter->to, date, letter->text,
                        letter->text[0] == '.' ? "." : "", letter->text);
}

static struct mail_copy *
first_mail(struct post_office *office)
{
    return LIST_ITEM(office->mails.next, struct mail_copy, link);
}

/* --- the dialogue ------------------------------------------------------------------------------------------ */

enum step { STEP_GREETING, STEP_HELLO, STEP_FROM, STEP_TO, STEP_DATA, STEP_BODY, STEP_QUIT };

static void begin(struct post_office *office);

static void
hang_up(struct post_office *office)
{
    struct connection *conn = office->conn;

    office->conn = NULL;
    if (conn != NULL)
        connection_close(conn);
}

static void
office_free(struct post_office *office)
{
    hang_up(office);
    timer_stop(&office->timer);
    list_remove(&office->link);
    text_fini(&office->out);
    alloc_free(office->name);
    alloc_free(office);
}

static void
go_on(struct post_office *office)
{
    if (office->count == 0)
        office_free(office);
    else
        begin(office);
}

static void
fail(struct post_office *office, const char *why)
{
    struct mail_copy *mail = first_mail(office);

    hang_up(office);
    if (++mail->failures == TRIES) {
        log_process(LOG_LEVEL_ERR, "mailer %s: a mail to %s is lost after %u tries: %s", office->name,
                    mail->to, TRIES, why);
        mail_free(office, mail);
        go_on(office);
        return;
    }
    timer_set(loop_here(), &office->timer,
              loop_now_ms(loop_here()) + ((int64_t)RETRY_MS << (mail->failures - 1)));
}

static void
write_out(struct post_office *office)
{
    while (office->sent < office->out.len) {
        struct iovec iov = { office->out.ptr + office->sent, office->out.len - office->sent };
        size_t sent = 0;
        enum io result = connection_write(office->conn, &iov, 1, false, &sent);

        if (result != IO_OK)
            return; /* IO_WAIT: later; else reading tells */
        office->sent += sent;
    }
}

/* The words that follow a good answer. */
static void
say_next(struct post_office *office)
{
    const struct mail_copy *mail = first_mail(office);

    text_clear(&office->out);
    office->sent = 0;
    switch ((enum step)office->step++) {
    case STEP_GREETING:
        text_printf(&office->out, "HELO %s\r\n", mail->hostname);
        break;
    case STEP_HELLO:
        text_printf(&office->out, "MAIL FROM:<%s>\r\n", mail->from);
        break;
    case STEP_FROM:
        text_printf(&office->out, "RCPT TO:<%s>\r\n", mail->to);
        break;
    case STEP_TO:
        text_puts(&office->out, "DATA\r\n");
        break;
    case STEP_DATA:
        text_puts(&office->out, mail->body);
        break;
    case STEP_BODY:
        text_puts(&office->out, "QUIT\r\n");
        break;
    case STEP_QUIT:
        break;
    }
    write_out(office);
}

/* False: the conversation is over, and the office may be gone. */
static bool
read_answer(struct post_office *office)
{
    static const char good[] = "2222322"; /* the first digit that each step wants */
    char why[640];

    office->line[office->line_len] = '\0';
    office->line_len = 0;
    if (strlen(office->line) > 3 && office->line[3] == '-')
        return true; /* more lines of this answer follow */
    if (office->step == STEP_QUIT || office->line[0] == good[office->step]) {
        if (office->step != STEP_BODY && office->step != STEP_QUIT) {
            say_next(office);
            return true;
        }
        if (office->step == STEP_BODY) { /* it is through; farewell is only polite */
            say_next(office);
            mail_free(office, first_mail(office));
            return true;
        }
        hang_up(office);
        go_on(office);
        return false;
    }
    snprintf(why, sizeof(why), "it said '%s'", office->line);
    fail(office, why);
    return false;
}

static void
on_readable(struct connection *conn)
{
    struct post_office *office = conn->owner_data;
    char bytes[512];
    enum io result;
    size_t got;

    while ((result = connection_read(conn, bytes, sizeof(bytes), &got)) == IO_OK) {
        for (size_t i = 0; i < got; i++) {
            if (bytes[i] == '\n') {
                if (!read_answer(office))
                    return;
            } else if (bytes[i] != '\r' && office->line_len < sizeof(office->line) - 1) {
                office->line[office->line_len++] = bytes[i];
            }
        }
    }
    if (result == IO_WAIT)
        return;
    if (office->step == STEP_QUIT) {
        hang_up(office);
        go_on(office);
    } else {
        fail(office, "it closed the connection");
    }
}

static void
on_writable(struct connection *conn)
{
    write_out(conn->owner_data);
}

static void
on_established(struct connection *conn)
{
    struct post_office *office = conn->owner_data;

    if (conn->err != CONN_ERR_NONE)
        fail(office, "no connection");
}

static const struct connection_owner owner = { .on_readable = on_readable,
                                               .on_writable = on_writable,
                                               .on_established = on_established };

static void
begin(struct post_office *office)
{
    static const struct dial_conf conf = DIAL_CONF_INIT;
    struct dial_request request = { .conf = &conf, .to = office->addr };
    enum connection_error err;

    office->step = STEP_GREETING;
    office->line_len = 0;
    text_clear(&office->out);
    office->sent = 0;
    timer_set(loop_here(), &office->timer,
              loop_now_ms(loop_here()) + first_mail(office)->timeout_ms);
    office->conn = connector_dial(loop_here(), &request, &owner, office, &err);
    if (office->conn == NULL)
        fail(office, "no connection");
}

static void
on_time(struct timer *timer)
{
    struct post_office *office = LIST_ITEM(timer, struct post_office, timer);

    if (office->conn == NULL)
        begin(office); /* after a pause */
    else if (office->step == STEP_QUIT) {
        hang_up(office);
        go_on(office);
    } else {
        fail(office, "it took too long");
    }
}

/* --- posting ---------------------------------------------------------------------------------------------- */

static struct post_office *
office_for(const struct mailer_conf *mailer)
{
    struct post_office *office;

    if (offices.next == NULL)
        list_init(&offices);
    LIST_FOR_EACH (known, &offices, struct post_office, link) {
        if (addr_eq(&known->addr, &mailer->addr))
            return known;
    }
    office = alloc_zero(sizeof(*office));
    office->addr = mailer->addr;
    office->name = alloc_copy(mailer->name);
    list_init(&office->mails);
    timer_init(&office->timer, on_time);
    list_add_last(&offices, &office->link);
    return office;
}

static void
post(struct post_office *office, const struct letter *letter, int64_t timeout_ms)
{
    struct mail_copy *mail = alloc_zero(sizeof(*mail));

    mail->from = alloc_copy(letter->from);
    mail->to = alloc_copy(letter->to);
    mail->hostname = alloc_copy(letter->hostname);
    mail->body = make_body(letter);
    mail->timeout_ms = timeout_ms;
    list_add_last(&office->mails, &mail->link);
    if (++office->count == 1)
        begin(office);
    else if (office->count > WAITING_MAX) /* the first one is being told */
        mail_free(office, LIST_ITEM(office->mails.next->next, struct mail_copy, link));
}

void
smtp_send(const struct mailers_conf *mailers, const struct letter *letter)
{
    for (const struct mailer_conf *mailer = mailers->first; mailer != NULL; mailer = mailer->next)
        post(office_for(mailer), letter, mailers->timeout_ms);
}
