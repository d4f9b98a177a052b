/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that are told of changes.
 *
 * For:     event_conf.c ("server-event command").
 * Owns:    a line of runs for each program, for as long as there are any.
 * Thread:  control; nothing waits. A run that takes too long is killed. When too many wait, the oldest one goes.
 */
#include "event_command.h"

#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/list.h"
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "weir/telemetry/log.h"
#include "program.h"

#define WAITING_MAX 100
#define RUN_MS      30000

struct run {
    struct list link;
    char **variables; /* owns */
};

struct run_line {
    struct list link;
    char *path; /* owns */
    struct list runs;
    unsigned count;
    struct program *program; /* NULL: none runs */
    struct timer timer;
};

static struct list lines;

static void begin(struct run_line *line);

static void
run_free(struct run_line *line, struct run *run)
{
    list_remove(&run->link);
    line->count--;
    for (char **at = run->variables; *at != NULL; at++)
        alloc_free(*at);
    alloc_free(run->variables);
    alloc_free(run);
}

static struct run *
first_run(struct run_line *line)
{
    return LIST_ITEM(line->runs.next, struct run, link);
}

static void
go_on(struct run_line *line)
{
    timer_stop(&line->timer);
    run_free(line, first_run(line));
    if (line->count > 0) {
        begin(line);
        return;
    }
    list_remove(&line->link);
    alloc_free(line->path);
    alloc_free(line);
}

static void
on_end(void *data, int code)
{
    struct run_line *line = data;

    line->program = NULL;
    if (code != 0)
        log_process(LOG_LEVEL_ERR, "server-event command %s: it ended with %d", line->path, code);
    go_on(line);
}

static void
on_time(struct timer *timer)
{
    struct run_line *line = LIST_ITEM(timer, struct run_line, timer);

    if (line->program != NULL)
        program_kill(line->program);
    line->program = NULL;
    log_process(LOG_LEVEL_ERR, "server-event command %s: it took too long and was killed", line->path);
    go_on(line);
}

static void
begin(struct run_line *line)
{
    const char *arguments[] = { line->path, NULL }, *why;

    line->program = program_start(line->path, (char **)(uintptr_t)arguments,
                                  first_run(line)->variables, on_end, line, &why);
    if (line->program != NULL) {
        timer_set(loop_here(), &line->timer, loop_now_ms(loop_here()) + RUN_MS);
        return;
    }
    log_process(LOG_LEVEL_ERR, "server-event command %s: %s", line->path, why);
    go_on(line);
}

static struct run_line *
line_for(const char *path)
{
    struct run_line *line;

    if (lines.next == NULL)
        list_init(&lines);
    LIST_FOR_EACH (known, &lines, struct run_line, link) {
        if (strcmp(known->path, path) == 0)
            return known;
    }
    line = alloc_zero(sizeof(*line));
    line->path = alloc_copy(path);
    list_init(&line->runs);
    timer_init(&line->timer, on_time);
    list_add_last(&lines, &line->link);
    return line;
}

void
event_command_run(const char *path, const char *const *variables)
{
    struct run_line *line = line_for(path);
    struct run *run = alloc_zero(sizeof(*run));
    size_t count = 0;

    while (variables[count] != NULL)
        count++;
    run->variables = alloc_array(count + 1, sizeof(char *));
    for (size_t i = 0; i < count; i++)
        run->variables[i] = alloc_copy(variables[i]);
    list_add_last(&line->runs, &run->link);
    if (++line->count == 1)
        begin(line);
    else if (line->count > WAITING_MAX) /* the first one runs */
        run_free(line, LIST_ITEM(line->runs.next->next, struct run, link));
}
