/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS messages: questions are written and names are read by c-ares; what a record means is decided here.
 *
 * For:     query.c. Owns: nothing.
 * Thread:  any (control in practice).
 *
 * Bytes come from the network: whatever does not fit makes the whole answer invalid.
 */
#include "weir/dns/answer.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "weir/base/alloc.h"

#define HEADER_LEN  12
#define NAME_MAX_   254
#define ALIASES_MAX 16
#define RECORDS_MAX 4096

enum { FLAG_ANSWER = 0x8000, FLAG_TRUNCATED = 0x0200, MASK_OPCODE = 0x7800, MASK_RCODE = 0x000f };
enum { RCODE_NX = 3, RCODE_REFUSED = 5 };

/* A message that is being read. */
struct reader {
    const uint8_t *bytes;
    size_t len, at;
    unsigned answers, authorities, additionals;
};

/* One record of it. */
struct raw_record {
    char *name; /* owns: ares_free_string() */
    unsigned type, class, value_len;
    size_t value; /* where its value begins */
};

/* --- names and numbers ---------------------------------------------------------------------- */

bool
dns_name_normalise(struct str name, char *to, size_t size)
{
    size_t label = 0;

    if (name.len > 0 && name.ptr[name.len - 1] == '.')
        name.len--;
    if (name.len == 0 || name.len >= size || name.len > NAME_MAX_)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];

        if (!isalnum(c) && c != '-' && c != '_' && c != '.')
            return false;
        if (c == '.' ? label == 0 : label == 63)
            return false;
        label = c == '.' ? 0 : label + 1;
        to[i] = (char)tolower(c);
    }
    to[name.len] = '\0';
    return label > 0;
}

