/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a PROXY header tells a server about the client's TLS (send-proxy-v2-ssl, proxy-v2-options).
 *
 * For:     room net, which writes the header.
 * Owns:    nothing.
 * Thread:  owner of the client's connection.
 */
#include <stdio.h>
#include <string.h>

#include "weir/net/proxy_protocol.h"
#include "private.h"

/* Bits of the client byte. */
enum {
    CLIENT_SSL = 1 << 0,
    CLIENT_CERT_CONN = 1 << 1, /* gave a certificate on this connection */
    CLIENT_CERT_SESS = 1 << 2, /* or when its session began */
};

#define PART_MAX 1024 /* bytes inside of PROXY_TLV_SSL */

/* --- ALPN, authority: on their own --------------------------------------------------------------- */

static size_t
add_own(uint8_t *header, size_t len, size_t room, uint8_t type, struct str value)
{
    if (value.ptr == NULL || value.len == 0)
        return len;
    return proxy_header_add_tlv(header, len, room, &(struct proxy_tlv){ type, value });
}

static size_t
add_protocol(struct connection *client, unsigned options, uint8_t *header, size_t len, size_t room)
{
    (void)options;
    return add_own(header, len, room, PROXY_TLV_ALPN, tls_alpn(client));
}

static size_t
add_authority(struct connection *client, unsigned options, uint8_t *header, size_t len, size_t room)
{
    SSL *ssl = tls_of(client);
    const char *name = ssl == NULL ? NULL : SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    (void)options;
    return name == NULL ? len
                        : add_own(header, len, room, PROXY_TLV_AUTHORITY, str_from(name));
}

/* --- the parts of PROXY_TLV_SSL --------------------------------------------------------------------- */

struct part {
    uint8_t bytes[PART_MAX];
    size_t len;
};

/* What does not fit is left out. */
static void
add(struct part *part, uint8_t type, struct str value)
{
    if (value.len == 0 || part->len + 3 + value.len > sizeof(part->bytes))
        return;
    part->bytes[part->len++] = type;
    part->bytes[part->len++] = (uint8_t)(value.len >> 8);
    part->bytes[part->len++] = (uint8_t)value.len;
    memcpy(part->bytes + part->len, value.ptr, value.len);
    part->len += value.len;
}

/* The client byte, and 0 for a client whose certificate was verified. */
static void
begin(struct part *part, uint8_t flags, uint32_t verify)
{
    part->bytes[0] = flags;
    for (unsigned i = 0; i < 4; i++)
        part->bytes[1 + i] = (uint8_t)(verify >> (24 - 8 * i));
    part->len = 5;
}

static void
add_common_name(struct part *part, X509 *cert)
{
    unsigned char *utf8 = NULL;
    X509_NAME *subject = X509_get_subject_name(cert);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    int len = at < 0 ? -1
                     : ASN1_STRING_to_UTF8(
                           &utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));

    if (len > 0)
        add(part, PROXY_TLV_SSL_CN, str_of((const char *)utf8, (size_t)len));
    OPENSSL_free(utf8);
}

/* "EC256", "RSA2048" */
static void
add_key_kind(struct part *part, const X509 *cert)
{
    const EVP_PKEY *key = X509_get0_pubkey(cert);
    int type = EVP_PKEY_get_base_id(key);
    char text[64];
    int len = snprintf(text, sizeof(text), "%s%d",
                       type == EVP_PKEY_RSA   ? "RSA"
                       : type == EVP_PKEY_EC  ? "EC"
                       : type == EVP_PKEY_DSA ? "DSA"
                                              : OBJ_nid2sn(type),
                       EVP_PKEY_get_bits(key));

    add(part, PROXY_TLV_SSL_KEY_ALG, str_of(text, (size_t)len));
}

static void
add_signature_kind(struct part *part, const X509 *cert)
{
    const char *name = OBJ_nid2sn(X509_get_signature_nid(cert));

    if (name != NULL)
        add(part, PROXY_TLV_SSL_SIG_ALG, str_from(name));
}

static void
add_parts(struct part *part, SSL *ssl, unsigned options)
{
    X509 *theirs = SSL_get0_peer_certificate(ssl), *ours = SSL_get_certificate(ssl);
    const char *cipher = SSL_get_cipher_name(ssl);

    add(part, PROXY_TLV_SSL_VERSION, str_from(SSL_get_version(ssl)));
    if ((options & PROXY_V2_CERT_CN) != 0 && theirs != NULL)
        add_common_name(part, theirs);
    if ((options & PROXY_V2_CERT_KEY) != 0 && ours != NULL)
        add_key_kind(part, ours);
    if ((options & PROXY_V2_CERT_SIG) != 0 && ours != NULL)
        add_signature_kind(part, ours);
    if ((options & PROXY_V2_SSL_CIPHER) != 0 && cipher != NULL)
        add(part, PROXY_TLV_SSL_CIPHER, str_from(cipher));
}

/* A certificate that was given when the session began counts for the connections that resume it. */
static uint8_t
flags_of(const SSL *ssl)
{
    if (SSL_get0_peer_certificate(ssl) == NULL)
        return CLIENT_SSL;
    return CLIENT_SSL | CLIENT_CERT_SESS | (SSL_session_reused(ssl) ? 0 : CLIENT_CERT_CONN);
}

static size_t
add_ssl(struct connection *client, unsigned options, uint8_t *header, size_t len, size_t room)
{
    SSL *ssl = tls_of(client);
    struct part part;

    begin(&part, ssl == NULL ? 0 : flags_of(ssl),
          ssl == NULL ? 0 : (uint32_t)tls_refusal_of(ssl)->error);
    if (ssl != NULL)
        add_parts(&part, ssl, options);
    return add_own(header, len, room, PROXY_TLV_SSL, str_of((const char *)part.bytes, part.len));
}

static const struct proxy_tlv_writer writers[] = {
    { 0, add_protocol },
    { PROXY_V2_AUTHORITY, add_authority },
    { PROXY_V2_SSL | PROXY_V2_CERT_CN | PROXY_V2_SSL_CIPHER | PROXY_V2_CERT_SIG | PROXY_V2_CERT_KEY,
      add_ssl },
};
REGISTER(proxy_tlv_writer, writers);
