/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of bind lines and of dialling, well written and not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/dial_conf.c"
#include "weir/base/alloc.h"
#include "weir/config/snapshot.h"
#include "weir/net/bind.h"

static struct snapshot snapshot;
static struct dial_conf dial;

/* --- a line as the reader of files would give it ------------------------------------------------
 */

static struct word items[32];
static struct words words;
static struct parse parse;
static struct text complaints;

static void
read_line(const char *keyword, const char *line)
{
    struct str rest = str_from(arena_copy(&snapshot.arena, line));

    words = (struct words){ .pos = { "test.cfg", 1 }, .line_text = line, .items = items };
    while (rest.ptr != NULL && rest.len > 0) {
        struct str word = str_split(&rest, ' ');

        items[words.count++] = (struct word){ .text = arena_copy_str(&snapshot.arena, word),
                                              .column = words.count + 1 };
    }
    if (parse.diag != NULL) /* of a line that did not end */
        diag_free(parse.diag);
    parse = (struct parse){ .snapshot = &snapshot,
                            .arena = &snapshot.arena,
                            .diag = diag_new(),
                            .words = &words,
                            .keyword = keyword,
                            .place = IN_ACME };
}

/* NULL: no complaint. */
static const char *
end_line(bool fine)
{
    text_clear(&complaints);
    diag_print(parse.diag, &complaints, DIAG_WARNING);
    assert_int_equal(fine, diag_count(parse.diag, DIAG_ALERT) == 0);
    diag_free(parse.diag);
    parse.diag = NULL;
    return fine ? NULL : text_cstr(&complaints);
}

static struct list binds;

static const char *
bind_line(const char *line)
{
    list_init(&binds);
    read_line("bind", line);
    return end_line(bind_parse(&parse, &binds, &snapshot));
}

static struct bind_conf *
one_bind(const char *line)
{
    const char *complaint = bind_line(line);

    if (complaint != NULL)
        fail_msg("%s", complaint);
    assert_ptr_equal(binds.next, binds.prev);
    return LIST_FIRST(&binds, struct bind_conf, link);
}

static void
complains(const char *complaint, const char *about)
{
    assert_non_null(complaint);
    if (strstr(complaint, about) == NULL)
        fail_msg("'%s' is not in: %s", about, complaint);
}

static unsigned
count_binds(void)
{
    unsigned count = 0;

    LIST_FOR_EACH (bind, &binds, struct bind_conf, link)
        count++;
    return count;
}

/* --- bind
 * ------------------------------------------------------------------------------------------ */

static void
options_are_read(void **state)
{
    struct bind_conf *bind = one_bind(
        "127.0.0.1:80 accept-proxy backlog 10 cc reno defer-accept id 7 interface lo maxconn 5 mss "
        "1400 "
        "name web nice -3 proto h1 shards 2 tcp-ut 5s tfo transparent v4v6 label l1 tcp-ss 1");

    (void)state;
    assert_true(bind->accept_proxy && bind->defer_accept && bind->tfo && bind->transparent &&
                bind->v4v6);
    assert_int_equal(bind->backlog, 10);
    assert_string_equal(bind->cc, "reno");
    assert_int_equal(bind->id, 7);
    assert_string_equal(bind->interface, "lo");
    assert_int_equal(bind->maxconn, 5);
    assert_int_equal(bind->mss, 1400);
    assert_string_equal(bind->name, "web");
    assert_string_equal(bind->proto, "h1");
    assert_int_equal(bind->shards, 2);
    assert_int_equal(bind->tcp_ut_ms, 5000);
    assert_int_equal(bind->addr.port, 80);
    assert_string_equal(bind->addr_text, "127.0.0.1:80");
    assert_ptr_equal(bind->owner_conf, &snapshot);
    assert_ptr_equal(bind->snapshot, &snapshot);
    assert_int_equal(bind->pos.line, 1);
}

