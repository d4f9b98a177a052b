/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the master's runtime socket listens: -S <address>[,<word>,<value>]...
 *
 * For:     master.c.
 * Owns:    the listening socket, and its file.
 * Thread:  the master's only one.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/base/number.h"
#include "weir/os/process.h"
#include "weir/os/socket.h"
#include "master_cli.h"

#define BACKLOG 16

/* What may follow the address, each word and its value behind commas. */
struct socket_words {
    bool has_mode;
    mode_t mode;
    uid_t uid;
    gid_t gid;
};

static bool
take_word(struct socket_words *words, const char *name, const char *value, struct error *err)
{
    uint64_t number;

    if (value == NULL)
        return error_set(err, "'%s' expects a value", name);
    if (strcmp(name, "mode") == 0) {
        char *end;

        words->mode = (mode_t)strtoul(value, &end, 8);
        words->has_mode = true;
        return *end == '\0' || error_set(err, "'mode' expects an octal number, not '%s'", value);
    }
    if (strcmp(name, "user") == 0)
        return process_find_user(value, &words->uid, err);
    if (strcmp(name, "group") == 0)
        return process_find_group(value, &words->gid, err);
    if (strcmp(name, "level") == 0)
        return strcmp(value, "admin") == 0 || strcmp(value, "operator") == 0 ||
               error_set(err, "level '%s' is not implemented yet here", value);
    if (strcmp(name, "uid") != 0 && strcmp(name, "gid") != 0)
        return error_set(err, "'%s' is not known here; mode, user, uid, group, gid, level are",
                         name);
    if (!number_read_digits(str_from(value), &number))
        return error_set(err, "'%s' expects a number, not '%s'", name, value);
    if (name[0] == 'u')
        words->uid = (uid_t)number;
    else
        words->gid = (gid_t)number;
    return true;
}

static bool
read_words(char *list, struct socket_words *words, struct error *err)
{
    char *rest = NULL;

    for (char *name = strtok_r(list, ",", &rest); name != NULL; name = strtok_r(NULL, ",", &rest)) {
        if (!take_word(words, name, strtok_r(NULL, ",", &rest), err))
            return false;
    }
    return true;
}

/* The file that an earlier master left. */
static void
remove_file(const struct addr *addr)
{
    struct stat info;

    if (addr->family == ADDR_UNIX && stat(addr->path, &info) == 0 && S_ISSOCK(info.st_mode))
        unlink(addr->path);
}

static bool
set_owner(const struct addr *addr, const struct socket_words *words, struct error *err)
{
    if (addr->family != ADDR_UNIX)
        return true;
    if (words->has_mode && chmod(addr->path, words->mode) == -1)
        return error_set_errno(err, "chmod(%s)", addr->path);
    if ((words->uid != (uid_t)-1 || words->gid != (gid_t)-1) &&
        chown(addr->path, words->uid, words->gid) == -1)
        return error_set_errno(err, "chown(%s)", addr->path);
    return true;
}

static bool
listen_on(struct master_cli *cli, const struct addr *addr, const struct socket_words *words,
          struct error *err)
{
    mode_t mask;
    bool is_bound;

    cli->listener = socket_open(addr_domain(addr), SOCK_STREAM, err);
    if (cli->listener == -1)
        return false;
    remove_file(addr);
    if (addr_is_ip(addr))
        socket_set_int(cli->listener, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR", NULL);
    mask = umask(words->has_mode ? 0777 & ~words->mode : 077);
    is_bound = socket_bind(cli->listener, addr, err);
    umask(mask);
    if (!is_bound || !set_owner(addr, words, err))
        return false;
    if (listen(cli->listener, BACKLOG) == -1)
        return error_set_errno(err, "listen(%s)", cli->text);
    return socket_set_nonblocking(cli->listener) || error_set_errno(err, "fcntl()");
}

bool
master_cli_open(struct master_cli *cli, const char *text, struct error *err)
{
    struct socket_words words = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
    struct addr_spec spec;
    char *comma;

    for (unsigned i = 0; i < MASTER_CLIENTS; i++)
        cli->clients[i].fd = cli->clients[i].worker_fd = -1;
    cli->text = strdup(text); /* for the life of the process: the address borrows its path */
    comma = strchr(cli->text, ',');
    if (comma != NULL)
        *comma = '\0';
    if (comma != NULL && !read_words(comma + 1, &words, err))
        return false;
    if (!addr_parse(cli->text, ADDR_REQUIRE_PORT, &spec, err))
        return false;
    cli->addr = spec.addr;
    return listen_on(cli, &cli->addr, &words, err);
}

void
master_cli_close(struct master_cli *cli, bool is_last)
{
    if (cli->listener == -1)
        return;
    close(cli->listener);
    cli->listener = -1;
    if (is_last)
        remove_file(&cli->addr);
}
