/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Early data (RFC 8446 2.3): what a client that resumes says before the handshake is over, so that anybody
 * who has recorded it may say it again.
 *
 * For:     tls_transport.c, for bind lines and certificates that say allow-0rtt.
 * Owns:    the bytes until somebody reads them; OpenSSL takes no more than EARLY_DATA_MAX of them.
 * Thread:  owner.
 *
 *     WANTED ──hello without, or refused──> OVER ──> handshake ends
 *        └──some came──> (received) ──end of early data──┘
 *
 * To servers that say allow-0rtt the same, where a session with them allows it: the connection counts as
 * established before anything was said; what is written until the handshake is over is early data, and is
 * written again if the server did not take it (it has not looked at it then).
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/crash.h"
#include "private.h"

#define PIECE_MAX 4096

void
early_data_use(SSL_CTX *ctx)
{
    /* Tickets are sealed with keys that other processes have, too: what OpenSSL would remember of them is
     * no protection. Who serves early data holds back what must not happen twice. */
    SSL_CTX_set_options(ctx, SSL_OP_NO_ANTI_REPLAY);
}

bool
early_data_begin(struct early_data *early, SSL *ssl, bool is_wanted)
{
    early->state = is_wanted ? EARLY_WANTED : EARLY_OVER;
    return !is_wanted || early_data_allow(ssl, true);
}

bool
early_data_allow(SSL *ssl, bool is_allowed)
{
    return SSL_set_max_early_data(ssl, is_allowed ? EARLY_DATA_MAX : 0) == 1;
}

/* The session may be replaced before it is looked at again. */
static void
keep_alpn(struct early_data *early, const SSL_SESSION *session)
{
    const unsigned char *name;
    size_t len;

    SSL_SESSION_get0_alpn_selected(session, &name, &len);
    early->alpn = STR_NONE;
    if (name != NULL)
        early->alpn = str_of(alloc_copy_str(str_of((const char *)name, len)), len);
}

bool
early_data_begin_sending(struct early_data *early, const SSL *ssl)
{
    const SSL_SESSION *session = SSL_get0_session(ssl); /* resumed once: the server gives new ones */
    uint32_t room = session == NULL || SSL_SESSION_is_resumable(session) != 1
                        ? 0
                        : SSL_SESSION_get_max_early_data(session);

    early->room = room < EARLY_DATA_MAX ? room : EARLY_DATA_MAX;
    if (room == 0)
        return false;
    keep_alpn(early, session);
    early->is_sender = !str_eq(early->alpn, STR("h2")); /* others, not safe, might join the connection */
    if (!early->is_sender)
        early_data_free(early);
    return early->is_sender;
}

static void
keep(struct early_data *early, const char *bytes, size_t len)
{
    if (early->bytes == NULL)
        early->bytes = alloc_zero(EARLY_DATA_MAX);
    if (early->at == early->len && !early->is_sender)
        early->at = early->len = 0;
    MUST(len <= EARLY_DATA_MAX - early->len);
    memcpy(early->bytes + early->len, bytes, len);
    early->len += (uint32_t)len;
}

int
early_data_handshake(struct early_data *early, SSL *ssl)
{
    while (early->state == EARLY_WANTED) {
        char piece[PIECE_MAX];
        size_t got = 0;

        switch (SSL_read_early_data(ssl, piece, sizeof(piece), &got)) {
        case SSL_READ_EARLY_DATA_SUCCESS:
            early->is_received = true;
            keep(early, piece, got);
            break;
        case SSL_READ_EARLY_DATA_FINISH:
            early->state = EARLY_OVER;
            break;
        default:
            return 0;
        }
    }
    return SSL_do_handshake(ssl);
}

bool
early_data_send(struct early_data *early, SSL *ssl, struct str bytes)
{
    size_t written = 0;

    keep(early, bytes.ptr, bytes.len);
    early->at = early->len; /* nobody here reads it */
    return SSL_write_early_data(ssl, bytes.ptr, bytes.len, &written) == 1;
}

/* RFC 8446 4.2.10: it may be sent again, unless it would be for another protocol now. */
bool
early_data_end_sending(struct early_data *early, SSL *ssl)
{
    bool is_lost = early->len > 0 && SSL_get_early_data_status(ssl) != SSL_EARLY_DATA_ACCEPTED;
    const unsigned char *name;
    unsigned len;
    bool fine = true;

    early->is_sender = false;
    if (is_lost) {
        SSL_get0_alpn_selected(ssl, &name, &len);
        fine = str_eq(str_of((const char *)name, len), early->alpn) &&
               SSL_write(ssl, early->bytes, (int)early->len) == (int)early->len;
    }
    early_data_free(early);
    return fine;
}

size_t
early_data_take(struct early_data *early, char *to, size_t len)
{
    size_t left = early->len - early->at;

    if (len > left)
        len = left;
    if (len == 0)
        return 0;
    memcpy(to, early->bytes + early->at, len);
    early->at += (uint32_t)len;
    if (early->at == early->len && early->state == EARLY_OVER)
        early_data_free(early);
    return len;
}

void
early_data_free(struct early_data *early)
{
    alloc_free(early->bytes);
    alloc_free((void *)(uintptr_t)early->alpn.ptr);
    early->bytes = NULL;
    early->alpn = STR_NONE;
    early->at = early->len = 0;
}
