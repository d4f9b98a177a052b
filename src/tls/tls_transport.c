/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS as a transport of connections.
 *
 * For:     connections of bind and server lines that say ssl.
 * Owns:    the SSL of a connection, and sealed bytes that the socket did not take.
 * Callers: room net, through struct transport.
 * Thread:  owner.
 *
 * Writing: records are sealed into a batch of the thread's, which goes out in one call. What the
 * socket does not take waits in the link, and the plain bytes of that batch count as not written:
 * the caller offers them again, and they are passed over then (link->owed).
 *
 * Reading: OpenSSL reads ahead, so one call brings many records; when the socket gave less than was
 * asked for, it is not asked again.
 */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>

#include "weir/base/alloc.h"
#include "weir/base/pool.h"
#include "weir/loop/grace.h"
#include "weir/loop/loop.h"
#include "weir/net/transport.h"
#include "private.h"

#define RECORD_MAX  16384
#define BATCH_PLAIN ((size_t)4 * RECORD_MAX)
#define BATCH_MAX   (BATCH_PLAIN + 136 * 80) /* what records of 512 bytes add, and a stray message */

enum failure { NO_FAILURE, PEER_ENDED, SOCKET_FAILED, TLS_BROKEN, EARLY_LOST };

struct tls_link {
    SSL *ssl;
    char *left; /* sealed bytes that the socket did not take; NULL: none */
    size_t left_len, left_at;
    size_t owed;      /* plain bytes in `left` */
    bool is_drained;  /* the last read of the socket gave less than was asked for */
    bool peer_closed; /* the socket's end was read */
    uint8_t failure;  /* enum failure: found while other bytes were given, for the next read */
    int os_errno;
    unsigned long error; /* OpenSSL's number */
    struct tls_refusal refusal;
    struct early_data early;
    struct tls_notes notes;
};

static struct pool link_pool = POOL("tls_link", sizeof(struct tls_link));

/* The batch of this thread; NULL `of`: records go straight out. */
static _Thread_local struct {
    const struct tls_link *of;
    size_t len;
    char bytes[BATCH_MAX];
} batch;

static struct tls_link *
link_of(const struct connection *conn)
{
    return conn->transport_data;
}

SSL *
tls_of(const struct connection *conn)
{
    return conn != NULL && conn->transport == &tls_transport ? link_of(conn)->ssl : NULL;
}

unsigned long
tls_error_of(const struct connection *conn)
{
    return conn->transport == &tls_transport ? link_of(conn)->error : 0;
}

struct tls_refusal *
tls_refusal_of(const SSL *ssl)
{
    return &link_of(BIO_get_data(SSL_get_rbio(ssl)))->refusal;
}

const struct early_data *
tls_early_data_of(const SSL *ssl)
{
    return &link_of(BIO_get_data(SSL_get_rbio(ssl)))->early;
}

bool
tls_is_early(const struct connection *conn)
{
    return conn != NULL && conn->transport == &tls_transport && link_of(conn)->early.is_open;
}

struct tls_notes *
tls_notes_of(const SSL *ssl)
{
    return &link_of(BIO_get_data(SSL_get_rbio(ssl)))->notes;
}

/* --- the socket ---------------------------------------------------------------------------------- */

static void
keep_left(struct tls_link *link, const char *bytes, size_t len)
{
    size_t before = link->left_len - link->left_at;
    char *left = alloc_zero(before + len);

    if (before > 0)
        memcpy(left, link->left + link->left_at, before);
    memcpy(left + before, bytes, len);
    alloc_free(link->left);
    link->left = left;
    link->left_at = 0;
    link->left_len = before + len;
}

/* How many bytes the socket took; -1: it is broken. */
static ssize_t
send_some(const struct connection *conn, const char *bytes, size_t len, int flags)
{
    ssize_t result;

    do {
        result = send(conn->fd, bytes, len, MSG_NOSIGNAL | flags);
    } while (result == -1 && errno == EINTR);
    return result == -1 && errno == EAGAIN ? 0 : result;
}

