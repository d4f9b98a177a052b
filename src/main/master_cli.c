/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime socket of the master (-S): which processes there are, and "reload" with an answer.
 *
 * For:     service managers and tools. What the worker knows is asked there: master_relay.c.
 * Owns:    the connections to it; the listening socket is in master_socket.c.
 * Callers: master.c, in its poll loop.
 * Thread:  the master's only one.
 *
 * Answers are short: what does not fit into the socket's buffer at once ends the connection.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/base/version.h"
#include "master_cli.h"

#define SAYS(text_) (text_), sizeof(text_) - 1

/* --- answers ------------------------------------------------------------------------------- */

static void
end_client(struct master_client *client)
{
    close(client->fd);
    master_relay_end(client);
    client->fd = -1;
}

static void
say(struct master_client *client, const char *bytes, size_t len)
{
    if (client->fd != -1 && send(client->fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
        end_client(client);
}

static void
add_uptime(struct text *out, time_t since)
{
    long s = (long)(time(NULL) - since);
    char text[32];

    snprintf(text, sizeof(text), "%ldd%02ldh%02ldm%02lds", s / 86400, s / 3600 % 24, s / 60 % 60,
             s % 60);
    text_printf(out, "%-15s %-15s\n", text, WEIR_COMPAT_VERSION "-weir" WEIR_VERSION);
}

static void
show_proc(struct text *out, const struct master_facts *facts)
{
    char reloads[48];

    snprintf(reloads, sizeof(reloads), "%u [failed: %u]", facts->reloads, facts->failed);
    text_printf(out, "%-15s %-15s %-15s %-15s %-15s\n", "#<PID>", "<type>", "<reloads>", "<uptime>",
                "<version>");
    text_printf(out, "%-15d %-15s %-15s ", (int)getpid(), "master", reloads);
    add_uptime(out, facts->since);
    text_puts(out, "# workers\n");
    text_printf(out, "%-15d %-15s %-15u ", (int)facts->worker, "worker", 0u);
    add_uptime(out, facts->since);
}

static void
show_help(struct text *out)
{
    static const char *const lines[][2] = {
        { "@1 [command]", "the worker runs the command, or all that follow" },
        { "@!<pid> [command]", "the same, by the number of the process" },
        { "@master [command]", "the master itself runs it" },
        { "reload", "apply the configuration again" },
        { "show proc", "processes and how long they have been running" },
        { "show startup-logs", "what the worker said when it started" },
        { "show version", "version of this process" },
        { "help", "this list" },
        { "prompt", "toggle the prompt: more than one line" },
        { "quit", "disconnect" },
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        text_printf(out, "  %-40s: %s\n", lines[i][0], lines[i][1]);
}

static bool
is_later(const char *line)
{
    static const char *const names[] = {
        "hard-reload",     "show env", "show cli", "expert-mode",
        "mcli-debug-mode", "experimental-mode", "user", "operator"
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strncmp(line, names[i], strlen(names[i])) == 0)
            return true;
    }
    return false;
}

static void
run_command(struct master_cli *cli, struct master_client *client, const char *line)
{
    struct text out = TEXT_INIT;

    if (strcmp(line, "show proc") == 0) {
        show_proc(&out, cli->facts);
    } else if (strcmp(line, "show version") == 0) {
        text_puts(&out, WEIR_COMPAT_VERSION "-weir" WEIR_VERSION "\n");
    } else if (strcmp(line, "help") == 0) {
        text_puts(&out, "The following commands are valid at this level:\n");
        show_help(&out);
    } else if (is_later(line)) {
        text_printf(&out, "'%s' is not implemented yet in the master; '@1 %s' asks the worker.\n",
                    line, line);
    } else {
        text_puts(&out, "Unknown command. The master knows:\n");
        show_help(&out);
    }
    text_puts(&out, "\n");
    say(client, out.ptr, out.len);
    text_fini(&out);
}

static void
relay(struct master_cli *cli, struct master_client *client, const char *command)
{
    if (!master_relay_begin(cli, client, command))
        say(client, SAYS("The worker does not answer.\n\n"));
}

/* "@1", "@!<pid>": the worker; "@", "@master": the master itself. False: told that it is neither. */
static bool
find_target(struct master_cli *cli, struct master_client *client, const char *word, bool *is_worker)
{
    char own[24], by_number[24], text[96];

    snprintf(own, sizeof(own), "@!%d", (int)cli->facts->worker);
    snprintf(by_number, sizeof(by_number), "@!%d", (int)getpid());
    *is_worker = strcmp(word, "@1") == 0 || strcmp(word, own) == 0;
    if (*is_worker || strcmp(word, "@") == 0 || strcmp(word, "@master") == 0 ||
        strcmp(word, by_number) == 0)
        return true;
    snprintf(text, sizeof(text), "Can't find the target PID matching the prefix '%.40s'\n", word);
    say(client, text, strlen(text));
    client->rest = NULL;
    return false;
}

static void run(struct master_cli *cli, struct master_client *client, char *line);

/* "@1 command", or "@1" alone: all that follow go there. */
static void
run_at(struct master_cli *cli, struct master_client *client, char *line)
{
    char *command = line + strcspn(line, " \t");
    bool is_worker, was_at_worker = client->is_at_worker;

    if (*command != '\0')
        *command++ = '\0';
    command += strspn(command, " \t");
    if (!find_target(cli, client, line, &is_worker))
        return;
    client->is_at_worker = is_worker;
    if (*command == '\0')
        return;
    run(cli, client, command);
    client->is_at_worker = was_at_worker;
}

/* Those that change the connection itself, then the rest. */
static void
run(struct master_cli *cli, struct master_client *client, char *line)
{
    size_t len;

    line += strspn(line, " \t");
    for (len = strlen(line); len > 0 && strchr(" \t\r", line[len - 1]) != NULL; len--)
        line[len - 1] = '\0';
    if (len == 0)
        return;
    if (line[0] == '@') {
        run_at(cli, client, line);
    } else if (strcmp(line, "quit") == 0) {
        end_client(client);
    } else if (strcmp(line, "prompt") == 0) {
        client->has_prompt = !client->has_prompt;
    } else if (client->is_at_worker || strcmp(line, "show startup-logs") == 0) {
        relay(cli, client, line);
    } else if (strcmp(line, "reload") == 0) {
        client->awaits_reload = true;
        cli->reload(cli->data);
    } else {
        run_command(cli, client, line);
    }
}

static void
say_prompt(struct master_cli *cli, struct master_client *client)
{
    char text[24] = "master> ";

    if (!client->has_prompt)
        return;
    if (client->is_at_worker)
        snprintf(text, sizeof(text), "%d> ", (int)cli->facts->worker);
    say(client, text, strlen(text));
}

/* The commands of the line at hand, until one has to be waited for. */
static void
run_rest(struct master_cli *cli, struct master_client *client)
{
    while (client->fd != -1 && client->worker_fd == -1 && client->rest != NULL) {
        char *command = client->rest, *end = strchr(command, ';');

        client->rest = end == NULL ? NULL : end + 1;
        if (end != NULL)
            *end = '\0';
        run(cli, client, command);
    }
    if (client->fd == -1 || client->worker_fd != -1)
        return;
    client->in_line = false;
    say_prompt(cli, client);
}

/* --- clients -------------------------------------------------------------------------------- */

static bool
take_line(struct master_client *client)
{
    char *end = memchr(client->bytes, '\n', client->len);
    size_t len;

    if (end == NULL)
        return false;
    len = (size_t)(end - client->bytes);
    memcpy(client->line, client->bytes, len);
    client->line[len] = '\0';
    client->len -= len + 1;
    memmove(client->bytes, end + 1, client->len);
    client->rest = client->line;
    client->in_line = true;
    return true;
}

/* What can be done with what has come. */
static void
go_on(struct master_cli *cli, struct master_client *client)
{
    bool has_run = false;

    for (;;) {
        while (client->fd != -1 && client->worker_fd != -1 && master_relay_payload(client))
            continue;
        if (client->fd != -1 && client->worker_fd != -1 && master_relay_go_on(client))
            return;
        if (client->fd != -1 && client->in_line) {
            run_rest(cli, client);
            has_run = !client->in_line;
            continue;
        }
        if (client->fd == -1 || client->worker_fd != -1 || !take_line(client))
            break;
    }
    if (client->fd != -1 && has_run && !client->has_prompt && !client->awaits_reload)
        end_client(client);
}

static void
receive(struct master_cli *cli, struct master_client *client)
{
    ssize_t got;

    if (client->len == sizeof(client->bytes)) /* the worker has to take some of it first */
        return;
    got = recv(client->fd, client->bytes + client->len, sizeof(client->bytes) - client->len,
               MSG_DONTWAIT);

    if (got == -1 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got > 0)
        client->len += (size_t)got;
    if (got > 0)
        go_on(cli, client);
    if (client->fd == -1)
        return;
    if (got == 0 && (client->awaits_reload || client->in_line))
        client->is_deaf = true;
    else if (got <= 0 || (client->len == sizeof(client->bytes) && client->worker_fd == -1))
        end_client(client);
}

static void
accept_one(struct master_cli *cli)
{
    int fd = accept4(cli->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    for (unsigned i = 0; fd != -1 && i < MASTER_CLIENTS; i++) {
        if (cli->clients[i].fd == -1) {
            memset(&cli->clients[i], 0, sizeof(cli->clients[i]));
            cli->clients[i].fd = fd;
            cli->clients[i].worker_fd = -1;
            return;
        }
    }
    if (fd != -1)
        close(fd);
}

void
master_cli_reloaded(struct master_cli *cli, bool is_applied)
{
    for (unsigned i = 0; i < MASTER_CLIENTS; i++) {
        struct master_client *client = &cli->clients[i];

        if (client->fd == -1 || !client->awaits_reload)
            continue;
        if (is_applied)
            say(client, SAYS("Success=1\n--\n"));
        else
            say(client,
                SAYS("Success=0\n--\nThe configuration was refused; see 'show startup-logs' "
                     "at the worker's own 'stats socket'.\n"));
        if (client->fd != -1)
            end_client(client);
    }
}

/* A client is heard while there is room for its words, and told as fast as it takes answers. */
static void
watch_client(const struct master_client *client, struct pollfd *fds)
{
    bool is_told = client->answer_sent < client->answer_len;
    short events = 0;

    fds[0] = fds[1] = (struct pollfd){ .fd = -1 };
    if (client->fd == -1)
        return;
    if (!client->is_deaf && client->len < sizeof(client->bytes))
        events |= POLLIN;
    if (is_told)
        events |= POLLOUT;
    fds[0] = (struct pollfd){ .fd = events == 0 ? -1 : client->fd, .events = events };
    if (client->worker_fd != -1 && !is_told)
        fds[1] = (struct pollfd){ .fd = client->worker_fd, .events = POLLIN };
}

void
master_cli_watch(const struct master_cli *cli, struct pollfd *fds)
{
    fds[0] = (struct pollfd){ .fd = cli->listener, .events = POLLIN };
    for (unsigned i = 0; i < MASTER_CLIENTS; i++)
        watch_client(&cli->clients[i], &fds[1 + 2 * i]);
}

void
master_cli_serve(struct master_cli *cli, const struct pollfd *fds)
{
    for (unsigned i = 0; i < MASTER_CLIENTS; i++) {
        const struct pollfd *at = &fds[1 + 2 * i];
        struct master_client *client = &cli->clients[i];

        if (at[0].fd != -1 && (at[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
            receive(cli, client);
        if (client->fd != -1 && (at[0].revents | at[1].revents) != 0)
            go_on(cli, client);
        if (client->fd != -1 && client->is_deaf && !client->in_line && !client->awaits_reload)
            end_client(client);
    }
    if (fds[0].fd != -1 && fds[0].revents != 0)
        accept_one(cli);
}
