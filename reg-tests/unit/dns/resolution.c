/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known about a name as time goes by: hold times, obsolete records, who is told what. Answers are handed over as
 * query.c does it; the clock is moved by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "dns/private.h"
#include "weir/base/alloc.h"
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"

static struct hashmap by_key;
static struct resolver resolver = {
    .name = (char *)"r",
    .by_key = &by_key,
    .settings = { .resolve_ms = 1000, .retry_ms = 1000, .hold_valid_ms = 10000,
                  .hold_obsolete_ms = 5000, .hold_nx_ms = 1000, .hold_refused_ms = 2000,
                  .hold_timeout_ms = 3000, .hold_other_ms = 4000, .retries = 1,
                  .payload_size = 512 },
};
static struct nameserver nameserver = { .name = (char *)"n", .resolver = &resolver };
static struct dns_follower follower;
static unsigned told;
static enum dns_outcome told_outcome;

static void
on_result(struct dns_follower *who, enum dns_outcome outcome)
{
    assert_ptr_equal(who, &follower);
    told++;
    told_outcome = outcome;
}

static void
pass_ms(int64_t ms)
{
    loop_here()->now_ms += ms;
}

/* An answer comes; `last` is the last byte of an address, 0: none. */
static void
answer(enum dns_outcome outcome, unsigned char last)
{
    struct dns_query query = { .nameserver = &nameserver, .owner = follower.resolution };
    struct dns_record record = { .addr = { .family = ADDR_IPV4 } };
    struct dns_answer got = { .records = &record, .count = last != 0 };

    record.addr.ip4.s_addr = htonl(0x7f000000 + last);
    list_init(&query.link);
    list_init(&query.owner_link);
    resolution_on_answer(follower.resolution, &query, outcome, &got);
}

static int
begin(void **state)
{
    (void)state;
    list_init(&resolver.nameservers);
    list_init(&resolver.resolutions);
    list_init(&nameserver.link);
    list_init(&nameserver.queries);
    follower = (struct dns_follower){ .on_result = on_result };
    list_init(&follower.link);
    told = 0;
    resolution_follow(&resolver, "a.test", DNS_WANT_SERVICE, &follower); /* one question at a time */
    return 0;
}

static int
end(void **state)
{
    (void)state;
    resolution_leave(&follower);
    resolutions_free(&resolver);
    hashmap_fini(&by_key);
    return 0;
}

static unsigned
known(void)
{
    unsigned count;

    resolution_records(follower.resolution, &count);
    return count;
}

static void
holds(void **state)
{
    struct resolution *it = follower.resolution;

    (void)state;
    assert_false(resolution_holds(it, DNS_NX, -1)); /* nothing valid has ever come */
    assert_true(resolution_holds(it, DNS_NX, loop_here()->now_ms - 999)); /* sure by other means */
    assert_false(resolution_holds(it, DNS_NX, loop_here()->now_ms - 1000));
    assert_false(resolution_is_fresh(it));
    answer(DNS_VALID, 1);
    assert_int_equal(told, 1);
    assert_int_equal(told_outcome, DNS_VALID);
    pass_ms(999);
    assert_true(resolution_holds(it, DNS_NX, -1));
    pass_ms(1);
    assert_false(resolution_holds(it, DNS_NX, -1));
    assert_true(resolution_holds(it, DNS_REFUSED, -1));
    pass_ms(1000);
    assert_false(resolution_holds(it, DNS_REFUSED, -1));
    assert_true(resolution_holds(it, DNS_TIMEOUT, -1));
    pass_ms(1000);
    assert_false(resolution_holds(it, DNS_TIMEOUT, -1));
    assert_true(resolution_holds(it, DNS_OTHER, -1));
    assert_true(resolution_holds(it, DNS_EMPTY, -1));
    assert_true(resolution_holds(it, DNS_CNAME_ERROR, -1));
    pass_ms(1000);
    assert_false(resolution_holds(it, DNS_OTHER, -1));
    assert_true(resolution_is_fresh(it));
    pass_ms(6000);
    assert_false(resolution_is_fresh(it));
    answer(DNS_VALID, 1);
    assert_true(resolution_holds(it, DNS_NX, -1));
}

static void
errors_keep_records(void **state)
{
    (void)state;
    answer(DNS_VALID, 1);
    pass_ms(60000);
    answer(DNS_NX, 0);
    assert_int_equal(told, 2);
    assert_int_equal(told_outcome, DNS_NX);
    assert_int_equal(known(), 1);
}

static void
obsolete(void **state)
{
    (void)state;
    answer(DNS_VALID, 1);
    pass_ms(3000);
    answer(DNS_VALID, 2);
    assert_int_equal(known(), 2);
    pass_ms(2001);
    answer(DNS_VALID, 2);
    assert_int_equal(known(), 1);
    answer(DNS_VALID, 1);
    assert_int_equal(known(), 2);
}

static void
joining(void **state)
{
    struct dns_follower late = { .on_result = on_result };

    (void)state;
    list_init(&late.link);
    assert_int_equal(resolution_join(&resolver, "a.test", DNS_WANT_SERVICE, &late), DNS_JOIN_WAIT);
    assert_ptr_equal(late.resolution, follower.resolution);
    resolution_leave(&late);
    answer(DNS_VALID, 1);
    assert_int_equal(resolution_join(&resolver, "a.test", DNS_WANT_SERVICE, &late), DNS_JOIN_FRESH);
    resolution_leave(&late);
    assert_int_equal(resolution_join(&resolver, "a.test", DNS_WANT_IPV4_FIRST, &late),
                     DNS_JOIN_WAIT);
    assert_ptr_not_equal(late.resolution, follower.resolution);
    resolution_leave(&late);
    resolution_leave(&late);
}

/* A client that asks for ever new names does not use up the machine, and servers are followed all the same. */
static void
flood(void **state)
{
    static struct dns_follower many[512];
    struct dns_follower more = { .on_result = on_result };
    char name[32];

    (void)state;
    list_init(&more.link);
    for (unsigned i = 0; i < 512; i++) {
        many[i].on_result = on_result;
        snprintf(name, sizeof(name), "n%u.test", i);
        assert_int_equal(resolution_join(&resolver, name, DNS_WANT_IPV4_FIRST, &many[i]),
                         DNS_JOIN_WAIT);
    }
    assert_int_equal(resolution_join(&resolver, "more.test", DNS_WANT_IPV4_FIRST, &more),
                     DNS_JOIN_REFUSED);
    assert_null(more.resolution);
    resolution_follow(&resolver, "more.test", DNS_WANT_IPV4_FIRST, &more);
    assert_non_null(more.resolution);
    resolution_leave(&more);
    answer(DNS_VALID, 1);
    assert_int_equal(resolution_join(&resolver, "a.test", DNS_WANT_SERVICE, &more), DNS_JOIN_FRESH);
    resolution_leave(&more);
    for (unsigned i = 0; i < 512; i++)
        resolution_leave(&many[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(holds, begin, end),
        cmocka_unit_test_setup_teardown(errors_keep_records, begin, end),
        cmocka_unit_test_setup_teardown(obsolete, begin, end),
        cmocka_unit_test_setup_teardown(joining, begin, end),
        cmocka_unit_test_setup_teardown(flood, begin, end),
    };
    int failed;

    thread_table_init(0);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    thread_table_fini();
    return failed;
}