/* IO_OK: nothing is left. */
static enum io
send_left(struct connection *conn)
{
    struct tls_link *link = link_of(conn);
    ssize_t sent;

    if (link->left == NULL)
        return IO_OK;
    sent = send_some(conn, link->left + link->left_at, link->left_len - link->left_at, 0);
    if (sent < 0)
        return connection_write_failed(conn, errno);
    link->left_at += (size_t)sent;
    if (link->left_at < link->left_len) {
        connection_want_write(conn);
        return IO_WAIT;
    }
    alloc_free(link->left);
    link->left = NULL;
    link->left_len = link->left_at = 0;
    return IO_OK;
}

static int
bio_write(BIO *bio, const char *bytes, size_t len, size_t *written)
{
    const struct connection *conn = BIO_get_data(bio);
    struct tls_link *link = link_of(conn);
    ssize_t sent = 0;

    *written = len;
    if (batch.of == link && batch.len + len <= BATCH_MAX) {
        memcpy(batch.bytes + batch.len, bytes, len);
        batch.len += len;
        return 1;
    }
    if (link->left == NULL)
        sent = send_some(conn, bytes, len, 0);
    if (sent < 0)
        return 0;
    if ((size_t)sent < len)
        keep_left(link, bytes + sent, len - (size_t)sent);
    return 1;
}

static int
bio_read(BIO *bio, char *to, size_t len, size_t *got)
{
    const struct connection *conn = BIO_get_data(bio);
    struct tls_link *link = link_of(conn);
    ssize_t result;

    BIO_clear_retry_flags(bio);
    do {
        result = recv(conn->fd, to, len, 0);
    } while (result == -1 && errno == EINTR);
    *got = result > 0 ? (size_t)result : 0;
    link->is_drained = result < (ssize_t)len;
    if (result > 0)
        return 1;
    if (result == 0)
        link->peer_closed = true;
    else if (errno == EAGAIN)
        BIO_set_retry_read(bio);
    else
        link->os_errno = errno;
    return 0;
}

static long
bio_ctrl(BIO *bio, int command, long number, void *arg)
{
    (void)number;
    (void)arg;
    if (command == BIO_CTRL_FLUSH)
        return 1;
    if (command == BIO_CTRL_EOF)
        return link_of(BIO_get_data(bio))->peer_closed;
    return 0;
}

static BIO_METHOD *bio_method;

__attribute__((constructor)) static void
make_bio_method(void)
{
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "connection");
    BIO_meth_set_write_ex(bio_method, bio_write);
    BIO_meth_set_read_ex(bio_method, bio_read);
    BIO_meth_set_ctrl(bio_method, bio_ctrl);
}

__attribute__((destructor)) static void
free_bio_method(void)
{
    BIO_meth_free(bio_method);
}

/* --- writing --------------------------------------------------------------------------------------- */

/* Where we are in the bytes of the caller. */
struct cursor {
    const struct iovec *iov;
    int count;
    size_t at; /* in iov[0] */
};

static void
advance(struct cursor *cursor, size_t len)
{
    while (cursor->count > 0 && len >= cursor->iov->iov_len - cursor->at) {
        len -= cursor->iov->iov_len - cursor->at;
        cursor->iov++;
        cursor->count--;
        cursor->at = 0;
    }
    cursor->at += len;
}

/* At most one record's worth in one piece: lent, or gathered. */
static struct str
next_piece(struct cursor *cursor, char *gathered)
{
    size_t len = cursor->iov->iov_len - cursor->at;
    const char *first = (const char *)cursor->iov->iov_base + cursor->at;

    if (len >= RECORD_MAX || cursor->count == 1) {
        len = len < RECORD_MAX ? len : RECORD_MAX;
        advance(cursor, len);
        return str_of(first, len);
    }
    len = 0;
    while (cursor->count > 0 && len < RECORD_MAX) {
        size_t part = cursor->iov->iov_len - cursor->at;

        part = part < RECORD_MAX - len ? part : RECORD_MAX - len;
        memcpy(gathered + len, (const char *)cursor->iov->iov_base + cursor->at, part);
        len += part;
        advance(cursor, part);
    }
    return str_of(gathered, len);
}

static bool
seal_piece(struct tls_link *link, struct str piece)
{
    size_t written = 0;

    if (link->early.is_sender)
        return early_data_send(&link->early, link->ssl, piece);
    if (link->early.is_open)
        return SSL_write_early_data(link->ssl, piece.ptr, piece.len, &written) == 1;
    return SSL_write(link->ssl, piece.ptr, (int)piece.len) == (int)piece.len;
}