static void
unix_options(void **state)
{
    struct bind_conf *bind =
        one_bind("/run/x.sock mode 660 user root group 0 level admin expose-fd listeners "
                 "severity-output number");

    (void)state;
    assert_int_equal(bind->addr.family, ADDR_UNIX);
    assert_string_equal(bind->addr.path, "/run/x.sock");
    assert_int_equal(bind->mode, 0660);
    assert_int_equal(bind->uid, 0);
    assert_int_equal(bind->gid, 0);
    assert_int_equal(bind->level, 2);
    assert_int_equal(bind->severity_output, 1);
    assert_true(bind->expose_fd);
    bind = one_bind("/run/x.sock");
    assert_int_equal(bind->mode, -1);
    assert_int_equal(bind->uid, -1);
    assert_int_equal(bind->level, 1);
}

static void
lists_and_ranges_are_spread_out(void **state)
{
    struct bind_conf *bind;

    (void)state;
    assert_null(bind_line("127.0.0.1:80,[::1]:90-92,/run/y.sock name n maxconn 3"));
    assert_int_equal(count_binds(), 5);
    bind = LIST_FIRST(&binds, struct bind_conf, link);
    assert_int_equal(bind->addr.family, ADDR_IPV4);
    bind = LIST_FIRST(&bind->link, struct bind_conf, link);
    assert_int_equal(bind->addr.port, 90);
    bind = LIST_ITEM(binds.prev->prev, struct bind_conf, link);
    assert_int_equal(bind->addr.port, 92);
    assert_string_equal(bind->addr_text, "[::1]:90-92");
    bind = LIST_ITEM(binds.prev, struct bind_conf, link);
    assert_int_equal(bind->addr.family, ADDR_UNIX);
    assert_int_equal(bind->maxconn, 3);
    assert_string_equal(bind->name, "n");
}

static void
threads_are_sets(void **state)
{
    static const struct {
        const char *word;
        uint64_t set;
    } cases[] = {
        { "1", 1 },
        { "1-4", 0xf },
        { "2,4-5", 0x1a },
        { "1/1-2", 0x3 },
        { "-3", 0x7 },
        { "63-", 0xc000000000000000ull },
        { "all", ~0ull },
        { "odd", 0x5555555555555555ull },
        { "even", 0xaaaaaaaaaaaaaaaaull },
        { "1/all", ~0ull },
    };
    static const char *const bad[] = { "0", "65", "-", "x", "4-2", "2/1", "1,,2", "1/" };
    char line[64];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        snprintf(line, sizeof(line), ":80 thread %s", cases[i].word);
        assert_int_equal(one_bind(line)->threads, cases[i].set);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        snprintf(line, sizeof(line), ":80 thread %s", bad[i]);
        complains(bind_line(line), "'thread'");
    }
}

static void
mistakes_are_explained(void **state)
{
    (void)state;
    complains(bind_line(""), "'bind' expects an address");
    complains(bind_line("127.0.0.1"), "port");
    complains(bind_line(":80 acept-proxy"), "did you mean 'accept-proxy'");
    complains(bind_line(":80 backlog"), "'backlog' expects");
    complains(bind_line(":80 maxconn many"), "'maxconn' expects");
    complains(bind_line(":80 mode 888"), "octal");
    complains(bind_line(":80 level root"), "'level' expects");
    complains(bind_line(":80 shards 0"), "'shards' expects");
    complains(bind_line(":80 user nobody-at-all"), "'user'");
    complains(bind_line(":80 namespace no/where"), "'namespace'");
    complains(bind_line(":80 accept-netscaler-cip x"), "magic");
    complains(bind_line(":80,:x"), "'bind'");
}

/* --- dial
 * ------------------------------------------------------------------------------------------- */

static struct dial_conf *
find_test_dial(struct parse *line)
{
    (void)line;
    return &dial;
}

static const struct dial_place test_places[] = { { IN_ACME, find_test_dial } };
REGISTER(dial_place, test_places);

static const char *
source_line(const char *line, unsigned place)
{
    dial_conf_init(&dial);
    read_line("source", line);
    parse.place |= place;
    return end_line(parse_source(&parse));
}