static unsigned
get16(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

/* The name at r->at; moves on. NULL: bad. */
static char *
read_name(struct reader *r)
{
    char *name = NULL;
    long used = 0;

    if (r->at >= r->len ||
        ares_expand_name(r->bytes + r->at, r->bytes, (int)r->len, &name, &used) != ARES_SUCCESS)
        return NULL;
    r->at += (size_t)used;
    return name;
}

static bool
read_record(struct reader *r, struct raw_record *record)
{
    record->name = read_name(r);
    if (record->name == NULL)
        return false;
    if (r->len - r->at < 10)
        return false;
    record->type = get16(r->bytes + r->at);
    record->class = get16(r->bytes + r->at + 2);
    record->value_len = get16(r->bytes + r->at + 8);
    record->value = r->at + 10;
    if (r->len - record->value < record->value_len)
        return false;
    r->at = record->value + record->value_len;
    return true;
}

/* --- questions -------------------------------------------------------------------------------- */

uint8_t *
dns_packet_new(const struct dns_question *question, unsigned payload_size, size_t *len)
{
    unsigned char *packet = NULL;
    int packet_len = 0;

    if (ares_create_query(question->name, ns_c_in, (int)question->type, question->id, 1, &packet,
                          &packet_len, (int)payload_size) != ARES_SUCCESS)
        return NULL;
    *len = (size_t)packet_len;
    return packet;
}

void
dns_packet_free(uint8_t *packet)
{
    ares_free_string(packet);
}

/* --- answers ---------------------------------------------------------------------------------- */

static bool
is_our_question(struct reader *r, const struct dns_question *question)
{
    char *name = read_name(r);
    bool is_ours = name != NULL && r->len - r->at >= 4 && strcasecmp(name, question->name) == 0 &&
                   get16(r->bytes + r->at) == question->type &&
                   get16(r->bytes + r->at + 2) == ns_c_in;

    ares_free_string(name);
    r->at += 4;
    return is_ours;
}

/* Everything in front of the records. DNS_VALID: there may be some. */
static enum dns_outcome
read_head(struct reader *r, const struct dns_question *question)
{
    unsigned flags;

    if (r->len < HEADER_LEN)
        return DNS_INVALID;
    if (get16(r->bytes) != question->id)
        return DNS_FOREIGN;
    flags = get16(r->bytes + 2);
    if ((flags & FLAG_ANSWER) == 0 || (flags & MASK_OPCODE) != 0 || get16(r->bytes + 4) != 1)
        return DNS_INVALID;
    r->at = HEADER_LEN;
    if (!is_our_question(r, question))
        return DNS_INVALID;
    r->answers = get16(r->bytes + 6);
    r->authorities = get16(r->bytes + 8);
    r->additionals = get16(r->bytes + 10);
    switch (flags & MASK_RCODE) {
    case 0:
        return (flags & FLAG_TRUNCATED) != 0 ? DNS_TRUNCATED : DNS_VALID;
    case RCODE_NX:
        return DNS_NX;
    case RCODE_REFUSED:
        return DNS_REFUSED;
    default:
        return DNS_OTHER;
    }
}

static bool
is_type_of(const struct raw_record *record, const char *owner, unsigned type)
{
    return record->class == ns_c_in && record->type == type && strcasecmp(record->name, owner) == 0;
}

/* The name that `owner` is an alias of, in `target`. 1: found; 0: it is none; -1: bad bytes. */
static int
find_alias(const struct reader *start, char *owner, size_t size)
{
    struct reader r = *start;
    int result = 0;

    for (unsigned i = 0; i < r.answers && result == 0; i++) {
        struct raw_record record;

        if (!read_record(&r, &record)) {
            result = -1;
        } else if (is_type_of(&record, owner, DNS_CNAME)) {
            struct reader value = r;
            char *target;

            value.at = record.value;
            target = read_name(&value);
            result = target != NULL && dns_name_normalise(str_from(target), owner, size) ? 1 : -1;
            ares_free_string(target);
        }
        ares_free_string(record.name);
    }
    return result;
}

/* Aliases that were followed; `owner` is the last name then. */
static enum dns_outcome
follow_aliases(const struct reader *start, char *owner, size_t size, struct dns_answer *out)
{
    for (unsigned i = 0; i < ALIASES_MAX; i++) {
        int found = find_alias(start, owner, size);

        if (found <= 0)
            return found < 0 ? DNS_INVALID : DNS_VALID;
        out->has_alias = true;
    }
    return DNS_CNAME_ERROR;
}

static bool
is_there(const struct dns_answer *answer, const struct dns_record *record)
{
    for (unsigned i = 0; i < answer->count; i++) {
        const struct dns_record *other = &answer->records[i];

        if (record->target == NULL ? addr_eq_host(&record->addr, &other->addr)
                                   : record->port == other->port &&
                                         strcmp(record->target, other->target) == 0)
            return true;
    }
    return false;
}

static void
add(struct dns_answer *answer, const struct dns_record *record)
{
    if (answer->count == RECORDS_MAX || is_there(answer, record)) {
        alloc_free(record->target);
        return;
    }
    if ((answer->count & (answer->count - 1)) == 0) /* 0 or a power of two: full */
        answer->records = alloc_resize(answer->records, (answer->count == 0 ? 1 : answer->count * 2) *
                                                            sizeof(*answer->records));
    answer->records[answer->count++] = *record;
}

static bool
read_address(const struct reader *r, const struct raw_record *record, struct addr *out)
{
    *out = (struct addr){ 0 };
    if (record->type == DNS_A && record->value_len == 4) {
        out->family = ADDR_IPV4;
        memcpy(&out->ip4, r->bytes + record->value, 4);
    } else if (record->type == DNS_AAAA && record->value_len == 16) {
        out->family = ADDR_IPV6;
        memcpy(&out->ip6, r->bytes + record->value, 16);
    } else {
        return false;
    }
    return true;
}

/* False: bad bytes. A target that is no host name is left out; so is ".", which means "no such service". */
static bool
read_service(const struct reader *r, const struct raw_record *record, struct dns_answer *out)
{
    struct dns_record service = { 0 };
    struct reader value = *r;
    char host[NAME_MAX_ + 1];
    char *target;

    if (record->value_len < 7)
        return false;
    service.priority = (uint16_t)get16(r->bytes + record->value);
    service.weight = (uint16_t)get16(r->bytes + record->value + 2);
    service.port = (uint16_t)get16(r->bytes + record->value + 4);
    value.at = record->value + 6;
    target = read_name(&value);
    if (target == NULL)
        return false;
    if (dns_name_normalise(str_from(target), host, sizeof(host))) {
        service.target = alloc_copy(host);
        add(out, &service);
    }
    ares_free_string(target);
    return true;
}

static bool
read_value(const struct reader *r, const struct raw_record *record, struct dns_answer *out)
{
    struct dns_record address = { 0 };

    if (record->type == DNS_SRV)
        return read_service(r, record, out);
    if (!read_address(r, record, &address.addr))
        return false;
    add(out, &address);
    return true;
}

/* The answer section; leaves r behind it. */
static bool
read_answers(struct reader *r, const char *owner, enum dns_type type, struct dns_answer *out)
{
    bool fine = true;

    for (unsigned i = 0; i < r->answers && fine; i++) {
        struct raw_record record;

        fine = read_record(r, &record);
        if (fine && is_type_of(&record, owner, type))
            fine = read_value(r, &record, out);
        ares_free_string(record.name);
    }
    return fine;
}

/* Addresses of the targets of SRV records. The first one of a target counts. */
static void
take_additional(const struct reader *r, const struct raw_record *record, struct dns_answer *out)
{
    struct addr addr;

    if (record->class != ns_c_in || !read_address(r, record, &addr))
        return;
    for (unsigned i = 0; i < out->count; i++) {
        struct dns_record *service = &out->records[i];

        if (service->addr.family == ADDR_NONE && strcasecmp(service->target, record->name) == 0)
            service->addr = addr;
    }
}

static bool
read_additionals(struct reader *r, struct dns_answer *out)
{
    bool fine = true;

    for (unsigned i = 0; i < r->authorities + r->additionals && fine; i++) {
        struct raw_record record;

        fine = read_record(r, &record);
        if (fine && i >= r->authorities)
            take_additional(r, &record, out);
        ares_free_string(record.name);
    }
    return fine;
}

enum dns_outcome
dns_answer_read(const uint8_t *bytes, size_t len, const struct dns_question *question,
                struct dns_answer *out)
{
    struct reader r = { .bytes = bytes, .len = len };
    char owner[NAME_MAX_ + 1];
    enum dns_outcome outcome;

    *out = (struct dns_answer){ 0 };
    outcome = read_head(&r, question);
    if (outcome != DNS_VALID)
        return outcome;
    if (!dns_name_normalise(str_from(question->name), owner, sizeof(owner)))
        return DNS_INVALID;
    outcome = follow_aliases(&r, owner, sizeof(owner), out);
    if (outcome != DNS_VALID)
        return outcome;
    if (!read_answers(&r, owner, question->type, out) ||
        (question->type == DNS_SRV && !read_additionals(&r, out)))
        return DNS_INVALID;
    if (out->count > 0)
        return DNS_VALID;
    return out->has_alias ? DNS_CNAME_ERROR : DNS_EMPTY;
}

void
dns_answer_fini(struct dns_answer *answer)
{
    for (unsigned i = 0; i < answer->count; i++)
        alloc_free(answer->records[i].target);
    alloc_free(answer->records);
    *answer = (struct dns_answer){ 0 };
}
