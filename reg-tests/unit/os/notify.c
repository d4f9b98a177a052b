/* SPDX-License-Identifier: Apache-2.0 */
/* Messages to the service manager. */
#include "weir/os/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* A manager that listens at `name`; a leading '@' stands for a zero byte. */
static int
manager_open(const char *name)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    memcpy(un.sun_path, name, strlen(name));
    if (name[0] == '@')
        un.sun_path[0] = '\0';
    assert_int_equal(bind(fd, (struct sockaddr *)&un,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
                     0);
    return fd;
}

static void
expect_message(const char *name)
{
    char got[32] = "";
    int fd = manager_open(name);

    setenv("NOTIFY_SOCKET", name, 1);
    notify_send("READY=1");
    assert_int_equal(recv(fd, got, sizeof(got), 0), 7);
    assert_string_equal(got, "READY=1");
    close(fd);
}

static void
test_the_message_arrives(void **state)
{
    char name[64];

    (void)state;
    snprintf(name, sizeof(name), "@weir-notify-%d", getpid());
    expect_message(name);
    snprintf(name, sizeof(name), "/tmp/weir-notify-%d", getpid());
    expect_message(name);
    unlink(name);
}

static void
test_nobody_listens(void **state)
{
    char name[300];

    (void)state;
    unsetenv("NOTIFY_SOCKET");
    notify_send("READY=1");
    setenv("NOTIFY_SOCKET", "", 1);
    notify_send("READY=1");
    setenv("NOTIFY_SOCKET", "relative", 1);
    notify_send("READY=1");
    setenv("NOTIFY_SOCKET", "/tmp/weir-no-such-socket", 1);
    notify_send("READY=1");
    memset(name, 'x', sizeof(name));
    name[0] = '/';
    name[sizeof(name) - 1] = '\0';
    setenv("NOTIFY_SOCKET", name, 1);
    notify_send("READY=1");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_message_arrives),
        cmocka_unit_test(test_nobody_listens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
