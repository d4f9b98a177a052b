/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of log lines: the bytes that HAProxy writes, at a fixed time. */
#include "telemetry/log_header.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

/* 2026-11-23 06:38:06.440455 UTC */
#define WHEN_US 1795415886440455

static const struct log_header plain = {
    .facility = 16,
    .level = LOG_LEVEL_ALERT,
    .wall_us = WHEN_US,
    .tag = "haproxy",
    .pid = 10448,
};

static void
check(struct log_header header, enum log_header_kind kind, const char *expected)
{
    struct text out = TEXT_INIT;

    header.kind = kind;
    log_header_format(&out, &header);
    assert_string_equal(text_cstr(&out), expected);
    text_fini(&out);
}

static void
test_without_host(void **state)
{
    (void)state;
    check(plain, HEADER_DEFAULT, "<129>Nov 23 06:38:06 haproxy[10448]: ");
    check(plain, HEADER_LOCAL, "<129>Nov 23 06:38:06 haproxy[10448]: ");
    check(plain, HEADER_RFC3164, "<129>Nov 23 06:38:06 localhost haproxy[10448]: ");
    check(plain, HEADER_RFC5424, "<129>1 2026-11-23T06:38:06.440455+00:00 - haproxy 10448 - - ");
    check(plain, HEADER_PRIORITY, "<129>");
    check(plain, HEADER_SHORT, "<1>");
    check(plain, HEADER_TIMED, "<1>2026-11-23T06:38:06.440455+00:00 ");
    check(plain, HEADER_ISO, "2026-11-23T06:38:06.440455+00:00 ");
    check(plain, HEADER_RAW, "");
}

static void
test_with_host(void **state)
{
    struct log_header header = plain;

    (void)state;
    header.host = "myhost";
    header.tag = "my tag";
    check(header, HEADER_DEFAULT, "<129>Nov 23 06:38:06 myhost my tag[10448]: ");
    check(header, HEADER_RFC3164, "<129>Nov 23 06:38:06 myhost my tag[10448]: ");
    check(header, HEADER_LOCAL, "<129>Nov 23 06:38:06 my tag[10448]: ");
    check(header, HEADER_RFC5424,
          "<129>1 2026-11-23T06:38:06.440455+00:00 myhost my tag 10448 - - ");
}

static void
test_structured_data(void **state)
{
    struct log_header header = plain;

    (void)state;
    header.sd = STR("[ex@1 iut=\"3\"]");
    check(header, HEADER_RFC5424,
          "<129>1 2026-11-23T06:38:06.440455+00:00 - haproxy 10448 - [ex@1 iut=\"3\"] ");
    check(header, HEADER_RFC3164, "<129>Nov 23 06:38:06 localhost haproxy[10448]: ");
}

static void
test_priorities(void **state)
{
    struct log_header header = plain;

    (void)state;
    header.facility = 0;
    header.level = LOG_LEVEL_EMERG;
    check(header, HEADER_PRIORITY, "<0>");
    header.facility = 23;
    header.level = LOG_LEVEL_DEBUG;
    check(header, HEADER_PRIORITY, "<191>");
    check(header, HEADER_SHORT, "<7>");
}

static int
use_utc(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    tzset();
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_host),
        cmocka_unit_test(test_with_host),
        cmocka_unit_test(test_structured_data),
        cmocka_unit_test(test_priorities),
    };

    return cmocka_run_group_tests(tests, use_utc, NULL);
}
