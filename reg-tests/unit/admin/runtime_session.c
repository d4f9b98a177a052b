/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of runtime answers: modes, several commands, payloads, pieces, levels. */
#include "weir/admin/runtime_session.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "weir/base/alloc.h"
#include "weir/cli/command.h"
#include "weir/loop/loop.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/thread.h"

#define PIECES      50
#define PIECE_BYTES 100000

/* --- commands of this test ---------------------------------------------------------- */

static enum command_result
run_say(struct command_call *call)
{
    return command_say(call, 6, "%s", command_next(call));
}

static enum command_result
run_payload(struct command_call *call)
{
    if (call->payload.ptr == NULL)
        return command_say(call, 3, "no payload");
    text_printf(call->out, "(%.*s)\n", STR_ARG(call->payload));
    return COMMAND_DONE;
}

static unsigned ended;

static void
end_count(struct command_call *call)
{
    alloc_free(call->state);
    call->state = NULL;
    ended++;
}

static unsigned
count_up(struct command_call *call)
{
    unsigned *count = call->state;

    if (count == NULL) {
        call->state = count = alloc_zero(sizeof(*count));
        call->end = end_count;
    }
    return ++*count;
}

static enum command_result
run_big(struct command_call *call)
{
    char *to = text_reserve(call->out, PIECE_BYTES);
    unsigned count = count_up(call);

    memset(to, 'a' + (int)(count % 26), PIECE_BYTES);
    text_keep(call->out, PIECE_BYTES);
    return count == PIECES ? COMMAND_DONE : COMMAND_MORE;
}

static enum command_result
run_wait(struct command_call *call)
{
    if (count_up(call) < 3)
        return COMMAND_WAIT;
    return command_say(call, 6, "waited");
}

static const struct command commands[] = {
    { "t say", "<word>", LEVEL_USER, run_say, "say it" },
    { "t payload", NULL, LEVEL_USER, run_payload, "show the payload" },
    { "t big", NULL, LEVEL_USER, run_big, "a long answer" },
    { "t wait", NULL, LEVEL_USER, run_wait, "a late answer" },
    { "t secret", NULL, LEVEL_ADMIN, run_say, "for admins" },
};
REGISTER(command, commands);

/* --- a peer in a thread of its own --------------------------------------------------- */

struct peer {
    int fd;
    const char *says;
    char *heard; /* owns; NUL-terminated */
    size_t heard_len;
    pthread_t thread;
};

static void
stop_loop(void *arg)
{
    (void)arg;
    loop_stop(loop_here());
}

static void *
run_peer(void *arg)
{
    struct peer *peer = arg;
    size_t cap = PIECES * PIECE_BYTES + 65536;
    ssize_t len;

    peer->heard = calloc(1, cap);
    assert_int_equal(write(peer->fd, peer->says, strlen(peer->says)), strlen(peer->says));
    shutdown(peer->fd, SHUT_WR);
    while ((len = read(peer->fd, peer->heard + peer->heard_len, cap - peer->heard_len - 1)) > 0)
        peer->heard_len += (size_t)len;
    mailbox_call(thread_at(0), stop_loop, NULL);
    return NULL;
}

/* Says something to a session; returns what it heard until the session closed. */
static char *
talk(const char *says, enum command_level level)
{
    struct runtime_access access = { .level = level, .timeout_ms = 10000, .payload_max = 1000 };
    struct peer peer = { .says = says };
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    peer.fd = ends[1];
    fcntl(ends[1], F_SETFL, 0);
    runtime_session_start(connection_new(loop_here(), ends[0], CONN_INCOMING), &access);
    pthread_create(&peer.thread, NULL, run_peer, &peer);
    loop_run(loop_here());
    pthread_join(peer.thread, NULL);
    close(ends[1]);
    assert_int_equal(runtime_session_count(), 0);
    return peer.heard;
}

static void
check(const char *says, const char *expected)
{
    char *heard = talk(says, LEVEL_ADMIN);

    assert_string_equal(heard, expected);
    free(heard);
}

/* --- tests ---------------------------------------------------------------------------- */

static void
test_one_line(void **state)
{
    (void)state;
    check("t say hello\n", "hello\n\n");
    check("t say hello\r\n", "hello\n\n");
    check("  t   say \t hello\n", "hello\n\n");
    check("t say a;t say b\n", "a\n\nb\n\n");
    check("t say a;t say b;\n", "a\n\nb\n\n");
    check("t say a\\;b\n", "a;b\n\n");
    check("t say a\nt say b\n", "a\n\nb\n\n");
}

static void
test_no_line_end_no_answer(void **state)
{
    (void)state;
    check("t say hello", "");
    check("", "");
}

