/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many threads there are, and on which CPUs they run: nbthread, cpu-map, cpu-set, cpu-policy
 * and their kin of the global section.
 *
 * For:     operators of large machines.
 * Owns:    the sets, in the snapshot.
 * Callers: config (keywords and hooks); each thread binds itself when it starts and after a reload.
 * Thread:  builder; owner for bind_this_thread().
 *
 * Each traffic thread of weir works alone, so there is one thread group and no need to place
 * threads near each other: without cpu-map the system places them, on the CPUs that cpu-set and
 * cpu-policy leave.
 */
#include <sched.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/config/keyword.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/start.h"
#include "weir/loop/thread.h"
#include "weir/os/cpu.h"
#include "weir/os/file.h"
#include "weir/telemetry/notice.h"
#include "private.h"

struct cpu_conf {
    cpu_set_t *maps;  /* of each thread, by its index; empty: none; NULL: no cpu-map */
    bool is_limited;  /* cpu-set or cpu-policy */
    cpu_set_t usable; /* with is_limited */
    int64_t thread_limit;
};

static struct slot cpu_slot = SLOT("cpu", SLOT_GLOBAL, struct cpu_conf);
REGISTER_SLOT(cpu_slot);

static struct cpu_conf *
cpu_conf_of(const struct snapshot *snapshot)
{
    return snapshot_slot(snapshot, &cpu_slot);
}

/* --- cpu-map --------------------------------------------------------------------------- */

/* "all", "1-" and the like have no size of their own. */
static bool
is_open(struct str set)
{
    return str_ends(set, STR("-")) || str_eq(set, STR("all")) || str_eq(set, STR("odd")) ||
           str_eq(set, STR("even"));
}

/* "[auto:]1[/<threads>]" */
struct map_target {
    bool is_auto;
    bool is_open;
    bool is_ours; /* the group exists */
    cpu_set_t threads;
};

static bool
parse_target(struct parse *parse, struct map_target *target)
{
    const char *word = parse_word(parse, "a thread group, such as 1/1-4");
    struct str rest = str_from(word), group;
    struct error err = ERROR_INIT;
    cpu_set_t groups;

    if (word == NULL)
        return false;
    *target = (struct map_target){ .is_auto = str_starts(rest, STR("auto:")) };
    if (target->is_auto)
        rest = str_slice(rest, strlen("auto:"), rest.len);
    group = str_split(&rest, '/');
    if (rest.ptr == NULL)
        rest = STR("all");
    CPU_ZERO(&groups);
    if (!cpu_parse_set(group, &groups, &err) || !cpu_parse_set(rest, &target->threads, &err))
        return parse_alert(parse, "'cpu-map' expects [auto:]<group>[/<threads>]: %s", err.text);
    CPU_CLR(0, &target->threads); /* threads count from 1 */
    target->is_open = is_open(rest);
    target->is_ours = CPU_ISSET(1, &groups);
    return true;
}

static bool
parse_cpus(struct parse *parse, cpu_set_t *cpus, bool *is_open_set)
{
    struct error err = ERROR_INIT;
    const char *word = parse_word(parse, "CPUs, such as 0-3");

    CPU_ZERO(cpus);
    *is_open_set = false;
    for (; word != NULL; word = words_next(parse->words)) {
        if (!cpu_parse_set(str_from(word), cpus, &err))
            return parse_alert(parse, "'cpu-map' expects CPUs: %s", err.text);
        *is_open_set = *is_open_set || is_open(str_from(word));
    }
    return CPU_COUNT(cpus) > 0;
}

static void
map_threads(struct cpu_conf *conf, const struct map_target *target, const cpu_set_t *cpus)
{
    int cpu = -1;

    for (int thread = 1; thread < CPU_SETSIZE; thread++) {
        if (!CPU_ISSET(thread, &target->threads))
            continue;
        if (!target->is_auto) {
            conf->maps[thread] = *cpus;
            continue;
        }
        do
            cpu++;
        while (cpu < CPU_SETSIZE && !CPU_ISSET(cpu, cpus));
        if (cpu == CPU_SETSIZE)
            return;
        CPU_ZERO(&conf->maps[thread]);
        CPU_SET(cpu, &conf->maps[thread]);
    }
}

