/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks a responder for one OCSP answer (RFC 6960 A.1): POST over HTTP.
 *
 * For:     ocsp_update.c.
 * Owns:    the lookup of the responder's name, the HTTP client, the bytes that came.
 * Thread:  control.
 *
 *     start ──address──> client ──head──> body ──end──> ocsp_job_answer()
 *       └──name──> resolver ──┘   anything else: ocsp_job_fail()
 */
#include <openssl/crypto.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/entropy.h"
#include "weir/base/number.h"
#include "weir/config/snapshot.h"
#include "weir/loop/thread.h"
#include "weir/tls/cert_store.h"
#include "weir/tls/ocsp.h"
#include "private.h"

#define CONNECT_MS 5000
#define ANSWER_MS  10000
#define ANSWER_MAX 65536
#define HTTP_PORT  80

struct ocsp_fetch {
    struct ocsp_job *job; /* borrows: it frees us */
    struct ocsp_question question;
    struct str host, path; /* in question.url */
    struct addr to;
    struct dns_follower follower;
    struct snapshot *snapshot; /* holds while a name is looked up; NULL */
    struct client *client;
    struct text got;
    bool is_by_proxy;
};

/* --- the exchange ---------------------------------------------------------------------------------- */

static bool
add_fields(struct message *msg, const struct ocsp_fetch *fetch)
{
    char length[24];
    struct str host = str_of(fetch->host.ptr, fetch->host.len);

    return message_add_field_copy(msg, STR("Host"), host) &&
           message_add_field_copy(msg, STR("Content-Type"), STR("application/ocsp-request")) &&
           message_add_field_copy(msg, STR("Accept"), STR("application/ocsp-response")) &&
           message_add_field_copy(msg, STR("User-Agent"), STR("weir")) &&
           message_add_field_copy(msg, STR("Content-Length"),
                                  str_of(length, number_format(length, fetch->question.len)));
}

static struct message *
make_head(const struct ocsp_fetch *fetch)
{
    struct message *msg = message_take();
    struct str target = fetch->is_by_proxy ? str_from(fetch->question.url) : fetch->path;

    if (msg == NULL)
        return NULL;
    msg->version_major = msg->version_minor = 1;
    msg->flags |= MESSAGE_LOCAL | MESSAGE_FORCE_CLOSE;
    msg->method_text = STR("POST");
    msg->method = METHOD_POST;
    msg->body = BODY_LENGTH;
    msg->body_length = fetch->question.len;
    target = message_copy(msg, target.len == 0 ? STR("/") : target);
    if (target.ptr != NULL) {
        message_set_target(msg, target);
        if (add_fields(msg, fetch))
            return msg;
    }
    message_give(msg);
    return NULL;
}

static bool
is_ocsp(const struct message *answer)
{
    int at = message_find_field(answer, FIELD_CONTENT_TYPE, 0);

    return at >= 0 && str_eq_nocase(str_slice(field_value(&answer->fields[at]), 0, 25),
                                    STR("application/ocsp-response"));
}

/* False: it is more than an answer can be. */
static bool
gather(struct ocsp_fetch *fetch)
{
    struct chain *body;

    while ((body = client_body(fetch->client)) != NULL && !chain_is_empty(body)) {
        char piece[4096];
        size_t len = chain_peek(body, 0, piece, sizeof(piece));

        if (fetch->got.len + len > ANSWER_MAX)
            return false;
        text_add(&fetch->got, str_of(piece, len));
        chain_consume(body, len);
        client_consumed(fetch->client);
    }
    return true;
}

static const char *
failure_text(enum client_failure failure)
{
    switch (failure) {
    case CLIENT_NOT_CONNECTED:
        return "no connection to the responder";
    case CLIENT_TOO_LATE:
        return "the responder took too long";
    case CLIENT_BAD_ANSWER:
        return "the responder's answer is no HTTP";
    case CLIENT_CUT_OFF:
    case CLIENT_STALE:
        return "the responder's answer was cut off";
    case CLIENT_NO_MEMORY:
        break;
    }
    return "out of memory";
}

/* The job frees us in its answers. */
static void
on_event(struct client *client)
{
    struct ocsp_fetch *fetch = client->data;
    struct ocsp_job *job = fetch->job;
    char reason[64];

    if (client->state == CLIENT_FAILED) {
        ocsp_job_fail(job, UPDATE_HTTP_ERROR, failure_text(client->failure));
    } else if (client->answer == NULL) {
        return;
    } else if (client->answer->status != 200) {
        (void)snprintf(reason, sizeof(reason), "the responder answered with status %d",
                       client->answer->status);
        ocsp_job_fail(job, UPDATE_HTTP_ERROR, reason);
    } else if (!is_ocsp(client->answer)) {
        ocsp_job_fail(job, UPDATE_NO_OCSP, "the responder's answer is no application/ocsp-response");
    } else if (!gather(fetch)) {
        ocsp_job_fail(job, UPDATE_REFUSED, "the answer is too long");
    } else if (client->state == CLIENT_DONE) {
        ocsp_job_answer(job, text_str(&fetch->got));
    }
}

/* False: out of memory. */
static bool
dial(struct ocsp_fetch *fetch)
{
    struct client_request request = { .connect_ms = CONNECT_MS, .server_ms = ANSWER_MS };

    request.head = make_head(fetch);
    if (request.head == NULL)
        return false;
    if (!chain_add_copy(&request.body, (const char *)fetch->question.der, fetch->question.len)) {
        message_give(request.head);
        return false;
    }
    request.dial.to = fetch->to;
    fetch->client = client_start(this_thread->loop, &request, on_event, fetch);
    return fetch->client != NULL;
}

