/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Posts on their way to webhooks.
 *
 * For:     event_conf.c.
 * Owns:    a line of posts for each URL, for as long as there are any.
 * Thread:  control; nothing waits.
 *
 * One post of a line is under way at a time, so they come in order. A post that is not answered with 2xx is tried
 * again, TRIES times in all, unless the answer (4xx) says that it never will be; then it is dropped,
 * and the log says so. When too many wait, the oldest one goes.
 */
#include "webhook.h"

#include <stdio.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/number.h"
#include "weir/config/snapshot.h"
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "weir/mux/client.h"
#include "weir/mux/mux.h"
#include "weir/server/server.h"
#include "weir/telemetry/log.h"
#include "weir/tls/tls.h"

#define WAITING_MAX 500
#define TRIES       6
#define RETRY_MS    1000 /* after the first failure; twice as long after each further one */
#define CONNECT_MS  5000
#define ANSWER_MS   10000

struct post {
    struct list link;
    const struct webhook_conf *conf; /* in the snapshot */
    struct snapshot *snapshot;       /* holds */
    char *body;                      /* owns */
    unsigned failures;
};

struct post_line {
    struct list link;
    char *url; /* owns */
    struct list posts;
    unsigned count;
    struct client *client; /* owns; NULL: none is under way */
    struct timer timer;    /* the pause after a failure */
};

static struct list lines;

static void begin(struct post_line *line);

static struct post *
first_post(struct post_line *line)
{
    return LIST_ITEM(line->posts.next, struct post, link);
}

static void
post_free(struct post_line *line, struct post *post)
{
    list_remove(&post->link);
    line->count--;
    snapshot_drop(post->snapshot);
    alloc_free(post->body);
    alloc_free(post);
}

/* The first one is through, or lost. */
static void
go_on(struct post_line *line)
{
    post_free(line, first_post(line));
    if (line->count > 0) {
        begin(line);
        return;
    }
    timer_stop(&line->timer);
    list_remove(&line->link);
    alloc_free(line->url);
    alloc_free(line);
}

static void
fail(struct post_line *line, const char *why, bool is_final)
{
    struct post *post = first_post(line);

    if (is_final || ++post->failures == TRIES) {
        log_process(LOG_LEVEL_ERR, "webhook %s: an event is lost: %s", line->url, why);
        go_on(line);
        return;
    }
    timer_set(loop_here(), &line->timer,
              loop_now_ms(loop_here()) + ((int64_t)RETRY_MS << (post->failures - 1)));
}

/* --- one exchange ------------------------------------------------------------------------------------------- */

static bool
fill_head(struct message *msg, const struct webhook_conf *conf, size_t body_len)
{
    char length[24];
    bool fine;

    msg->version_major = msg->version_minor = 1;
    msg->flags |= MESSAGE_LOCAL | MESSAGE_CLOSE;
    msg->method = METHOD_POST;
    msg->method_text = STR("POST");
    msg->body = BODY_LENGTH;
    msg->body_length = body_len;
    message_set_target(msg, str_from(conf->path));
    fine = message_add_field_copy(msg, STR("host"), str_from(conf->authority)) &&
           message_add_field_copy(msg, STR("user-agent"), STR("weir")) &&
           message_add_field_copy(msg, STR("content-type"), STR("application/json")) &&
           message_add_field_copy(msg, STR("content-length"),
                                  str_of(length, number_format(length, body_len)));
    for (const struct webhook_header *header = conf->headers; header != NULL; header = header->next)
        fine = fine && message_add_field_copy(msg, str_from(header->name), str_from(header->value));
    return fine;
}

static void
on_event(struct client *client)
{
    static const char *const failures[] = { "no connection", "no answer in time", "an answer that is no HTTP",
                                            "the connection was cut", "out of memory" };
    struct post_line *line = client->data;
    int status = client->answer == NULL ? 0 : client->answer->status;
    struct chain *body = client_body(client);
    char why[64];

    if (client->state == CLIENT_FAILED) {
        snprintf(why, sizeof(why), "%s", failures[client->failure]);
        status = 0;
    } else if (client->state == CLIENT_DONE) {
        snprintf(why, sizeof(why), "it answered %d", status);
    } else {
        if (body != NULL && !chain_is_empty(body)) { /* nobody reads it */
            chain_clear(body);
            client_consumed(client);
        }
        return;
    }
    line->client = NULL;
    client_free(client);
    if (status >= 200 && status < 300)
        go_on(line);
    else
        fail(line, why, status >= 400 && status < 500 && status != 408 && status != 429);
}

static void
begin(struct post_line *line)
{
    const struct post *post = first_post(line);
    const struct webhook_conf *conf = post->conf;
    struct tls_check wish = { .is_ssl = conf->is_tls, .server_name = str_from(conf->host) };
    struct client_request request = { .connect_ms = CONNECT_MS, .server_ms = ANSWER_MS };
    struct tls_dial tls;

    request.head = message_take();
    if (request.head == NULL || !fill_head(request.head, conf, strlen(post->body)) ||
        !chain_add_copy(&request.body, post->body, strlen(post->body))) {
        message_give(request.head);
        chain_clear(&request.body);
        fail(line, "out of memory", false);
        return;
    }
    request.dial.conf = &conf->how->dial;
    request.dial.to = conf->addr;
    if (conf->is_tls) {
        tls_dial_for_check(&tls, conf->how->slots, &wish);
        tls_dial_apply(&tls, &request.dial);
    }
    line->client = client_start(loop_here(), &request, on_event, line);
    if (line->client == NULL)
        fail(line, "out of memory", false);
}

static void
on_pause_over(struct timer *timer)
{
    begin(LIST_ITEM(timer, struct post_line, timer));
}

/* --- posting --------------------------------------------------------------------------------------------------- */

static struct post_line *
line_for(const char *url)
{
    struct post_line *line;

    if (lines.next == NULL)
        list_init(&lines);
    LIST_FOR_EACH (known, &lines, struct post_line, link) {
        if (strcmp(known->url, url) == 0)
            return known;
    }
    line = alloc_zero(sizeof(*line));
    line->url = alloc_copy(url);
    list_init(&line->posts);
    timer_init(&line->timer, on_pause_over);
    list_add_last(&lines, &line->link);
    return line;
}

void
webhook_post(const struct webhook_conf *conf, struct snapshot *snapshot, const char *body)
{
    struct post_line *line = line_for(conf->url);
    struct post *post = alloc_zero(sizeof(*post));

    post->conf = conf;
    post->snapshot = snapshot;
    snapshot_hold(snapshot);
    post->body = alloc_copy(body);
    list_add_last(&line->posts, &post->link);
    if (++line->count == 1)
        begin(line);
    else if (line->count > WAITING_MAX) /* the first one is under way */
        post_free(line, LIST_ITEM(line->posts.next->next, struct post, link));
}
