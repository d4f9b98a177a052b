/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What single fields say about the connection and the body: Connection, Host, Content-Length ...
 *
 * For:     h1_framing.c, which judges the head as a whole.
 * Callers: h1_parser.c, for each field of that kind.
 * Thread:  pure.
 *
 * Fields about the connection stay visible for rules (but for "close" and "keep-alive"); their
 * meaning goes to the message's members, and h1_writer.c decides what is sent.
 */
#include <string.h>

#include "h1_head.h"

/* --- connection ----------------------------------------------------------- */

/* Never taken away because Connection names them: framing and routing do not end here. */
#define END_TO_END                                                                                 \
    (FIELD_BIT(FIELD_HOST) | FIELD_BIT(FIELD_CONTENT_LENGTH) |                                     \
     FIELD_BIT(FIELD_TRANSFER_ENCODING) | FIELD_BIT(FIELD_CONNECTION) | FIELD_BIT(FIELD_UPGRADE) | \
     FIELD_BIT(FIELD_TE))

static unsigned
meaning_of_token(struct str token)
{
    switch (token.len) {
    case 0:
        return 0;
    case 5:
        if (str_eq_nocase(token, STR("close")))
            return H1_SAYS_CLOSE;
        break;
    case 7:
        if (str_eq_nocase(token, STR("upgrade")))
            return H1_SAYS_UPGRADE;
        break;
    case 10:
        if (str_eq_nocase(token, STR("keep-alive")))
            return H1_SAYS_KEEP_ALIVE;
        break;
    default:
        break;
    }
    return H1_NAMES_FIELDS;
}

/* The tokens that stay, in memory of their own: the received bytes must not change, because an
 * unfinished head is parsed again. */
static enum h1_verdict
copy_kept_tokens(struct h1_head *h, struct field *field)
{
    char *first = arena_take(&h->msg->arena, field->value_len + 1);
    struct str rest = field_value(field);
    char *to = first;

    if (first == NULL) {
        h1_refuse(h, 500, field->name, "out of memory");
        return H1_REFUSED;
    }
    while (rest.ptr != NULL) {
        struct str token = list_next(&rest);

        if ((meaning_of_token(token) & (H1_SAYS_UPGRADE | H1_NAMES_FIELDS)) == 0)
            continue;
        if (to != first)
            *to++ = ',';
        memcpy(to, token.ptr, token.len);
        to += token.len;
    }
    field->value = first;
    field->value_len = (uint32_t)(to - first);
    return H1_KEEP;
}

/* "keep-alive", which servers say although they need not. Of the bytes that differ from these
 * letters by 0x20 alone, only capitals may stand in a value. */
static inline bool
is_keep_alive(const struct field *field)
{
    const uint64_t small = UINT64_C(0x2020202020202020);
    uint64_t first, last, first_word, last_word;

    if (field->value_len != 10)
        return false;
    memcpy(&first, field->value, 8);
    memcpy(&last, field->value + 2, 8);
    memcpy(&first_word, "keep-alive", 8);
    memcpy(&last_word, "ep-alive", 8);
    return (first | small) == first_word && (last | small) == last_word;
}

/* Takes "close" and "keep-alive" out of the value. */
static enum h1_verdict
read_connection(struct h1_head *h, struct field *field)
{
    struct str rest = field_value(field);
    unsigned all = 0;

    if (is_keep_alive(field)) {
        h->seen |= H1_SAYS_KEEP_ALIVE;
        return H1_LEAVE_OUT;
    }
    while (rest.ptr != NULL)
        all |= meaning_of_token(list_next(&rest));
    h->seen |= (uint8_t)all;
    field->flags &= (uint8_t)~FIELD_VERBATIM;
    if ((all & (H1_SAYS_UPGRADE | H1_NAMES_FIELDS)) == 0)
        return H1_LEAVE_OUT;
    if ((all & (H1_SAYS_CLOSE | H1_SAYS_KEEP_ALIVE)) == 0)
        return H1_KEEP;
    return copy_kept_tokens(h, field);
}

static void
remove_named(struct message *msg, struct str name)
{
    char lower[128];
    enum field_name id;

    if (name.len == 0 || name.len > sizeof(lower))
        return;
    for (size_t i = 0; i < name.len; i++)
        lower[i] = byte_is(name.ptr[i], BYTE_UPPER) ? (char)(name.ptr[i] | 0x20) : name.ptr[i];
    id = field_name_find(lower, name.len);
    if (id == FIELD_OTHER || (FIELD_BIT(id) & END_TO_END) == 0)
        message_remove_fields(msg, str_of(lower, name.len));
}

/* RFC 9110 7.6.1: fields that Connection names are for us alone. */
void
h1_remove_named_fields(struct message *msg)
{
    for (int at = message_find_field(msg, FIELD_CONNECTION, 0); at >= 0;
         at = message_find_field(msg, FIELD_CONNECTION, (uint32_t)at + 1)) {
        struct str rest = field_value(&msg->fields[at]);

        while (rest.ptr != NULL)
            remove_named(msg, list_next(&rest));
    }
}

/* --- single fields -------------------------------------------------------- */