static bool
parse_cpu_map(struct parse *parse)
{
    struct cpu_conf *conf = cpu_conf_of(parse->snapshot);
    struct map_target target;
    cpu_set_t cpus;
    bool is_open_set;

    if (!parse_target(parse, &target) || !parse_cpus(parse, &cpus, &is_open_set))
        return false;
    if (target.is_auto && !target.is_open && !is_open_set &&
        CPU_COUNT(&target.threads) != CPU_COUNT(&cpus))
        return parse_alert(parse, "'cpu-map auto:' needs as many CPUs (%d) as threads (%d)",
                           CPU_COUNT(&cpus), CPU_COUNT(&target.threads));
    if (!target.is_ours)
        return parse_warn(parse, "this 'cpu-map' is ignored: there is one thread group, number 1");
    if (conf->maps == NULL)
        conf->maps = ARENA_ARRAY(parse->arena, cpu_set_t, CPU_SETSIZE);
    map_threads(conf, &target, &cpus);
    return true;
}

/* --- which CPUs are used --------------------------------------------------------------- */

static void
begin_limiting(struct cpu_conf *conf)
{
    if (!conf->is_limited)
        sched_getaffinity(0, sizeof(conf->usable), &conf->usable);
    conf->is_limited = true;
}

/* False: there is no such node, or the system does not tell. */
static bool
read_node(unsigned node, cpu_set_t *out)
{
    char *path = alloc_printf("/sys/devices/system/node/node%u/cpulist", node);
    char *list = file_read(path, NULL, NULL);
    bool fine = false;

    CPU_ZERO(out);
    if (list != NULL) {
        list[strcspn(list, "\n")] = '\0';
        fine = *list != '\0' && cpu_parse_set(str_from(list), out, NULL);
    }
    alloc_free(list);
    alloc_free(path);
    return fine;
}

static bool
add_nodes(struct parse *parse, const cpu_set_t *nodes, cpu_set_t *cpus)
{
    CPU_ZERO(cpus);
    for (unsigned node = 0; node < CPU_SETSIZE; node++) {
        cpu_set_t of_node;

        if (!CPU_ISSET(node, nodes))
            continue;
        if (read_node(node, &of_node))
            CPU_OR(cpus, cpus, &of_node);
        else if (node == 0)
            return parse_alert(parse, "the system does not tell which CPUs its nodes have");
    }
    return true;
}

static void
limit(struct cpu_conf *conf, const cpu_set_t *cpus, bool must_keep)
{
    begin_limiting(conf);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, cpus) == must_keep)
            CPU_CLR(cpu, &conf->usable);
    }
}

/* "only-cpu", "drop-node" ... and its set. */
static bool
parse_cpu_directive(struct parse *parse, const char *word)
{
    struct cpu_conf *conf = cpu_conf_of(parse->snapshot);
    bool must_keep = strncmp(word, "only-", 5) == 0;
    const char *what = word + 5;
    const char *set_text = parse_word(parse, "a set, such as 0-3,8");
    struct error err = ERROR_INIT;
    cpu_set_t set, cpus;

    if (set_text == NULL)
        return false;
    CPU_ZERO(&set);
    if (!cpu_parse_set(str_from(set_text), &set, &err))
        return parse_alert(parse, "'%s': %s", word, err.text);
    cpus = set;
    if (strcmp(what, "node") == 0 && !add_nodes(parse, &set, &cpus))
        return false;
    if (strcmp(what, "node") != 0 && strcmp(what, "cpu") != 0)
        return parse_not_yet(parse, arena_printf(parse->arena, "cpu-set %s", word));
    limit(conf, &cpus, must_keep);
    return true;
}