/* Seals up to a batch full. The plain bytes in it; -1: OpenSSL refused. */
static ssize_t
seal(struct tls_link *link, struct cursor *cursor)
{
    char gathered[RECORD_MAX];
    size_t plain = 0;

    batch.of = link;
    batch.len = 0;
    while (cursor->count > 0 && plain + RECORD_MAX <= BATCH_PLAIN) {
        struct str piece = next_piece(cursor, gathered);

        if (piece.len == 0)
            continue;
        ERR_clear_error();
        if (!seal_piece(link, piece)) {
            batch.of = NULL;
            return -1;
        }
        plain += piece.len;
    }
    batch.of = NULL;
    return (ssize_t)plain;
}

static enum io tls_handshake(struct connection *conn);

static bool
has_early_room(const struct tls_link *link, const struct cursor *cursor)
{
    size_t len = 0;

    for (int i = 0; i < cursor->count; i++)
        len += cursor->iov[i].iov_len;
    return len <= link->early.room - link->early.len + link->owed;
}

static enum io
tls_write(struct connection *conn, const struct iovec *iov, int count, bool more, size_t *sent)
{
    struct tls_link *link = link_of(conn);
    struct cursor cursor = { iov, count, 0 };
    enum io io = send_left(conn);

    *sent = 0;
    if (io != IO_OK)
        return io;
    if (__builtin_expect(link->early.is_sender, 0) && !has_early_room(link, &cursor)) {
        (void)tls_handshake(conn); /* the rest comes behind it */
        if (link->early.is_sender) {
            link->early.is_awaited = true;
            return IO_WAIT;
        }
    }
    advance(&cursor, *sent = link->owed);
    link->owed = 0;
    while (cursor.count > 0) {
        ssize_t plain = seal(link, &cursor), gone;

        if (plain < 0)
            return connection_write_failed(conn, EPIPE);
        gone = send_some(conn, batch.bytes, batch.len, more || cursor.count > 0 ? MSG_MORE : 0);
        if (gone < 0)
            return connection_write_failed(conn, errno);
        if ((size_t)gone < batch.len) {
            keep_left(link, batch.bytes + gone, batch.len - (size_t)gone);
            link->owed = (size_t)plain;
            connection_want_write(conn);
            return *sent > 0 ? IO_OK : IO_WAIT;
        }
        *sent += (size_t)plain;
    }
    return IO_OK;
}

/* --- reading --------------------------------------------------------------------------------------- */

