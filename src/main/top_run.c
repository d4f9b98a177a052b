/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir top: a live view of a running process in the terminal.
 *
 * For:     the person at the terminal; without a terminal, or with -n, it prints and ends.
 * Owns:    the terminal's settings while it runs.
 * Callers: ctl_run.c.
 * Thread:  boot.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/base/number.h"
#include "weir/main/ctl_run.h"
#include "top.h"

#define SCREEN_ON  "\033[?1049h\033[?25l"
#define SCREEN_OFF "\033[?25h\033[?1049l"

struct top {
    struct ctl_client client;
    struct top_view view;
    int64_t every_ms;
    int64_t rounds; /* -1: until q */
    const char *asked;  /* the state that waits for "y"; NULL: none */
    struct text server; /* owns; whose: rows may change places meanwhile */
    bool reads_filter;
    bool must_quit;
};

static struct termios saved;
static volatile sig_atomic_t was_ended;

static void
on_signal(int number)
{
    (void)number;
    was_ended = 1;
}

/* --- figures --------------------------------------------------------------------------------- */

static bool
refresh(struct top *top, struct error *err)
{
    struct top_view *view = &top->view;
    struct text stat = TEXT_INIT, info = TEXT_INIT;
    struct ctl_table table = { 0 };
    int worst;
    bool result = ctl_client_ask(&top->client, STR("show info"), &info, &worst, err) &&
                  ctl_client_ask(&top->client, STR("show stat"), &stat, &worst, err);

    if (result && !ctl_table_read(&table, text_str(&stat)))
        result = error_set(err, "'show stat' was not answered with a table");
    text_fini(&stat);
    if (!result) {
        text_fini(&info);
        return false;
    }
    text_fini(&view->info);
    ctl_table_fini(&view->table);
    view->info = info;
    view->table = table;
    top_choose_rows(view);
    return true;
}

/* --- the terminal ----------------------------------------------------------------------------- */

static void
measure(struct top_view *view)
{
    struct winsize size;

    view->width = 200;
    view->height = 100000;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
        view->width = size.ws_col;
        view->height = size.ws_row;
    }
}

static void
write_out(struct str bytes)
{
    fwrite(bytes.ptr, 1, bytes.len, stdout);
    fflush(stdout);
}

static void
show(struct top *top)
{
    struct text lines = TEXT_INIT, screen = TEXT_INIT;
    struct str rest;

    measure(&top->view);
    top_draw(&top->view, &lines);
    text_puts(&screen, "\033[H");
    rest = text_str(&lines);
    while (rest.ptr != NULL) {
        struct str line = str_split(&rest, '\n');

        if (rest.ptr == NULL) /* behind the last line */
            break;
        text_add(&screen, line);
        text_puts(&screen, rest.len > 0 ? "\033[K\r\n" : "\033[K");
    }
    text_puts(&screen, "\033[J");
    write_out(text_str(&screen));
    text_fini(&screen);
    text_fini(&lines);
}

static void
begin_screen(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    struct termios raw;

    tcgetattr(STDIN_FILENO, &saved);
    raw = saved;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    write_out(STR(SCREEN_ON));
}

static void
end_screen(void)
{
    write_out(STR(SCREEN_OFF));
    tcsetattr(STDIN_FILENO, TCSANOW, &saved);
}

/* --- keys ------------------------------------------------------------------------------------- */

static void
say(struct top *top, const char *what, const char *about)
{
    snprintf(top->view.message, sizeof(top->view.message), "%s%s", what, about);
}

static void
ask_for_state(struct top *top, const char *state)
{
    top->asked = NULL;
    text_clear(&top->server);
    if (!top_selected_server(&top->view, &top->server)) {
        say(top, "no server is chosen", "");
        return;
    }
    top->asked = state;
    snprintf(top->view.message, sizeof(top->view.message), "set %s to %s? (y/n)",
             text_cstr(&top->server), state);
}

static void
set_state(struct top *top)
{
    struct text line = TEXT_INIT, answer = TEXT_INIT;
    struct error err = ERROR_INIT;
    int worst;

    text_printf(&line, "set server %s state %s", text_cstr(&top->server), top->asked);
    if (!ctl_client_ask(&top->client, text_str(&line), &answer, &worst, &err))
        say(top, "failed: ", err.text);
    else if (worst < 7)
        say(top, "", text_cstr(&answer));
    else
        say(top, "done: ", text_cstr(&line));
    top->view.message[strcspn(top->view.message, "\n")] = '\0';
    text_fini(&answer);
    text_fini(&line);
}

static void
on_filter_key(struct top *top, char key)
{
    char *filter = top->view.filter;
    size_t len = strlen(filter);

    if (key == '\n' || key == '\r' || key == 27) {
        top->reads_filter = false;
        say(top, "", "");
    } else if (key == 127 || key == 8) {
        filter[len > 0 ? len - 1 : 0] = '\0';
    } else if (key >= ' ' && len + 1 < sizeof(top->view.filter)) {
        filter[len] = key;
        filter[len + 1] = '\0';
    }
    top_choose_rows(&top->view);
}

