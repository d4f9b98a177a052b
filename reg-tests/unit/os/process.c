/* SPDX-License-Identifier: Apache-2.0 */
/* The process as the system sees it. What cannot be undone happens in children. */
#include "weir/os/process.h"

#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "weir/base/alloc.h"
#include "weir/os/file.h"

#define NOBODY 65534

/* Runs `check` in a child; true when it returned true there. */
static bool
holds_in_child(bool (*check)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(check() ? 0 : 1);
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void
test_users_and_groups(void **state)
{
    struct error err = ERROR_INIT;
    uid_t uid = 1;
    gid_t gid = 1;

    (void)state;
    assert_true(process_find_user("root", &uid, NULL));
    assert_int_equal(uid, 0);
    assert_true(process_find_user("1234", &uid, NULL));
    assert_int_equal(uid, 1234);
    assert_false(process_find_user("no-such-user", &uid, &err));
    assert_string_equal(err.text, "there is no user 'no-such-user' on this system");
    assert_true(process_find_group("root", &gid, NULL));
    assert_int_equal(gid, 0);
    assert_false(process_find_group("no-such-group", &gid, &err));
    assert_string_equal(err.text, "there is no group 'no-such-group' on this system");
    assert_false(process_find_user("99999999999", &uid, NULL));
}

static void
test_capability_names(void **state)
{
    (void)state;
    assert_int_equal(process_find_capability(STR("cap_net_raw")), CAP_NET_RAW);
    assert_int_equal(process_find_capability(STR("CAP_NET_ADMIN")), CAP_NET_ADMIN);
    assert_int_equal(process_find_capability(STR("cap_nothing")), -1);
}

static bool
becomes_nobody(void)
{
    const struct process_rights rights = { .uid = NOBODY, .gid = NOBODY };

    if (!process_drop_rights(&rights, NULL))
        return false;
    return getuid() == NOBODY && geteuid() == NOBODY && getgid() == NOBODY &&
           getgroups(0, NULL) == 0 && setuid(0) == -1;
}

/* The effective capabilities, as the kernel tells them. */
static uint64_t
effective_capabilities(void)
{
    char *status = file_read("/proc/self/status", NULL, NULL);
    const char *line = status == NULL ? NULL : strstr(status, "CapEff:");
    uint64_t bits = line == NULL ? 0 : strtoull(line + 7, NULL, 16);

    alloc_free(status);
    return bits;
}

static bool
keeps_one_capability(void)
{
    const struct process_rights rights = {
        .uid = NOBODY,
        .gid = NOBODY,
        .capabilities = 1ull << CAP_NET_BIND_SERVICE,
    };

    return process_drop_rights(&rights, NULL) && getuid() == NOBODY &&
           effective_capabilities() == 1ull << CAP_NET_BIND_SERVICE;
}

static bool
cannot_become_root(void)
{
    const struct process_rights nobody = { .uid = NOBODY }, another = { .uid = 1 };
    struct error err = ERROR_INIT;

    return process_drop_rights(&nobody, NULL) && !process_drop_rights(&another, &err) &&
           strstr(err.text, "cannot change to user 1") != NULL;
}

static void
test_dropping_rights(void **state)
{
    (void)state;
    if (getuid() != 0)
        skip();
    assert_true(holds_in_child(becomes_nobody));
    assert_true(holds_in_child(keeps_one_capability));
    assert_true(holds_in_child(cannot_become_root));
}

static bool
sees_another_root(void)
{
    return process_chroot("/tmp", NULL) && access("/proc", F_OK) == -1;
}

static void
test_chroot(void **state)
{
    struct error err = ERROR_INIT;

    (void)state;
    assert_false(process_chroot("/no/such/folder", &err));
    assert_non_null(strstr(err.text, "cannot chroot to '/no/such/folder'"));
    if (getuid() == 0)
        assert_true(holds_in_child(sees_another_root));
}

static bool
sets_flags(void)
{
    return process_set_no_new_rights(NULL) && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
           process_set_dumpable(NULL) && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1;
}

static bool
loses_its_terminal(void)
{
    struct stat out, null;

    process_close_terminal();
    return fstat(STDOUT_FILENO, &out) == 0 && stat("/dev/null", &null) == 0 &&
           out.st_rdev == null.st_rdev;
}

static void
test_flags_and_terminal(void **state)
{
    (void)state;
    assert_true(holds_in_child(sets_flags));
    assert_true(holds_in_child(loses_its_terminal));
}

static void
test_going_to_the_background(void **state)
{
    pid_t pid, ours, session;
    int ends[2], status;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid = fork();
    if (pid == 0) {
        bool is_done = process_daemonise(NULL);

        ours = getpid();
        session = getsid(0);
        _exit(!is_done || write(ends[1], &ours, sizeof(ours)) == -1 ||
              write(ends[1], &session, sizeof(session)) == -1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(read(ends[0], &ours, sizeof(ours)), sizeof(ours));
    assert_int_equal(read(ends[0], &session, sizeof(session)), sizeof(session));
    assert_int_not_equal(ours, pid);
    assert_int_equal(ours, session);
    close(ends[0]);
    close(ends[1]);
}

static void
test_pid_files(void **state)
{
    char path[] = "/tmp/weir-pid-XXXXXX";
    int fd = mkstemp(path);
    char *content;

    (void)state;
    close(fd);
    assert_true(process_write_pid(path, 4711, NULL));
    content = file_read(path, NULL, NULL);
    assert_string_equal(content, "4711\n");
    alloc_free(content);
    unlink(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users_and_groups),   cmocka_unit_test(test_capability_names),
        cmocka_unit_test(test_dropping_rights),    cmocka_unit_test(test_chroot),
        cmocka_unit_test(test_flags_and_terminal), cmocka_unit_test(test_going_to_the_background),
        cmocka_unit_test(test_pid_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
