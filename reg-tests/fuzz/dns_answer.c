/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the answer of a name server, to each kind of question. What is taken holds whole records, each of them once.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "weir/dns/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
check(const struct dns_answer *answer, enum dns_type type)
{
    for (unsigned i = 0; i < answer->count; i++) {
        const struct dns_record *record = &answer->records[i];
        char normal[256];

        if ((type == DNS_SRV) != (record->target != NULL))
            abort();
        if (type == DNS_A && record->addr.family != ADDR_IPV4)
            abort();
        if (type == DNS_AAAA && record->addr.family != ADDR_IPV6)
            abort();
        if (record->target != NULL &&
            (!dns_name_normalise(str_from(record->target), normal, sizeof(normal)) ||
             strcmp(normal, record->target) != 0))
            abort();
    }
}

static void
read_as(const uint8_t *bytes, size_t len, enum dns_type type)
{
    struct dns_question question = { .name = "a.test", .type = type };
    struct dns_answer answer;
    enum dns_outcome outcome;

    if (len >= 2)
        question.id = (uint16_t)(bytes[0] << 8 | bytes[1]);
    outcome = dns_answer_read(bytes, len, &question, &answer);
    if ((outcome == DNS_VALID) != (answer.count > 0) && outcome == DNS_VALID)
        abort();
    if (outcome == DNS_VALID)
        check(&answer, type);
    dns_answer_fini(&answer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    read_as(bytes, len, DNS_A);
    read_as(bytes, len, DNS_AAAA);
    read_as(bytes, len, DNS_SRV);
    return 0;
}