static void
move(struct top_view *view, bool is_down)
{
    if (is_down && view->selected + 1 < view->count)
        view->selected++;
    if (!is_down && view->selected > 0)
        view->selected--;
}

static void
on_command_key(struct top *top, char key)
{
    switch (key) {
    case 'q':
        top->must_quit = true;
        break;
    case 'j':
    case 'k':
        move(&top->view, key == 'j');
        break;
    case 's':
        top->view.order = (top->view.order + 1) % TOP_ORDERS;
        top_choose_rows(&top->view);
        break;
    case 'd':
        ask_for_state(top, "drain");
        break;
    case 'r':
        ask_for_state(top, "ready");
        break;
    case 'm':
        ask_for_state(top, "maint");
        break;
    case '/':
        top->view.filter[0] = '\0';
        top->reads_filter = true;
        say(top, "filter: type, then Enter", "");
        break;
    default:
        break;
    }
}

static void
on_key(struct top *top, char key)
{
    if (top->reads_filter) {
        on_filter_key(top, key);
    } else if (top->asked != NULL) {
        say(top, "", "");
        if (key == 'y')
            set_state(top);
        top->asked = NULL;
    } else {
        on_command_key(top, key);
    }
}

static void
read_keys(struct top *top)
{
    char keys[64];
    ssize_t got = read(STDIN_FILENO, keys, sizeof(keys));

    if (got <= 0)
        top->must_quit = true;
    for (ssize_t i = 0; i < got; i++) {
        bool is_arrow = keys[i] == 27 && i + 2 < got && (keys[i + 1] == '[' || keys[i + 1] == 'O');

        if (is_arrow) {
            if (keys[i + 2] == 'A' || keys[i + 2] == 'B')
                move(&top->view, keys[i + 2] == 'B');
            i += 2;
        } else {
            on_key(top, keys[i]);
        }
    }
}

/* --- run -------------------------------------------------------------------------------------- */

/* Shows and reads keys until it is time for new figures. */
static void
attend(struct top *top)
{
    struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

    do
        show(top);
    while (!top->must_quit && !was_ended && poll(&in, 1, (int)top->every_ms) > 0 &&
           (read_keys(top), true));
}

static bool
run_on_screen(struct top *top, struct error *err)
{
    bool result;

    top->view.look = CTL_COLOURED;
    begin_screen();
    while ((result = refresh(top, err)) && !top->must_quit && !was_ended)
        attend(top);
    end_screen();
    return result;
}

static bool
run_on_paper(struct top *top, struct error *err)
{
    struct text out = TEXT_INIT;

    for (int64_t i = 0; i < (top->rounds < 0 ? 1 : top->rounds); i++) {
        if (i > 0)
            poll(NULL, 0, (int)top->every_ms);
        if (!refresh(top, err))
            return false;
        measure(&top->view);
        top->view.height = 100000;
        text_clear(&out);
        top_draw(&top->view, &out);
        write_out(text_str(&out));
    }
    text_fini(&out);
    return true;
}

static bool
read_options(struct top *top, int argc, char **argv, const char **socket, const char **file,
             struct error *err)
{
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i], *value = i + 1 < argc ? argv[++i] : NULL;

        if (value == NULL)
            return error_set(err, "'%s': weir top [-f <file> | -s <socket>] [-d <time>] "
                                  "[-n <rounds>]", word);
        if (strcmp(word, "-f") == 0)
            *file = value;
        else if (strcmp(word, "-s") == 0)
            *socket = value;
        else if (strcmp(word, "-d") == 0) {
            if (!number_parse_time(str_from(value), "s", &top->every_ms, err))
                return false;
        } else if (strcmp(word, "-n") == 0) {
            if (!number_parse_int(str_from(value), 1, INT32_MAX, &top->rounds, err))
                return false;
        } else
            return error_set(err, "unknown option '%s'", word);
    }
    if (top->every_ms < 100 || top->every_ms > INT32_MAX)
        return error_set(err, "-d: from 100ms to 24d");
    return true;
}

int
top_run(int argc, char **argv)
{
    struct top top = { .every_ms = 2000, .rounds = -1 };
    const char *socket = NULL, *file = NULL;
    struct error err = ERROR_INIT;
    bool result = read_options(&top, argc, argv, &socket, &file, &err) &&
                  ctl_client_init(&top.client, socket, file, &err);

    if (result && top.rounds < 0 && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
        result = run_on_screen(&top, &err);
    else if (result)
        result = run_on_paper(&top, &err);
    if (!result)
        fprintf(stderr, "weir top: %s\n", err.text);
    text_fini(&top.server);
    text_fini(&top.view.info);
    ctl_table_fini(&top.view.table);
    alloc_free(top.view.rows);
    return result ? 0 : 1;
}