/* Identical ones collapse; different ones are an attack or a mistake. RFC 9112 3.2. */
static enum h1_verdict
read_host(struct h1_head *h, const struct field *field)
{
    int at = message_find_field(h->msg, FIELD_HOST, 0);

    if (at < 0)
        return H1_KEEP;
    if (str_eq(field_value(&h->msg->fields[at]), field_value(field)))
        return H1_LEAVE_OUT;
    h1_refuse(h, 400, field->name, "several different Host fields (RFC 9112 3.2)");
    return H1_REFUSED;
}

static enum h1_verdict
read_length(struct h1_head *h, struct field *field)
{
    uint64_t length;
    struct str plain;

    if (!validate_length(field_value(field), &length, &plain)) {
        h1_refuse(h, 400, field->value, "Content-Length is no number (RFC 9112 6.3)");
        return H1_REFUSED;
    }
    if ((h->seen & H1_HAS_LENGTH) != 0) {
        if (length == h->length)
            return H1_LEAVE_OUT;
        h1_refuse(h, 400, field->value, "several different Content-Length fields (RFC 9112 6.3)");
        return H1_REFUSED;
    }
    if (plain.len != field->value_len) {
        field->value = plain.ptr;
        field->value_len = (uint32_t)plain.len;
        field->flags &= (uint8_t)~FIELD_VERBATIM;
    }
    h->seen |= H1_HAS_LENGTH;
    h->length = length;
    return H1_KEEP;
}

static enum h1_verdict
read_coding(struct h1_head *h, const struct field *field)
{
    if ((h->seen & H1_HAS_CODING) == 0)
        h->coding = CODING_EMPTY;
    h->seen |= H1_HAS_CODING;
    h->coding = (uint8_t)validate_coding((enum coding_result)h->coding, field_value(field));
    return H1_KEEP;
}

/* Only "trailers" means anything beyond this hop. */
static enum h1_verdict
read_te(struct h1_head *h, struct field *field)
{
    struct str rest = field_value(field);

    while (rest.ptr != NULL) {
        struct str element = list_next(&rest);
        struct str coding = str_trim(str_split(&element, ';'));

        if (!str_eq_nocase(coding, STR("trailers")))
            continue;
        if (field->value_len != coding.len) {
            field->value = coding.ptr;
            field->value_len = (uint32_t)coding.len;
            field->flags &= (uint8_t)~FIELD_VERBATIM;
        }
        if ((h->msg->flags & MESSAGE_TE_TRAILERS) != 0)
            return H1_LEAVE_OUT;
        h->msg->flags |= MESSAGE_TE_TRAILERS;
        return H1_KEEP;
    }
    return H1_LEAVE_OUT;
}

static enum h1_verdict
read_upgrade(struct h1_head *h, const struct field *field)
{
    if (h->msg->upgrade.len != 0)
        return H1_LEAVE_OUT; /* one is enough, and two could mean two things */
    h->msg->upgrade = field_value(field);
    return H1_KEEP;
}

enum h1_verdict
h1_meaning_of_field(struct h1_head *h, struct field *field)
{
    bool is_request = (h->msg->flags & MESSAGE_IS_RESPONSE) == 0;
    unsigned id = field->id;

    switch (id) {
    case FIELD_HOST:
        return is_request ? read_host(h, field) : H1_KEEP;
    case FIELD_CONNECTION:
        return read_connection(h, field);
    case FIELD_CONTENT_LENGTH:
        return read_length(h, field);
    case FIELD_TRANSFER_ENCODING:
        return read_coding(h, field);
    case FIELD_TE:
        return is_request ? read_te(h, field) : H1_KEEP;
    case FIELD_UPGRADE:
        return read_upgrade(h, field);
    case FIELD_EXPECT:
        if (is_request && str_eq_nocase(field_value(field), STR("100-continue")))
            h->msg->flags |= MESSAGE_EXPECT_CONTINUE;
        return H1_KEEP;
    default:
        return H1_KEEP;
    }
}

bool
h1_is_no_trailer(enum field_name id)
{
    const uint64_t forbidden =
        FIELD_BIT(FIELD_HOST) | FIELD_BIT(FIELD_CONNECTION) | FIELD_BIT(FIELD_PROXY_CONNECTION) |
        FIELD_BIT(FIELD_KEEP_ALIVE) | FIELD_BIT(FIELD_TRANSFER_ENCODING) |
        FIELD_BIT(FIELD_CONTENT_LENGTH) | FIELD_BIT(FIELD_TE) | FIELD_BIT(FIELD_TRAILER) |
        FIELD_BIT(FIELD_UPGRADE) | FIELD_BIT(FIELD_EXPECT) | FIELD_BIT(FIELD_COOKIE) |
        FIELD_BIT(FIELD_SET_COOKIE) | FIELD_BIT(FIELD_AUTHORIZATION) |
        FIELD_BIT(FIELD_CONTENT_TYPE) | FIELD_BIT(FIELD_CONTENT_ENCODING) |
        FIELD_BIT(FIELD_LOCATION) | FIELD_BIT(FIELD_CACHE_CONTROL) | FIELD_BIT(FIELD_RANGE) |
        FIELD_BIT(FIELD_WWW_AUTHENTICATE) | FIELD_BIT(FIELD_PROXY_AUTHENTICATE) |
        FIELD_BIT(FIELD_PROXY_AUTHORIZATION);

    return id != FIELD_OTHER && (FIELD_BIT(id) & forbidden) != 0;
}
