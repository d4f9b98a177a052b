/* SPDX-License-Identifier: Apache-2.0 */
/* Reading answers of name servers: records, aliases, errors, bytes that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "weir/dns/answer.h"

enum { ID = 0x1234, OK = 0x8180 };

/* --- an answer made by hand ------------------------------------------------------------------- */

struct packet {
    uint8_t bytes[4096];
    size_t len;
};

static void
put16(struct packet *p, unsigned number)
{
    p->bytes[p->len++] = (uint8_t)(number >> 8);
    p->bytes[p->len++] = (uint8_t)number;
}

static void
put_name(struct packet *p, const char *name)
{
    while (*name != '\0') {
        size_t len = strcspn(name, ".");

        p->bytes[p->len++] = (uint8_t)len;
        memcpy(p->bytes + p->len, name, len);
        p->len += len;
        name += len + (name[len] == '.');
    }
    p->bytes[p->len++] = 0;
}

static void
begin(struct packet *p, unsigned flags, const char *name, enum dns_type type, unsigned answers,
      unsigned additionals)
{
    p->len = 0;
    put16(p, ID);
    put16(p, flags);
    put16(p, 1);
    put16(p, answers);
    put16(p, 0);
    put16(p, additionals);
    put_name(p, name);
    put16(p, type);
    put16(p, 1);
}

static void
put_record(struct packet *p, const char *owner, enum dns_type type, const void *value, size_t len)
{
    put_name(p, owner);
    put16(p, type);
    put16(p, 1);
    put16(p, 0);
    put16(p, 60);
    put16(p, (unsigned)len);
    memcpy(p->bytes + p->len, value, len);
    p->len += len;
}

static void
put_alias(struct packet *p, const char *owner, const char *target)
{
    struct packet value = { .len = 0 };

    put_name(&value, target);
    put_record(p, owner, DNS_CNAME, value.bytes, value.len);
}

static void
put_service(struct packet *p, const char *owner, unsigned weight, unsigned port, const char *target)
{
    struct packet value = { .len = 0 };

    put16(&value, 1);
    put16(&value, weight);
    put16(&value, port);
    put_name(&value, target);
    put_record(p, owner, DNS_SRV, value.bytes, value.len);
}

static enum dns_outcome
read_it(const struct packet *p, const char *name, enum dns_type type, struct dns_answer *out)
{
    struct dns_question question = { .name = name, .type = type, .id = ID };

    return dns_answer_read(p->bytes, p->len, &question, out);
}

static void
expect(const struct packet *p, enum dns_type type, enum dns_outcome outcome, unsigned count)
{
    struct dns_answer answer;

    assert_int_equal(read_it(p, "a.test", type, &answer), outcome);
    assert_int_equal(answer.count, count);
    dns_answer_fini(&answer);
}

/* --- tests -------------------------------------------------------------------------------------- */

static const uint8_t one[4] = { 127, 0, 0, 1 }, two[4] = { 127, 0, 0, 2 };

static void
addresses(void **state)
{
    struct packet p;
    struct dns_answer answer;

    (void)state;
    begin(&p, OK, "A.test", DNS_A, 4, 0);
    put_record(&p, "a.TEST", DNS_A, one, 4);
    put_record(&p, "a.test", DNS_A, two, 4);
    put_record(&p, "a.test", DNS_A, one, 4);  /* again: once is enough */
    put_record(&p, "evil.test", DNS_A, "\1\2\3\4", 4); /* of a name that was not asked for */
    assert_int_equal(read_it(&p, "a.test", DNS_A, &answer), DNS_VALID);
    assert_int_equal(answer.count, 2);
    assert_memory_equal(&answer.records[1].addr.ip4, two, 4);
    assert_false(answer.has_alias);
    dns_answer_fini(&answer);
    begin(&p, OK, "a.test", DNS_A, 1, 0);
    put_record(&p, "a.test", DNS_A, one, 3);
    expect(&p, DNS_A, DNS_INVALID, 0);
    begin(&p, OK, "a.test", DNS_A, 0, 0);
    expect(&p, DNS_A, DNS_EMPTY, 0);
}