static bool
parse_cpu_set(struct parse *parse)
{
    static const char *const names[] = { "reset",       "drop-cpu",     "only-cpu",
                                         "drop-node",   "only-node",    "drop-core",
                                         "only-core",   "drop-cluster", "only-cluster",
                                         "drop-thread", "only-thread",  NULL };
    struct cpu_conf *conf = cpu_conf_of(parse->snapshot);
    int at;

    do {
        if (!parse_choice(parse, "reset, or drop- or only- with cpu or node", names, &at))
            return false;
        if (at == 0)
            conf->is_limited = false;
        else if (!parse_cpu_directive(parse, names[at]))
            return false;
    } while (!words_at_end(parse->words));
    if (conf->is_limited && CPU_COUNT(&conf->usable) == 0)
        return parse_alert(parse, "'cpu-set' leaves no CPU");
    return true;
}

static bool
use_first_node(struct parse *parse)
{
    struct cpu_conf *conf = cpu_conf_of(parse->snapshot);

    begin_limiting(conf);
    for (unsigned node = 0; node < CPU_SETSIZE; node++) {
        cpu_set_t cpus;

        if (!read_node(node, &cpus))
            break;
        CPU_AND(&cpus, &cpus, &conf->usable);
        if (CPU_COUNT(&cpus) == 0)
            continue;
        conf->usable = cpus;
        break;
    }
    return true;
}

static bool
parse_cpu_policy(struct parse *parse)
{
    static const char *const names[] = { "none",
                                         "performance",
                                         "first-usable-node",
                                         "group-by-ccx",
                                         "group-by-2-ccx",
                                         "group-by-3-ccx",
                                         "group-by-4-ccx",
                                         "group-by-cluster",
                                         "group-by-2-clusters",
                                         "group-by-3-clusters",
                                         "group-by-4-clusters",
                                         "efficiency",
                                         "resource",
                                         NULL };
    int policy;

    if (!parse_choice(parse, "a policy", names, &policy))
        return false;
    if (strcmp(names[policy], "first-usable-node") == 0)
        use_first_node(parse);
    if (strcmp(names[policy], "efficiency") == 0 || strcmp(names[policy], "resource") == 0)
        parse_warn(parse, "'cpu-policy %s' has no effect yet: all usable CPUs are used",
                   names[policy]);
    if (words_accept(parse->words, "threads-per-core")) {
        static const char *const counts[] = { "auto", "1", NULL };
        int count;

        if (!parse_choice(parse, "'auto' or '1'", counts, &count))
            return false;
        if (count == 1)
            parse_warn(parse, "'threads-per-core 1' has no effect yet");
    }
    return parse_end(parse);
}

/* --- how many threads ---------------------------------------------------------------------- */

static bool
parse_nbthread(struct parse *parse)
{
    return parse_int(parse, "a number of threads", 1, THREAD_MAX - 1,
                     &global_conf_writable(parse->snapshot)->nbthread) &&
           parse_end(parse);
}

static bool
parse_thread_groups(struct parse *parse)
{
    int64_t count;

    if (!parse_int(parse, "a number of thread groups", 1, 32, &count))
        return false;
    if (count > 1)
        parse_warn(parse, "weir needs no thread groups: each thread works alone; one is assumed");
    return parse_end(parse);
}

/* "thread-group <number> [<threads>...]": which threads make up a group. */
static bool
parse_thread_group(struct parse *parse)
{
    int64_t number;

    if (!parse_int(parse, "the number of a thread group", 1, 32, &number))
        return false;
    words_rest(parse);
    if (number > 1)
        parse_warn(parse, "weir needs no thread groups: each thread works alone; one is assumed");
    return true;
}

/* Once all is read: the default follows the CPUs that are left, within the limit. */
static bool
settle_threads(struct parse *parse)
{
    struct global_conf *global = global_conf_writable(parse->snapshot);
    const struct cpu_conf *conf = cpu_conf_of(parse->snapshot);
    int64_t usable = conf->is_limited ? CPU_COUNT(&conf->usable) : cpu_count_usable();

    if (global->nbthread == 0 && conf->is_limited)
        global->nbthread = usable;
    if (conf->thread_limit == 0)
        return true;
    if (global->nbthread > conf->thread_limit && !conf->is_limited)
        parse_warn_at(parse, (struct source_pos){ NULL, 0 },
                      "'nbthread' is above 'thread-hard-limit': %lld threads are used",
                      (long long)conf->thread_limit);
    if (global->nbthread > conf->thread_limit ||
        (global->nbthread == 0 && usable > conf->thread_limit))
        global->nbthread = conf->thread_limit;
    return true;
}

