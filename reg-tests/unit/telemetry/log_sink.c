/* SPDX-License-Identifier: Apache-2.0 */
/* Sinks: datagrams, pipes, slow readers, readers that come back. */
#include "telemetry/log_sink.c"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static void
write_line(struct log_sink *sink, const char *line)
{
    text_puts(log_sink_begin(sink), line);
    log_sink_end(sink);
}

static int
open_udp(struct addr *addr)
{
    struct sockaddr_storage bound;
    socklen_t len = sizeof(bound);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    assert_true(addr_parse_host(STR("127.0.0.1"), addr));
    addr->port = 0;
    len = addr_to_sockaddr(addr, &bound);
    assert_int_equal(bind(fd, (struct sockaddr *)&bound, len), 0);
    len = sizeof(bound);
    getsockname(fd, (struct sockaddr *)&bound, &len);
    addr_from_sockaddr(addr, &bound);
    return fd;
}

static void
expect_datagram(int fd, const char *expected)
{
    char text[4096];
    ssize_t len = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

    assert_true(len >= 0);
    text[len] = '\0';
    assert_string_equal(text, expected);
}

static void
test_udp(void **state)
{
    struct addr addr;
    int fd = open_udp(&addr);
    struct log_sink *sink = log_sink_adopt(&addr, NULL);

    (void)state;
    assert_non_null(sink);
    write_line(sink, "one\n");
    write_line(sink, "two\n");
    assert_false(log_sink_flush_all());
    expect_datagram(fd, "one\n");
    expect_datagram(fd, "two\n");
    log_sink_drop(sink);
    close(fd);
}

static void
test_one_sink_for_an_address(void **state)
{
    struct addr addr;
    int fd = open_udp(&addr);
    struct log_sink *sink = log_sink_adopt(&addr, NULL);

    (void)state;
    assert_ptr_equal(log_sink_adopt(&addr, NULL), sink);
    log_sink_drop(sink);
    write_line(sink, "still here\n");
    log_sink_drop(sink); /* sends what is left */
    expect_datagram(fd, "still here\n");
    close(fd);
}

/* More lines than one system call takes. */
static void
test_many(void **state)
{
    struct addr addr;
    int fd = open_udp(&addr);
    struct log_sink *sink = log_sink_adopt(&addr, NULL);
    char line[32];

    (void)state;
    for (int i = 0; i < 200; i++) {
        snprintf(line, sizeof(line), "line %d\n", i);
        write_line(sink, line);
    }
    log_sink_flush_all();
    for (int i = 0; i < 200; i++) {
        snprintf(line, sizeof(line), "line %d\n", i);
        expect_datagram(fd, line);
    }
    log_sink_drop(sink);
    close(fd);
}

/* --- unix sockets ----------------------------------------------------------------- */

static int
open_unix(const char *path)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    unlink(path);
    strcpy(un.sun_path, path);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    return fd;
}

static void
test_unix_reader_restarts(void **state)
{
    char path[] = "/tmp/weir-log-XXXXXX";
    struct addr addr = { .family = ADDR_UNIX, .path = path };
    uint64_t lost = log_sink_dropped();
    struct log_sink *sink;
    int fd;

    (void)state;
    close(mkstemp(path));
    unlink(path);
    sink = log_sink_adopt(&addr, NULL); /* nobody is there yet */
    assert_non_null(sink);
    write_line(sink, "lost\n");
    assert_false(log_sink_flush_all());
    assert_int_equal(log_sink_dropped(), lost + 1);

    usleep(150 * 1000); /* not more often than RECONNECT_MS */
    fd = open_unix(path);
    write_line(sink, "one\n");
    log_sink_flush_all();
    expect_datagram(fd, "one\n");
    close(fd);
    usleep(150 * 1000);
    fd = open_unix(path);
    write_line(sink, "two\n");
    log_sink_flush_all();
    expect_datagram(fd, "two\n");
    assert_int_equal(log_sink_dropped(), lost + 1);
    log_sink_drop(sink);
    close(fd);
    unlink(path);
}

/* --- descriptors ------------------------------------------------------------------ */

static void
test_pipe_with_a_slow_reader(void **state)
{
    uint64_t lost = log_sink_dropped();
    char line[1024], *all = alloc_zero(4 * 1024 * 1024);
    size_t got = 0, lines = 0, written = 0;
    struct log_sink *sink;
    ssize_t len;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    sink = log_sink_adopt(&(struct addr){ .family = ADDR_FD, .fd = ends[1] }, NULL);
    while (log_sink_dropped() == lost) {
        snprintf(line, sizeof(line), "%06zu %0500d\n", written, 7);
        write_line(sink, line);
        written++;
    }
    assert_true(log_sink_flush_all()); /* the pipe is full, and so is the backlog */
    while ((len = read(ends[0], all + got, 65536)) > 0 || log_sink_flush_all())
        got += len > 0 ? (size_t)len : 0;
    while ((len = read(ends[0], all + got, 65536)) > 0)
        got += (size_t)len;

    for (char *at = all; at < all + got; at = strchr(at, '\n') + 1)
        assert_int_equal(strtoul(at, NULL, 10), lines++);
    assert_int_equal(lines,
                     written - 1); /* whole lines, in order, but for the one that was dropped */
    assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0); /* others write there, too */
    log_sink_drop(sink);
    close(ends[0]);
    close(ends[1]);
    alloc_free(all);
}

static void
test_file(void **state)
{
    char path[] = "/tmp/weir-log-XXXXXX", text[64] = "";
    int fd = mkstemp(path);
    struct log_sink *sink = log_sink_adopt(&(struct addr){ .family = ADDR_FD, .fd = fd }, NULL);

    (void)state;
    write_line(sink, "one\n");
    write_line(sink, "two\n");
    assert_false(log_sink_flush_all());
    assert_int_equal(pread(fd, text, sizeof(text) - 1, 0), 8);
    assert_string_equal(text, "one\ntwo\n");
    log_sink_drop(sink);
    close(fd);
    unlink(path);
}

static void
test_closed_descriptor(void **state)
{
    uint64_t lost = log_sink_dropped();
    struct log_sink *sink = log_sink_adopt(&(struct addr){ .family = ADDR_FD, .fd = 999 }, NULL);

    (void)state;
    write_line(sink, "one\n");
    assert_false(log_sink_flush_all());
    assert_int_equal(log_sink_dropped(), lost + 1);
    log_sink_drop(sink);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_udp),
        cmocka_unit_test(test_one_sink_for_an_address),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_unix_reader_restarts),
        cmocka_unit_test(test_pipe_with_a_slow_reader),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_closed_descriptor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
