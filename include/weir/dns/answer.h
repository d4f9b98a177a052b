/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions and answers as they stand on the wire (RFC 1035, 2782, 6891). Pure; any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "weir/base/str.h"
#include "weir/os/addr.h"

enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_AAAA = 28, DNS_SRV = 33 };

struct dns_question {
    const char *name; /* as dns_name_normalise() leaves it */
    enum dns_type type;
    uint16_t id;
};

/* What became of a question. */
enum dns_outcome {
    DNS_VALID,
    DNS_NX,          /* there is no such name */
    DNS_REFUSED,
    DNS_TIMEOUT,
    DNS_OTHER,       /* another error that the name server reports */
    DNS_EMPTY,       /* the name has no records of this type */
    DNS_CNAME_ERROR, /* aliases that lead in a circle or nowhere */
    DNS_TRUNCATED,
    DNS_INVALID,     /* not to be read, or not an answer to the question: not believed */
    DNS_FOREIGN,     /* the id is another one's */
    DNS_SEND_ERROR,
};

struct dns_record {
    struct addr addr; /* of A and AAAA; of SRV: of the target, where the answer has it, else ADDR_NONE */
    char *target;     /* owns; SRV only */
    uint16_t priority, weight, port;
};

struct dns_answer {
    struct dns_record *records; /* owns */
    unsigned count;
    bool has_alias; /* it came by CNAME records */
};

/* Lower case, without the dot at the end, in `to`. False: it is too long, empty, or no name. */
bool dns_name_normalise(struct str name, char *to, size_t size);
/* The bytes of a question; freed with dns_packet_free(). NULL: the name cannot be written. */
uint8_t *dns_packet_new(const struct dns_question *question, unsigned payload_size, size_t *len);
void dns_packet_free(uint8_t *packet);
/* Reads what came back. With DNS_VALID `out` holds records, each of them once. dns_answer_fini() is needed
 * in any case. */
enum dns_outcome dns_answer_read(const uint8_t *bytes, size_t len,
                                 const struct dns_question *question, struct dns_answer *out);
void dns_answer_fini(struct dns_answer *answer);