/* --- binding --------------------------------------------------------------------------------- */

static void
bind_this_thread(void)
{
    const struct snapshot *snapshot = snapshot_current();
    const struct cpu_conf *conf = snapshot == NULL ? NULL : cpu_conf_of(snapshot);
    const cpu_set_t *set = NULL;
    struct error err = ERROR_INIT;

    if (conf == NULL || this_thread == NULL || thread_is_control())
        return;
    if (conf->maps != NULL && this_thread->index < CPU_SETSIZE &&
        CPU_COUNT(&conf->maps[this_thread->index]) > 0)
        set = &conf->maps[this_thread->index];
    else if (conf->is_limited)
        set = &conf->usable;
    if (set != NULL && !cpu_bind_thread(set, &err))
        notice_print(NOTICE_WARNING, "thread %u: %s", this_thread->index, err.text);
}

static void
on_mail(void *arg)
{
    (void)arg;
    bind_this_thread();
}

/* The threads of a reloaded configuration are there already. */
static bool
bind_again(struct parse *parse)
{
    (void)parse;
    if (thread_traffic_is_running())
        mailbox_call_all(on_mail, NULL, NULL);
    return true;
}

static const struct start_hook start_hooks[] = { { START_THREAD, bind_this_thread } };
REGISTER(start_hook, start_hooks);

static const struct config_hook hooks[] = {
    { CONFIG_CHECK, ORDER_MAIN, settle_threads, "main: number of threads" },
    { CONFIG_PUBLISH, ORDER_MAIN, bind_again, "main: CPUs of threads" },
};
REGISTER(config_hook, hooks);

static bool
parse_without_meaning(struct parse *parse)
{
    words_rest(parse);
    return true;
}

static const struct keyword keywords[] = {
    { "nbthread", IN_GLOBAL, .flags = KEYWORD_RESTART, .args = "<count>", .parse = parse_nbthread,
      .help = "Traffic threads; one for each usable CPU by default." },
    { "thread-hard-limit", IN_GLOBAL, .flags = KEYWORD_RESTART, .args = "<count>", .slot = &cpu_slot,
      SET_INT(struct cpu_conf, thread_limit, 1, THREAD_MAX - 1),
      .help = "Most traffic threads, however many CPUs or 'nbthread' ask for." },
    { "thread-groups", IN_GLOBAL, .flags = KEYWORD_RESTART, .args = "<count>", .parse = parse_thread_groups,
      .help = "Accepted; weir's threads need no groups." },
    { "thread-group", IN_GLOBAL, .flags = KEYWORD_RESTART, .args = "<number> [<threads>...]", .parse = parse_thread_group,
      .help = "Accepted; weir's threads need no groups." },
    { "max-threads-per-group", IN_GLOBAL, .args = "<count>", .parse = parse_without_meaning,
      .help = "Accepted; weir's threads need no groups." },
    { "cpu-map", IN_GLOBAL, .flags = KEYWORD_RESTART, .args = "[auto:]<group>[/<threads>] <cpus>...", .parse = parse_cpu_map,
      .help = "On which CPUs threads run; 'auto:' gives each thread one of them." },
    { "cpu-set", IN_GLOBAL, .flags = KEYWORD_RESTART, .args = "<directive>...", .parse = parse_cpu_set,
      .help = "Which CPUs are used: reset, drop-cpu, only-cpu, drop-node, only-node." },
    { "cpu-policy", IN_GLOBAL, .flags = KEYWORD_RESTART, .args = "<policy> [threads-per-core 1|auto]",
      .parse = parse_cpu_policy,
      .help = "Which CPUs are used by default: all usable ones, or those of the first node." },
    { "cpu-affinity", IN_GLOBAL, .args = "<how>", .parse = parse_without_meaning,
      .help = "Accepted: without cpu-map the system places each thread." },
    { "numa-cpu-mapping", IN_GLOBAL, .flags = KEYWORD_NO, .parse = parse_without_meaning,
      .help = "Accepted: see cpu-policy first-usable-node." },
};
REGISTER(keyword, keywords);