static void
test_modes(void **state)
{
    (void)state;
    check("prompt\nt say a\nt say b\n", "\n> a\n\n> b\n\n> ");
    check("prompt;t say a\nquit\n", "\n> a\n\n> ");
    check("prompt\n\n\nt say a\n", "\n> > > a\n\n> ");
    check("prompt\nprompt\nt say a\n", "\n> \na\n\n");
    check("prompt i\nt say a\nt say b;t say c\n", "\na\n\nb\n\nc\n\n");
    check("prompt p\nt say a\nprompt n\n", "\n> a\n\n> \n");
    check("quit;t say a\n", "");
    check("t say a;quit;t say b\n", "a\n\n");
}

static void
test_uptime_in_prompt(void **state)
{
    char *heard = talk("prompt timed\nprompt timed\n", LEVEL_ADMIN);
    unsigned days, hours, minutes, seconds;

    (void)state;
    assert_int_equal(sscanf(heard, "\n[%u:%2u:%2u:%2u]> ", &days, &hours, &minutes, &seconds), 4);
    assert_string_equal(strchr(heard, '>'), "> \n> ");
    free(heard);
}

static void
test_payloads(void **state)
{
    (void)state;
    check("t payload\n", "no payload\n\n");
    check("t payload <<\na b\nc\n\n", "(a b\nc\n)\n\n");
    check("t payload <<\r\na b\r\n\r\n", "(a b\n)\n\n");
    check("t payload <<\n\n", "()\n\n");
    check("t payload <<END\na\n\nb\nEND\nt say next\n", "(a\n\nb\n)\n\nnext\n\n");
    check("t say a;t payload <<\nb\n\n", "a\n\n(b\n)\n\n");
    check("t payload;t payload <<\nb\n\n", "no payload\n\n(b\n)\n\n");
    check("prompt\nt payload <<\na\n\n", "\n> + + (a\n)\n\n> ");
    check("t payload <<\nnever ends\n", "");
}

static void
test_too_long(void **state)
{
    char line[20001];
    char *heard;

    (void)state;
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    heard = talk(line, LEVEL_ADMIN);
    assert_string_equal(heard, "The command or its payload is too long.\n\n");
    free(heard);
    memcpy(line, "t payload <<\n", 13);
    line[1500] = '\n';
    heard = talk(line, LEVEL_ADMIN);
    assert_string_equal(heard, "The command or its payload is too long.\n\n");
    free(heard);
}

static void
test_pieces(void **state)
{
    char *heard;

    (void)state;
    ended = 0;
    heard = talk("t big;t say end\n", LEVEL_ADMIN);
    assert_int_equal(strlen(heard), PIECES * PIECE_BYTES + 1 + strlen("end\n\n"));
    assert_int_equal(heard[PIECE_BYTES - 1], 'b');
    assert_int_equal(heard[PIECE_BYTES], 'c');
    assert_string_equal(heard + PIECES * PIECE_BYTES, "\nend\n\n");
    assert_int_equal(ended, 1);
    free(heard);
}

static void
test_waiting(void **state)
{
    (void)state;
    ended = 0;
    check("t wait;t say end\n", "waited\n\nend\n\n");
    assert_int_equal(ended, 1);
}

static void
test_levels(void **state)
{
    char *heard = talk("t secret x;user;operator;t say a\n", LEVEL_OPERATOR);

    (void)state;
    assert_string_equal(heard, "Permission denied\n\n\nPermission denied\n\na\n\n");
    free(heard);
    check("operator;t secret;show cli level\n", "\nPermission denied\n\noperator\n\n");
}

static void
test_unknown(void **state)
{
    char *heard = talk("nonsense 1\n", LEVEL_ADMIN);

    (void)state;
    assert_ptr_equal(strstr(heard, "Unknown command: 'nonsense'"), heard);
    assert_string_equal(heard + strlen(heard) - 2, "\n\n");
    free(heard);
    heard = talk("t nonsense\n", LEVEL_ADMIN);
    assert_ptr_equal(strstr(heard,
                            "Unknown command: 't', but maybe one of the following ones is a better "
                            "match:\n  t big"),
                     heard);
    free(heard);
}

static void
test_severity(void **state)
{
    char *heard = talk("set severity-output number;t secret;show cli level\n", LEVEL_USER);

    (void)state;
    /* One blank may stand behind the prefix. */
    assert_ptr_equal(strstr(heard, "\n[3]:"), heard);
    assert_non_null(strstr(heard, "Permission denied\n\n[6]:"));
    free(heard);
}

static int
set_up(void **state)
{
    (void)state;
    thread_table_init(0);
    command_table_init();
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_line), cmocka_unit_test(test_no_line_end_no_answer),
        cmocka_unit_test(test_modes),    cmocka_unit_test(test_uptime_in_prompt),
        cmocka_unit_test(test_payloads), cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_pieces),   cmocka_unit_test(test_waiting),
        cmocka_unit_test(test_levels),   cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_severity),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