static enum failure
failure_of(struct tls_link *link, int result)
{
    switch (SSL_get_error(link->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return NO_FAILURE;
    case SSL_ERROR_ZERO_RETURN:
        return PEER_ENDED;
    case SSL_ERROR_SYSCALL:
        return link->os_errno != 0 ? SOCKET_FAILED : PEER_ENDED;
    default:
        return link->peer_closed ? PEER_ENDED : TLS_BROKEN;
    }
}

static enum io
tell(struct connection *conn, enum failure failure)
{
    struct tls_link *link = link_of(conn);

    switch (failure) {
    case NO_FAILURE:
        return IO_WAIT;
    case PEER_ENDED:
        return connection_read_ended(conn);
    case SOCKET_FAILED:
        return connection_read_failed(conn, link->os_errno);
    case EARLY_LOST:
        return connection_failed(conn, CONN_ERR_TLS_EARLY);
    case TLS_BROKEN:
        break;
    }
    link->error = ERR_peek_error();
    ERR_clear_error();
    return connection_failed(conn, CONN_ERR_TLS_FATAL);
}

/* --- handshake --------------------------------------------------------------------------------------- */

/* Which of our words fits what OpenSSL says. */
static enum connection_error
handshake_error(const struct connection *conn, const struct tls_link *link)
{
    if (link->os_errno != 0)
        return CONN_ERR_TLS_ABORTED;
    if (link->peer_closed)
        return CONN_ERR_TLS_EMPTY;
    if ((conn->flags & CONN_INCOMING) == 0 ||
        ERR_GET_REASON(link->error) != SSL_R_CERTIFICATE_VERIFY_FAILED)
        return CONN_ERR_TLS;
    return link->refusal.ca_error != 0 ? CONN_ERR_TLS_CA : CONN_ERR_TLS_CERT;
}

/* Data came, and it can be read and answered: the handshake ends while that is done. */
static enum io
is_early(struct connection *conn, struct tls_link *link)
{
    conn->flags |= CONN_UNCONFIRMED;
    link->early.is_open = true;
    return IO_OK;
}

/* For a connection that is used already. */
static enum io
end_early(struct connection *conn, struct tls_link *link, enum failure failure)
{
    conn->flags &= ~(unsigned)CONN_UNCONFIRMED;
    link->early.is_open = failure != NO_FAILURE; /* nobody has confirmed it, and nobody will */
    link->failure = (uint8_t)failure;
    if (link->early.is_awaited)
        ev_feed_event(conn->loop->ev, &conn->io, EV_WRITE);
    link->early.is_awaited = false;
    return failure == NO_FAILURE ? IO_OK : IO_WAIT;
}

static enum io
tls_handshake(struct connection *conn)
{
    struct tls_link *link = link_of(conn);
    bool is_used = (conn->flags & CONN_UNCONFIRMED) != 0;
    int result;

    if (link->early.is_sender && !is_used)
        return is_early(conn, link);
    if (send_left(conn) != IO_OK)
        return (conn->flags & CONN_WRITE_CLOSED) != 0 ? connection_failed(conn, CONN_ERR_TLS_ABORTED)
                                                      : IO_WAIT;
    ERR_clear_error();
    result = early_data_handshake(&link->early, link->ssl);
    if (result == 1 && link->early.is_sender && !early_data_end_sending(&link->early, link->ssl))
        return end_early(conn, link, EARLY_LOST);
    if (link->left != NULL) {
        connection_want_write(conn);
        return IO_WAIT;
    }
    if (result == 1)
        return is_used ? end_early(conn, link, NO_FAILURE) : IO_OK;
    switch (SSL_get_error(link->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return link->early.is_received && !is_used ? is_early(conn, link) : IO_WAIT;
    default:
        break;
    }
    link->error = ERR_peek_error();
    if (is_used && (conn->flags & CONN_INCOMING) != 0)
        return end_early(conn, link, link->peer_closed ? PEER_ENDED : TLS_BROKEN);
    if (is_used) /* a server's certificate, for example */
        (void)end_early(conn, link, TLS_BROKEN);
    (void)connection_failed(conn, handshake_error(conn, link));
    if ((conn->flags & CONN_INCOMING) == 0)
        tls_server_forget_session(link->ssl);
    ERR_clear_error();
    return IO_FAILED;
}

/* Fills `len` bytes unless the socket has no more now. False: enough was seen. */
static bool
read_into(struct connection *conn, char *to, size_t len, size_t *got)
{
    struct tls_link *link = link_of(conn);

    for (size_t at = 0; at < len;) {
        int result;

        ERR_clear_error();
        result = SSL_read(link->ssl, to + at, (int)(len - at < INT32_MAX ? len - at : INT32_MAX));
        if (result <= 0) {
            link->failure = (uint8_t)failure_of(link, result);
            return false;
        }
        at += (size_t)result;
        *got += (size_t)result;
        if (link->is_drained && SSL_has_pending(link->ssl) == 0)
            return false;
    }
    return true;
}

/* False: the rest has to wait. */
static bool
read_early(struct connection *conn, const struct iovec *iov, int count, size_t *got)
{
    struct tls_link *link = link_of(conn);

    if ((conn->flags & CONN_UNCONFIRMED) != 0 && link->early.at == link->early.len)
        (void)tls_handshake(conn);
    for (int i = 0; i < count && !link->early.is_sender; i++) {
        size_t taken = early_data_take(&link->early, iov[i].iov_base, iov[i].iov_len);

        *got += taken;
        if (taken < iov[i].iov_len)
            break;
    }
    return *got == 0 && (conn->flags & (CONN_UNCONFIRMED | CONN_FAILED)) == 0;
}

static enum io
tls_read(struct connection *conn, const struct iovec *iov, int count, size_t *got)
{
    struct tls_link *link = link_of(conn);

    *got = 0;
    if (__builtin_expect(link->early.is_received || link->early.is_open, 0) &&
        !read_early(conn, iov, count, got))
        return *got > 0                             ? IO_OK
               : (conn->flags & CONN_FAILED) != 0 ? IO_FAILED
                                                    : IO_WAIT;
    for (int i = 0; link->failure == NO_FAILURE && i < count; i++) {
        if (!read_into(conn, iov[i].iov_base, iov[i].iov_len, got))
            break;
    }
    if (*got == 0)
        return tell(conn, (enum failure)link->failure);
    if (link->failure != NO_FAILURE)
        ev_feed_event(conn->loop->ev, &conn->io, EV_READ); /* no other event need come */
    return IO_OK;
}

static size_t
tls_pending(const struct connection *conn)
{
    const struct tls_link *link = link_of(conn);

    return (size_t)SSL_pending(link->ssl) + (size_t)(SSL_has_pending(link->ssl) != 0) +
           (size_t)(link->failure != NO_FAILURE) + link->early.len - link->early.at;
}

/* --- life -------------------------------------------------------------------------------------------- */

static SSL *
make_ssl(SSL_CTX *ctx, struct connection *conn)
{
    SSL *ssl = SSL_new(ctx);
    BIO *bio = ssl == NULL ? NULL : BIO_new(bio_method);

    if (bio == NULL) {
        SSL_free(ssl);
        return NULL;
    }
    BIO_set_data(bio, conn);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    if ((conn->flags & CONN_INCOMING) != 0)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    return ssl;
}

/* A certificate allows it at the hello, when the server name is known. */
static bool
may_take_early_data(struct tls_link *link, const struct tls_context *context)
{
    bool is_wanted = context->takes_early_data || grace_read(context->names)->takes_early_data;

    return early_data_begin(&link->early, link->ssl, is_wanted) &&
           (context->takes_early_data || early_data_allow(link->ssl, false));
}

/* conf: the context for a client's connection, a struct tls_dial for a server's. */
static bool
tls_open(struct connection *conn, void *conf)
{
    const struct tls_dial *dial = (conn->flags & CONN_INCOMING) != 0 ? NULL : conf;
    const struct tls_context *context = dial != NULL ? dial->conf->context : conf;
    struct tls_link *link = pool_take(&link_pool);

    if (link == NULL)
        return false;
    *link = (struct tls_link){ 0 };
    link->ssl = make_ssl(context->ctx, conn);
    if (link->ssl == NULL || (dial != NULL && !tls_server_set_up(link->ssl, dial)) ||
        (dial == NULL && !may_take_early_data(link, context))) {
        SSL_free(link->ssl);
        ERR_clear_error();
        pool_give(&link_pool, link);
        return false;
    }
    if (dial != NULL && dial->may_be_early)
        (void)early_data_begin_sending(&link->early, link->ssl);
    conn->transport_data = link;
    return true;
}

static void
tls_shut_write(struct connection *conn)
{
    ERR_clear_error();
    (void)SSL_shutdown(link_of(conn)->ssl);
    ERR_clear_error();
    shutdown(conn->fd, SHUT_WR);
}

static void
tls_close(struct connection *conn)
{
    struct tls_link *link = link_of(conn);

    if ((conn->flags & (CONN_ESTABLISHED | CONN_WRITE_CLOSED | CONN_LINGER_RESET)) ==
            CONN_ESTABLISHED &&
        link->left == NULL) {
        ERR_clear_error();
        (void)SSL_shutdown(link->ssl);
    }
    /* Without a goodbye OpenSSL would forget the session. */
    if ((conn->flags & CONN_ESTABLISHED) != 0)
        SSL_set_shutdown(link->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    ERR_clear_error();
    SSL_free(link->ssl);
    alloc_free(link->left);
    early_data_free(&link->early);
    alloc_free(link->notes.hello);
    keylog_free(link->notes.keys);
    pool_give(&link_pool, link);
    conn->transport_data = NULL;
}

struct str
tls_alpn(const struct connection *conn)
{
    SSL *ssl = tls_of(conn);
    const unsigned char *name = NULL;
    unsigned len = 0;

    if (ssl != NULL && link_of(conn)->early.is_sender)
        return link_of(conn)->early.alpn;
    if (ssl != NULL)
        SSL_get0_alpn_selected(ssl, &name, &len);
    return str_of((const char *)name, len);
}

const struct transport tls_transport = {
    .name = "SSL",
    .open = tls_open,
    .read = tls_read,
    .write = tls_write,
    .handshake = tls_handshake,
    .shut_write = tls_shut_write,
    .close = tls_close,
    .pending = tls_pending,
};