static void
aliases(void **state)
{
    struct packet p;
    struct dns_answer answer;

    (void)state;
    begin(&p, OK, "a.test", DNS_A, 3, 0); /* in any order */
    put_record(&p, "c.test", DNS_A, one, 4);
    put_alias(&p, "b.test", "c.test");
    put_alias(&p, "a.test", "B.test");
    assert_int_equal(read_it(&p, "a.test", DNS_A, &answer), DNS_VALID);
    assert_int_equal(answer.count, 1);
    assert_true(answer.has_alias);
    dns_answer_fini(&answer);
    begin(&p, OK, "a.test", DNS_A, 2, 0);
    put_alias(&p, "a.test", "b.test");
    put_alias(&p, "b.test", "a.test");
    expect(&p, DNS_A, DNS_CNAME_ERROR, 0);
    begin(&p, OK, "a.test", DNS_A, 2, 0);
    put_alias(&p, "a.test", "b.test");
    put_record(&p, "a.test", DNS_A, one, 4);
    expect(&p, DNS_A, DNS_CNAME_ERROR, 0);
}

static void
services(void **state)
{
    struct packet p;
    struct dns_answer answer;

    (void)state;
    begin(&p, OK, "a.test", DNS_SRV, 3, 2);
    put_service(&p, "a.test", 10, 80, "One.test");
    put_service(&p, "a.test", 20, 81, "two.test");
    put_service(&p, "a.test", 0, 0, ""); /* there is no such service */
    put_record(&p, "one.test", DNS_A, one, 4);
    put_record(&p, "three.test", DNS_A, two, 4);
    assert_int_equal(read_it(&p, "a.test", DNS_SRV, &answer), DNS_VALID);
    assert_int_equal(answer.count, 2);
    assert_string_equal(answer.records[0].target, "one.test");
    assert_int_equal(answer.records[0].port, 80);
    assert_int_equal(answer.records[1].weight, 20);
    assert_int_equal(answer.records[0].addr.family, ADDR_IPV4);
    assert_int_equal(answer.records[1].addr.family, ADDR_NONE);
    dns_answer_fini(&answer);
}

static void
errors(void **state)
{
    struct packet p;

    (void)state;
    begin(&p, OK | 3, "a.test", DNS_A, 0, 0);
    expect(&p, DNS_A, DNS_NX, 0);
    begin(&p, OK | 5, "a.test", DNS_A, 0, 0);
    expect(&p, DNS_A, DNS_REFUSED, 0);
    begin(&p, OK | 2, "a.test", DNS_A, 0, 0);
    expect(&p, DNS_A, DNS_OTHER, 0);
    begin(&p, OK | 0x200, "a.test", DNS_A, 0, 0);
    expect(&p, DNS_A, DNS_TRUNCATED, 0);
}

/* What does not answer the question is not believed. */
static void
lies(void **state)
{
    struct packet p;

    (void)state;
    begin(&p, OK, "b.test", DNS_A, 1, 0);
    put_record(&p, "a.test", DNS_A, one, 4);
    expect(&p, DNS_A, DNS_INVALID, 0);
    begin(&p, OK, "a.test", DNS_AAAA, 1, 0);
    put_record(&p, "a.test", DNS_A, one, 4);
    expect(&p, DNS_A, DNS_INVALID, 0);
    begin(&p, 0x0100, "a.test", DNS_A, 1, 0); /* a question */
    put_record(&p, "a.test", DNS_A, one, 4);
    expect(&p, DNS_A, DNS_INVALID, 0);
    begin(&p, OK, "a.test", DNS_A, 1, 0);
    put_record(&p, "a.test", DNS_A, one, 4);
    p.bytes[0] ^= 1;
    expect(&p, DNS_A, DNS_FOREIGN, 0);
    p.bytes[0] ^= 1;
    for (size_t len = p.len; len-- > 0;) { /* cut anywhere */
        p.len = len;
        expect(&p, DNS_A, DNS_INVALID, 0);
    }
}

static void
names(void **state)
{
    char to[256];

    (void)state;
    assert_true(dns_name_normalise(STR("WWW.Example.com."), to, sizeof(to)));
    assert_string_equal(to, "www.example.com");
    assert_true(dns_name_normalise(STR("_http._tcp.a"), to, sizeof(to)));
    assert_false(dns_name_normalise(STR(""), to, sizeof(to)));
    assert_false(dns_name_normalise(STR("."), to, sizeof(to)));
    assert_false(dns_name_normalise(STR("a..b"), to, sizeof(to)));
    assert_false(dns_name_normalise(STR(".a"), to, sizeof(to)));
    assert_false(dns_name_normalise(STR("a b"), to, sizeof(to)));
    assert_false(dns_name_normalise(STR("a\n"), to, sizeof(to)));
    assert_false(dns_name_normalise(
        STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b"), to, sizeof(to)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses), cmocka_unit_test(aliases), cmocka_unit_test(services),
        cmocka_unit_test(errors),    cmocka_unit_test(lies),    cmocka_unit_test(names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