/* --- where ------------------------------------------------------------------------------------------- */

static void
leave_resolver(struct ocsp_fetch *fetch)
{
    resolution_leave(&fetch->follower);
    if (fetch->snapshot != NULL)
        snapshot_drop(fetch->snapshot);
    fetch->snapshot = NULL;
}

/* False: err. */
static bool
dial_resolved(struct ocsp_fetch *fetch, struct error *err)
{
    uint16_t port = fetch->to.port;
    unsigned count;
    const struct known_record *records = resolution_records(fetch->follower.resolution, &count);

    if (count > 0)
        fetch->to = records[entropy_below(count)].record.addr;
    fetch->to.port = port;
    leave_resolver(fetch);
    if (count == 0)
        return error_set(err, "the responder's name has no address");
    return dial(fetch) || error_set(err, "out of memory");
}

static void
on_resolved(struct dns_follower *follower, enum dns_outcome outcome)
{
    struct ocsp_fetch *fetch = LIST_ITEM(follower, struct ocsp_fetch, follower);
    struct error err = ERROR_INIT;

    if (outcome == DNS_VALID) {
        if (!dial_resolved(fetch, &err))
            ocsp_job_fail(fetch->job, UPDATE_HTTP_ERROR, err.text);
        return;
    }
    leave_resolver(fetch);
    ocsp_job_fail(fetch->job, UPDATE_HTTP_ERROR, "the responder's name cannot be resolved");
}

static bool
resolve(struct ocsp_fetch *fetch, struct str host, struct error *err)
{
    struct snapshot *snapshot = snapshot_current();
    const struct resolvers_conf *resolvers = resolvers_conf_find(snapshot, "default");
    char name[256];

    if (resolvers == NULL || !dns_name_normalise(host, name, sizeof(name)))
        return error_set(err, "the responder's name '%.*s' cannot be resolved: there is no section 'resolvers "
                              "default', and the system names no servers",
                         STR_ARG(host));
    fetch->follower.on_result = on_resolved;
    list_init(&fetch->follower.link);
    fetch->snapshot = snapshot;
    snapshot_hold(snapshot);
    switch (resolution_join(resolvers->live, name, DNS_WANT_IPV4_FIRST, &fetch->follower)) {
    case DNS_JOIN_WAIT:
        return true;
    case DNS_JOIN_FRESH:
        return dial_resolved(fetch, err);
    case DNS_JOIN_REFUSED:
        break;
    }
    return error_set(err, "too many names are being resolved");
}

/* "http://host[:port]/path". The host: without port and brackets. */
static struct str
read_url(struct ocsp_fetch *fetch)
{
    struct str rest = str_from(fetch->question.url + strlen("http://")), host;
    long slash = str_find_char(rest, '/'), colon;
    struct error err = ERROR_INIT;
    int64_t port = HTTP_PORT;

    fetch->host = slash < 0 ? rest : str_slice(rest, 0, (size_t)slash);
    fetch->path = slash < 0 ? STR("/") : str_of(rest.ptr + slash, rest.len - (size_t)slash);
    host = fetch->host;
    colon = host.len > 0 && host.ptr[0] == '[' ? -1 : str_find_char(host, ':');
    if (colon >= 0) {
        if (!number_parse_int(str_of(host.ptr + colon + 1, host.len - (size_t)colon - 1), 1, UINT16_MAX,
                              &port, &err))
            port = HTTP_PORT;
        host.len = (size_t)colon;
    }
    fetch->to.port = (uint16_t)port;
    return host;
}

static bool
go_to(struct ocsp_fetch *fetch, const char *proxy, struct error *err)
{
    struct str host = read_url(fetch);
    uint16_t port = fetch->to.port;
    struct addr_spec spec;

    if (proxy != NULL) {
        fetch->is_by_proxy = true;
        if (!addr_parse(proxy, 0, &spec, err))
            return false;
        fetch->to = spec.addr;
        if (fetch->to.port == 0)
            fetch->to.port = HTTP_PORT;
    } else if (addr_parse_host(host, &fetch->to)) {
        fetch->to.port = port;
    } else {
        fetch->to.port = port;
        return resolve(fetch, host, err);
    }
    return dial(fetch) || error_set(err, "out of memory");
}

struct ocsp_fetch *
ocsp_fetch_start(struct ocsp_job *job, struct error *err)
{
    const struct tls_cert *cert = cert_store_find(job->path);
    struct ocsp_fetch *fetch;

    if (cert == NULL || cert->x509 == NULL) {
        error_set(err, "the certificate is gone");
        return NULL;
    }
    fetch = alloc_zero(sizeof(*fetch));
    fetch->job = job;
    job->fetch = fetch;
    if (ocsp_question_make(cert, &fetch->question, err) &&
        go_to(fetch, ocsp_settings_of(snapshot_current()).proxy, err))
        return fetch;
    job->fetch = NULL;
    ocsp_fetch_free(fetch);
    return NULL;
}

void
ocsp_fetch_free(struct ocsp_fetch *fetch)
{
    if (fetch == NULL)
        return;
    leave_resolver(fetch);
    client_free(fetch->client);
    text_fini(&fetch->got);
    ocsp_question_fini(&fetch->question);
    alloc_free(fetch);
}