static void
sources(void **state)
{
    char text[ADDR_TEXT_MAX];

    (void)state;
    assert_null(source_line("192.0.2.1", 0));
    addr_format_host(&dial.source, text, sizeof(text));
    assert_string_equal(text, "192.0.2.1");
    assert_int_equal(dial.usesrc, USESRC_NONE);
    assert_int_equal(dial.namespace_fd, -1);

    assert_null(source_line("0.0.0.0 usesrc clientip interface eth0", 0));
    assert_int_equal(dial.usesrc, USESRC_CLIENTIP);
    assert_string_equal(dial.interface, "eth0");
    assert_null(source_line("0.0.0.0 usesrc client", 0));
    assert_int_equal(dial.usesrc, USESRC_CLIENT);
    assert_null(source_line("0.0.0.0 usesrc 192.0.2.7:99", 0));
    assert_int_equal(dial.usesrc, USESRC_ADDR);
    assert_int_equal(dial.usesrc_addr.port, 99);
    assert_null(source_line("0.0.0.0 usesrc hdr_ip(X-Forwarded-For)", 0));
    assert_int_equal(dial.usesrc, USESRC_HEADER);
    assert_string_equal(dial.usesrc_header, "X-Forwarded-For");
    assert_int_equal(dial.usesrc_occurrence, -1);
    assert_null(source_line("0.0.0.0 usesrc hdr_ip(x,2)", 0));
    assert_int_equal(dial.usesrc_occurrence, 2);

    complains(source_line("", 0), "source address");
    complains(source_line("192.0.2.1 usesrc", 0), "source address");
    complains(source_line("192.0.2.1 usesrc hdr_ip()", 0), "name of a header");
    complains(source_line("192.0.2.1 usesrc hdr_ip(x,99)", 0), "occurrence");
    complains(source_line("192.0.2.1 wrong", 0), "takes nothing more");
    complains(source_line("192.0.2.1:10-20", 0), "source");
}

static void
port_ranges_on_server_lines(void **state)
{
    (void)state;
    dial_conf_init(&dial);
    read_line("source", "192.0.2.1:1000-2000 check");
    parse.place |= IN_SERVER;
    FOR_EACH_REGISTERED (dial_place, place, list) {
        if ((place->place & IN_SERVER) != 0)
            skip(); /* room server is here and would take our object for its own */
    }
    assert_null(end_line(parse_source(&parse)));
    assert_int_equal(dial.source_port_low, 1000);
    assert_int_equal(dial.source_port_high, 2000);
    assert_string_equal(words_peek(&words), "check"); /* the server line's own */
}

static void
proxy_words(void **state)
{
    (void)state;
    dial_conf_init(&dial);
    read_line("send-proxy", "");
    assert_null(end_line(parse_send_proxy(&parse)));
    assert_true(dial.send_proxy && !dial.send_proxy_v2);
    read_line("send-proxy-v2", "");
    assert_null(end_line(parse_send_proxy(&parse)));
    read_line("no-send-proxy", "");
    assert_null(end_line(parse_send_proxy(&parse)));
    assert_true(!dial.send_proxy && dial.send_proxy_v2);
    read_line("proxy-v2-options", "crc32c,unique-id");
    assert_null(end_line(parse_proxy_v2_options(&parse)));
    assert_int_equal(dial.proxy_v2_options, PROXY_V2_CRC32C | PROXY_V2_UNIQUE_ID);
    read_line("proxy-v2-options", "crc32");
    complains(end_line(parse_proxy_v2_options(&parse)), "did you mean 'crc32c'");
}

/* --- */

static int
begin(void **state)
{
    (void)state;
    slot_layout_init();
    keyword_table_init();
    arena_init(&snapshot.arena);
    snapshot.globals = slots_new(SLOT_GLOBAL, &snapshot.arena);
    text_init(&complaints);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    arena_fini(&snapshot.arena);
    text_fini(&complaints);
    return 0;
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_read),
        cmocka_unit_test(unix_options),
        cmocka_unit_test(lists_and_ranges_are_spread_out),
        cmocka_unit_test(threads_are_sets),
        cmocka_unit_test(mistakes_are_explained),
        cmocka_unit_test(sources),
        cmocka_unit_test(port_ranges_on_server_lines),
        cmocka_unit_test(proxy_words),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
