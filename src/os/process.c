/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Background, pid file, root folder, user and group, capabilities.
 *
 * For:     the global section: daemon, pidfile, chroot, user, group, setcap ...
 * Owns:    nothing.
 * Callers: main, in the order of this file.
 * Thread:  boot, before threads exist: most of this is per thread for the
 *          kernel, and new threads inherit it.
 *
 * Capabilities are set with the bare system calls: libcap would be one more
 * library for two calls.
 */
#include "weir/os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "weir/base/number.h"
#include "weir/os/file.h"

#define PID_FILE_MODE 0644

struct capability {
    const char *name;
    int bit;
};

static const struct capability capabilities[] = {
    { "cap_net_admin", CAP_NET_ADMIN },
    { "cap_net_bind_service", CAP_NET_BIND_SERVICE },
    { "cap_net_raw", CAP_NET_RAW },
    { "cap_sys_admin", CAP_SYS_ADMIN },
};

bool
process_daemonise(struct error *err)
{
    pid_t pid;

    fflush(NULL); /* or both processes print what is buffered */
    pid = fork();
    if (pid == -1)
        return error_set_errno(err, "cannot go to the background: fork()");
    if (pid > 0)
        _exit(0);
    setsid();
    return true;
}

void
process_close_terminal(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (fd == -1)
        return;
    for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++)
        dup2(fd, standard);
    if (fd > STDERR_FILENO)
        close(fd);
}

bool
process_write_pid(const char *path, pid_t pid, struct error *err)
{
    char text[24];
    size_t len = number_format(text, (uint64_t)pid);

    text[len++] = '\n';
    return file_write(path, str_of(text, len), PID_FILE_MODE, err);
}

bool
process_chroot(const char *folder, struct error *err)
{
    if (chroot(folder) == -1 || chdir("/") == -1)
        return error_set_errno(err, "cannot chroot to '%s'", folder);
    return true;
}

/* A name that is all digits is an id. */
static bool
parse_id(const char *name, uint32_t *out)
{
    uint64_t id;

    if (!number_read_digits(str_from(name), &id) || id >= UINT32_MAX)
        return false;
    *out = (uint32_t)id;
    return true;
}

bool
process_find_user(const char *name, uid_t *out, struct error *err)
{
    const struct passwd *user = getpwnam(name);

    if (user != NULL) {
        *out = user->pw_uid;
        return true;
    }
    return parse_id(name, out) || error_set(err, "there is no user '%s' on this system", name);
}

bool
process_find_group(const char *name, gid_t *out, struct error *err)
{
    const struct group *group = getgrnam(name);

    if (group != NULL) {
        *out = group->gr_gid;
        return true;
    }
    return parse_id(name, out) || error_set(err, "there is no group '%s' on this system", name);
}

int
process_find_capability(struct str name)
{
    for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
        if (str_eq_nocase(name, str_from(capabilities[i].name)))
            return capabilities[i].bit;
    }
    return -1;
}

/* Makes `wanted`, as far as it is permitted, the only capabilities of this process. */
static bool
set_capabilities(uint64_t wanted, struct error *err)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct sets[2];

    if (syscall(SYS_capget, &header, sets) == -1)
        return error_set_errno(err, "cannot read the capabilities of this process");
    for (int i = 0; i < 2; i++) {
        uint32_t bits = (uint32_t)(wanted >> (32 * i));

        sets[i].permitted &= bits;
        sets[i].effective = sets[i].permitted;
        sets[i].inheritable = 0;
    }
    if (syscall(SYS_capset, &header, sets) == -1)
        return error_set_errno(err, "cannot keep the wanted capabilities");
    return true;
}

bool
process_keep_kill_only(struct error *err)
{
    return set_capabilities((uint64_t)1 << CAP_KILL, err);
}

static bool
set_group(gid_t gid, struct error *err)
{
    /* Groups of the user who started us must go too; only root has the right to. */
    if (getuid() == 0 && setgroups(0, NULL) == -1)
        return error_set_errno(err, "cannot leave the supplementary groups");
    if (setgid(gid) == -1)
        return error_set_errno(err, "cannot change to group %u", gid);
    return true;
}

bool
process_drop_rights(const struct process_rights *rights, struct error *err)
{
    bool keeps = rights->capabilities != 0 && getuid() == 0;

    if (rights->gid != 0 && !set_group(rights->gid, err))
        return false;
    if (rights->uid == 0)
        return true;
    if (keeps && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == -1)
        return error_set_errno(err, "cannot keep capabilities");
    if (setuid(rights->uid) == -1)
        return error_set_errno(err, "cannot change to user %u", rights->uid);
    return !keeps || set_capabilities(rights->capabilities, err);
}

bool
process_set_no_new_rights(struct error *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        return true;
    return error_set_errno(err, "prctl(PR_SET_NO_NEW_PRIVS)");
}

bool
process_set_dumpable(struct error *err)
{
    if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0)
        return true;
    return error_set_errno(err, "prctl(PR_SET_DUMPABLE)");
}
