/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Talks to the runtime socket of a running weir (or haproxy).
 *
 * For:     weir ctl, weir top.
 * Owns:    nothing: each question has a connection of its own.
 * Thread:  boot.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "weir/admin/runtime_conf.h"
#include "weir/config/diag.h"
#include "weir/config/snapshot.h"
#include "weir/net/bind.h"
#include "weir/os/addr.h"
#include "ctl.h"

static const char *const usual_files[] = { "/etc/weir/weir.cfg", "/etc/haproxy/haproxy.cfg" };

static bool
set_address(struct ctl_client *client, const struct addr *addr, struct error *err)
{
    client->to_len = addr_to_sockaddr(addr, &client->to);
    addr_format(addr, client->name, sizeof(client->name));
    return client->to_len > 0 || error_set(err, "one cannot connect to '%s'", client->name);
}

static bool
use_word(struct ctl_client *client, const char *word, struct error *err)
{
    struct addr_spec spec;

    return addr_parse(word, 0, &spec, err) && set_address(client, &spec.addr, err);
}

/* Wildcards are reached through the loopback address. */
static bool
use_bind(struct ctl_client *client, const struct bind_conf *bind, struct error *err)
{
    struct addr addr = bind->addr;
    uint16_t port = addr.port;

    if (addr.family == ADDR_IPV4 && addr.ip4.s_addr == 0)
        addr_parse_host(STR("127.0.0.1"), &addr);
    else if (addr.family == ADDR_IPV6 && memcmp(&addr.ip6, &in6addr_any, sizeof(addr.ip6)) == 0)
        addr_parse_host(STR("::1"), &addr);
    addr.port = port;
    return set_address(client, &addr, err);
}

static bool
use_file(struct ctl_client *client, const char *file, struct error *err)
{
    const char *paths[] = { file };
    struct config_sources sources = { .paths = paths, .count = 1 };
    struct diag *diag = diag_new();
    struct snapshot *snapshot = snapshot_build(&sources, diag);
    const struct bind_conf *bind;
    bool result;

    diag_free(diag);
    if (snapshot == NULL)
        return error_set(err, "'%s' has mistakes (weir -c -f %s tells them); name the socket with -s",
                         file, file);
    bind = runtime_conf_best_bind(snapshot);
    if (bind == NULL)
        result = error_set(err, "'%s' has no 'stats socket'; name the socket with -s", file);
    else
        result = use_bind(client, bind, err);
    snapshot_free(snapshot);
    return result;
}

bool
ctl_client_init(struct ctl_client *client, const char *socket, const char *file, struct error *err)
{
    memset(client, 0, sizeof(*client));
    if (socket != NULL)
        return use_word(client, socket, err);
    if (file != NULL)
        return use_file(client, file, err);
    for (size_t i = 0; i < COUNT(usual_files); i++) {
        if (access(usual_files[i], R_OK) == 0)
            return use_file(client, usual_files[i], err);
    }
    return error_set(err, "which process is meant? Name its configuration with -f or its socket "
                          "with -s");
}

/* --- a question ----------------------------------------------------------------------------- */

static bool
send_all(int fd, struct str bytes, struct error *err)
{
    while (bytes.len > 0) {
        ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

        if (sent == -1 && errno == EINTR)
            continue;
        if (sent == -1)
            return error_set(err, "%s", strerror(errno));
        bytes = str_slice(bytes, (size_t)sent, bytes.len);
    }
    return true;
}

static bool
receive_all(int fd, struct text *to, struct error *err)
{
    for (;;) {
        ssize_t got = recv(fd, text_reserve(to, 65536), 65536, 0);

        if (got == 0)
            return true;
        if (got == -1 && errno != EINTR)
            return error_set(err, "%s", strerror(errno));
        if (got > 0)
            text_keep(to, (size_t)got);
    }
}

/* "[3]: " at the beginning of a line. */
static bool
has_mark(struct str line)
{
    return line.len >= 5 && line.ptr[0] == '[' && line.ptr[1] >= '0' && line.ptr[1] <= '7' &&
           memcmp(line.ptr + 2, "]: ", 3) == 0;
}

static void
add_unmarked(struct str raw, struct text *answer, int *worst)
{
    struct str rest = raw;

    while (rest.ptr != NULL && rest.len > 0) {
        struct str line = str_split(&rest, '\n');

        if (has_mark(line)) {
            *worst = line.ptr[1] - '0' < *worst ? line.ptr[1] - '0' : *worst;
            line = str_slice(line, 5, line.len);
        }
        text_add(answer, line);
        text_add_char(answer, '\n');
    }
}

static bool
talk(int fd, struct str line, struct text *raw, struct error *err)
{
    struct text all = TEXT_INIT;
    bool result;

    text_puts(&all, "set severity-output number;");
    text_add(&all, line);
    text_add_char(&all, '\n');
    result = send_all(fd, text_str(&all), err) && receive_all(fd, raw, err);
    text_fini(&all);
    return result;
}

bool
ctl_client_ask(const struct ctl_client *client, struct str line, struct text *answer, int *worst,
               struct error *err)
{
    int fd = socket(client->to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct text raw = TEXT_INIT;
    struct str said;
    bool result;

    *worst = 7;
    if (fd == -1)
        return error_set(err, "socket: %s", strerror(errno));
    if (connect(fd, (const struct sockaddr *)&client->to, client->to_len) == -1) {
        error_set(err, "%s: %s", client->name, strerror(errno));
        close(fd);
        return false;
    }
    result = talk(fd, line, &raw, err);
    close(fd);
    said = text_str(&raw);
    if (said.len > 0 && said.ptr[0] == '\n') /* of set severity-output */
        said = str_slice(said, 1, said.len);
    add_unmarked(said, answer, worst);
    text_fini(&raw);
    return result;
}
