/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a TLS hello says that passes through undecrypted: req.ssl_*, res.ssl_hello_type.
 *
 * For:     routing by server name in TCP mode.
 * Thread:  owner of the stream, inside a rule.
 */
#include "weir/tls/hello.h"

#include "private.h"

enum fact {
    FACT_TYPE,
    FACT_VERSION,
    FACT_SERVER_NAME,
    FACT_ALPN,
    FACT_HAS_GROUPS,
    FACT_TICKET,
    FACT_CIPHERS,
    FACT_SIGNATURES,
    FACT_GROUPS,
    FACT_KEY_SHARES,
};

static enum fetched
give_name(struct value *out, struct str name)
{
    return name.ptr == NULL ? FETCH_NONE : fetched_str(out, name);
}

static enum fetched
give_list(struct value *out, struct str list)
{
    return list.ptr == NULL ? FETCH_NONE : fetched_bin(out, list);
}

/* The groups that the client sends keys for, without the keys. */
static enum fetched
give_key_share_groups(struct eval *eval, struct value *out, struct str shares)
{
    char *groups = shares.ptr == NULL ? NULL : arena_take(eval->arena, shares.len + 1);
    size_t len = 0;

    if (groups == NULL)
        return FETCH_NONE;
    for (size_t at = 0; at + 4 <= shares.len;) {
        size_t key = (size_t)(uint8_t)shares.ptr[at + 2] << 8 | (uint8_t)shares.ptr[at + 3];

        groups[len++] = shares.ptr[at];
        groups[len++] = shares.ptr[at + 1];
        at += 4 + key;
    }
    return fetched_bin(out, str_of(groups, len));
}

static enum fetched
give(struct eval *eval, enum fact fact, const struct hello *hello, struct value *out)
{
    switch (fact) {
    case FACT_TYPE:
        return fetched_int(out, hello->type);
    case FACT_VERSION:
        return fetched_int(out, (int64_t)(hello->version >> 8) << 16 | (hello->version & 0xff));
    case FACT_SERVER_NAME:
        return give_name(out, hello->server_name);
    case FACT_ALPN:
        return give_name(out, hello_first_alpn(hello));
    case FACT_HAS_GROUPS:
        return fetched_bool(out, hello->groups.ptr != NULL);
    case FACT_TICKET:
        return fetched_int(out, hello->ticket);
    case FACT_CIPHERS:
        return give_list(out, hello->ciphers);
    case FACT_SIGNATURES:
        return give_list(out, hello->signatures);
    case FACT_GROUPS:
        return give_list(out, hello->groups);
    case FACT_KEY_SHARES:
        return give_key_share_groups(eval, out, hello->key_shares);
    }
    return FETCH_NONE;
}

static enum fetched
look(struct eval *eval, const struct endpoint *ep, enum fact fact, struct value *out)
{
    struct str bytes = received_bytes(eval, ep);
    struct hello hello;

    if (bytes.ptr == NULL)
        return FETCH_NONE;
    switch (hello_parse(bytes, eval->arena, &hello)) {
    case HELLO_WHOLE:
        return give(eval, fact, &hello, out);
    case HELLO_SHORT:
        return bytes.len < buffer_default_size() && received_may_grow(eval, ep) ? FETCH_LATER
                                                                                : FETCH_NONE;
    case HELLO_NOT:
        break;
    }
    return FETCH_NONE;
}

static enum fetched
run_request(struct eval *eval, const struct fetch *fetch, const struct arg *args,
            struct value *out)
{
    (void)args;
    return look(eval, eval->front, (enum fact)fetch->private, out);
}

static enum fetched
run_response(struct eval *eval, const struct fetch *fetch, const struct arg *args,
             struct value *out)
{
    (void)args;
    return look(eval, eval->back, (enum fact)fetch->private, out);
}

#define IN_REQUEST PLACE_HTTP_REQUEST
#define FACT(name_, type_, place_, fact_, help_)                                                   \
    {                                                                                              \
        name_, type_, place_, { { 0 } }, run_request, fact_, .help = help_                         \
    }

static const struct fetch fetches[] = {
    FACT("req.ssl_hello_type", VALUE_INT, IN_REQUEST, FACT_TYPE,
         "1: the client began with a whole TLS ClientHello, which weir does not decrypt."),
    FACT("req_ssl_hello_type", VALUE_INT, IN_REQUEST, FACT_TYPE, "Old name of req.ssl_hello_type."),
    FACT("req.ssl_sni", VALUE_STR, IN_REQUEST, FACT_SERVER_NAME,
         "The server name that a ClientHello asks for, in the letters it came in."),
    FACT("req_ssl_sni", VALUE_STR, IN_REQUEST, FACT_SERVER_NAME, "Old name of req.ssl_sni."),
    { "req.ssl_ver", VALUE_INT, IN_REQUEST, { { 0 } }, run_request, FACT_VERSION,
      .help = "Version of a ClientHello: major * 65536 + minor; 3.3 stands for TLS 1.2 and 1.3.",
      .is_version = true },
    { "req_ssl_ver", VALUE_INT, IN_REQUEST, { { 0 } }, run_request, FACT_VERSION,
      .help = "Old name of req.ssl_ver.", .is_version = true },
    FACT("req.ssl_alpn", VALUE_STR, IN_REQUEST, FACT_ALPN,
         "The first protocol that a ClientHello offers by ALPN."),
    FACT("req.ssl_ec_ext", VALUE_BOOL, IN_REQUEST, FACT_HAS_GROUPS,
         "Does a ClientHello name elliptic curves?"),
    FACT("req.ssl_st_ext", VALUE_INT, IN_REQUEST, FACT_TICKET,
         "Session tickets of a ClientHello: 0 unknown to it, 1 wanted, 2 one is given."),
    FACT("req.ssl_cipherlist", VALUE_BIN, PLACE_L4, FACT_CIPHERS,
         "Cipher suites of a ClientHello, two bytes each."),
    FACT("req.ssl_sigalgs", VALUE_BIN, PLACE_L4, FACT_SIGNATURES,
         "Signature algorithms of a ClientHello, two bytes each."),
    FACT("req.ssl_supported_groups", VALUE_BIN, PLACE_L4, FACT_GROUPS,
         "Groups of a ClientHello, two bytes each."),
    FACT("req.ssl_keyshare_groups", VALUE_BIN, PLACE_L4, FACT_KEY_SHARES,
         "Groups that a ClientHello sends keys for, two bytes each."),
    { "res.ssl_hello_type", VALUE_INT, PLACE_HTTP_RESPONSE, { { 0 } }, run_response, FACT_TYPE,
      .help = "2: the server began with a whole TLS ServerHello, which weir does not decrypt." },
    { "rep_ssl_hello_type", VALUE_INT, PLACE_HTTP_RESPONSE, { { 0 } }, run_response, FACT_TYPE,
      .help = "Old name of res.ssl_hello_type." },
};
REGISTER(fetch, fetches);
