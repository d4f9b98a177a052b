/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands about tables: show, set, clear.
 *
 * For:     people and tools at the runtime socket.
 * Owns:    nothing.
 * Callers: the runtime socket.
 * Thread:  control.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/arena.h"
#include "weir/base/number.h"
#include "weir/cli/command.h"
#include "peers.h"
#include "private.h"
#include "server_name.h"

#define FILTERS_MAX 4

enum compare { CMP_EQ, CMP_NE, CMP_LE, CMP_GE, CMP_LT, CMP_GT };

struct filter {
    enum stick_data data;
    enum compare compare;
    int64_t number;
};

/* What a command is about. */
struct request {
    struct command_call *call;
    struct stick_table_conf *conf;
    struct stick_key key;
    bool has_key;
    struct filter filters[FILTERS_MAX];
    unsigned filter_count;
    /* Those that are there: held. */
    struct stick_entry **entries;
    size_t count, cap;
};

static const char *const type_names[] = { "ip", "ipv6", "integer", "string", "binary" };

/* --- words -------------------------------------------------------------------------------------- */

static bool
read_key(struct request *request)
{
    const char *word = command_next(request->call);
    struct value value = { .type = VALUE_STR };
    struct arena arena;
    bool fine;

    if (word == NULL)
        return command_say(request->call, 3, "Key value expected") != COMMAND_DONE;
    arena_init(&arena);
    value.str = str_from(word);
    if (request->conf->layout.type == STICK_INTEGER && word[0] == '#')
        value.str = str_from(word + 1);
    fine = stick_key_from(&request->key, &request->conf->layout, &value, &arena);
    arena_fini(&arena);
    request->has_key = true;
    return fine || command_say(request->call, 3, "Invalid key.") != COMMAND_DONE;
}

static bool
read_filter(struct request *request, const char *word)
{
    static const char *const names[] = { "eq", "ne", "le", "ge", "lt", "gt" };
    struct filter *filter = &request->filters[request->filter_count];
    const char *operator= command_next(request->call), *number = command_next(request->call);
    int data = stick_data_find(str_from(word + strlen("data.")));

    if (data < 0)
        return command_say(request->call, 3, "Filter entry #%u: Unknown data type", request->filter_count + 1) != COMMAND_DONE;
    if (!request->conf->layout.columns[data].is_stored)
        return command_say(request->call, 3, "Filter entry #%u: Data type not stored in this table", request->filter_count + 1) != COMMAND_DONE;
    filter->data = (enum stick_data)data;
    for (unsigned i = 0; operator!= NULL && i < COUNT(names); i++) {
        if (strcmp(operator, names[i]) != 0)
            continue;
        filter->compare = (enum compare)i;
        if (number == NULL || !number_parse_int(str_from(number), INT64_MIN, INT64_MAX,
                                                &filter->number, NULL))
            return command_say(request->call, 3, "Require a valid integer value to compare against") !=
                   COMMAND_DONE;
        request->filter_count++;
        return true;
    }
    return command_say(request->call, 3,
                       "Filter entry #%u: Require and operator among \"eq\", \"ne\", \"le\", \"ge\", \"lt\", \"gt\"",
                       request->filter_count + 1) !=
           COMMAND_DONE;
}

/* "<table> [key <key> | data.<type> <operator> <value>...]" */
static bool
read_request(struct request *request)
{
    struct command_call *call = request->call;
    const char *name = command_next(call), *word;

    request->conf = name == NULL ? NULL
                                 : stick_table_conf_find(snapshot_current(), str_from(name));
    if (request->conf == NULL)
        return command_say(call, 3, "No such table") != COMMAND_DONE;
    while ((word = command_next(call)) != NULL) {
        if (strcmp(word, "key") == 0)
            return read_key(request);
        if (strncmp(word, "data.", 5) != 0 || request->filter_count == FILTERS_MAX)
            return command_say(call, 3, "Optional argument only supports \"data.<store_data_type>\" "
                                        "<operator> <value> and key <key>") != COMMAND_DONE;
        if (!read_filter(request, word))
            return false;
    }
    return true;
}

/* --- entries ------------------------------------------------------------------------------------ */

/* Under the lock of its shard: only hold it. */
static bool
hold_entry(struct stick_table *table, struct stick_entry *entry, void *arg)
{
    struct request *request = arg;

    (void)table;
    if (request->count == request->cap) {
        request->cap = request->cap == 0 ? 256 : request->cap * 2;
        request->entries = alloc_resize(request->entries, request->cap * sizeof(*request->entries));
    }
    entry->holders++;
    request->entries[request->count++] = entry;
    return true;
}

static bool
passes(struct stick_table *table, struct stick_entry *entry, const struct filter *filter)
{
    int64_t number = (int64_t)stick_data_read(table, entry, filter->data, 0);

    switch (filter->compare) {
    case CMP_EQ:
        return number == filter->number;
    case CMP_NE:
        return number != filter->number;
    case CMP_LE:
        return number <= filter->number;
    case CMP_GE:
        return number >= filter->number;
    case CMP_LT:
        return number < filter->number;
    case CMP_GT:
        return number > filter->number;
    }
    return false;
}

static bool
passes_all(const struct request *request, struct stick_entry *entry)
{
    for (unsigned i = 0; i < request->filter_count; i++) {
        if (!passes(request->conf->live, entry, &request->filters[i]))
            return false;
    }
    return true;
}

static const struct stick_table *ordered_table; /* of the sort that runs: control has one thread */

static int
compare_keys(const void *a, const void *b)
{
    return str_compare(stick_entry_key(ordered_table, *(struct stick_entry *const *)a),
                       stick_entry_key(ordered_table, *(struct stick_entry *const *)b));
}

/* Calls back for each entry that is meant, and lets go of all. */
static void
each(struct request *request, void (*see)(struct request *request, struct stick_entry *entry))
{
    struct stick_table *table = request->conf->live;
    struct stick_entry *one;

    if (request->has_key) {
        one = stick_table_find(table, &request->key);
        if (one == NULL)
            return;
        see(request, one);
        stick_entry_drop(table, one);
        return;
    }
    stick_table_each(table, hold_entry, request);
    ordered_table = table;
    if (request->count > 1)
        qsort(request->entries, request->count, sizeof(*request->entries), compare_keys);
    for (size_t i = 0; i < request->count; i++) {
        if (passes_all(request, request->entries[i]))
            see(request, request->entries[i]);
        stick_entry_drop(table, request->entries[i]);
    }
    alloc_free(request->entries);
}

/* --- show ----------------------------------------------------------------------------------------- */

static void
show_head(struct text *out, const struct stick_table_conf *conf)
{
    text_printf(out, "# table: %s, type: %s, size:%llu, used:%llu\n", conf->name,
                type_names[conf->layout.type], (unsigned long long)conf->size,
                (unsigned long long)stick_table_used(conf->live));
}

static void
show_key(struct text *out, const struct stick_layout *layout, struct str key)
{
    char ip[INET6_ADDRSTRLEN];
    uint32_t number;

    switch (layout->type) {
    case STICK_IP:
        text_puts(out, inet_ntop(AF_INET, key.ptr, ip, sizeof(ip)));
        break;
    case STICK_IPV6:
        text_puts(out, inet_ntop(AF_INET6, key.ptr, ip, sizeof(ip)));
        break;
    case STICK_INTEGER:
        memcpy(&number, key.ptr, sizeof(number));
        text_printf(out, "%u", number);
        break;
    case STICK_STRING:
        for (size_t i = 0; i < key.len; i++) {
            if (key.ptr[i] == ' ' || key.ptr[i] == '\\' || key.ptr[i] == '=')
                text_add_char(out, '\\');
            text_add_char(out, key.ptr[i]);
        }
        break;
    case STICK_BINARY:
        for (size_t i = 0; i < key.len; i++)
            text_printf(out, "%02X", (unsigned char)key.ptr[i]);
        break;
    }
}

/* "-": none, or one that nobody knows. */
static const char *
name_of_server(uint64_t key)
{
    const char *name = key == 0 ? NULL : server_name_find(key);

    return name == NULL ? "-" : name;
}

static void
show_data(struct text *out, struct stick_table *table, struct stick_entry *entry,
          enum stick_data data, const struct stick_column *column)
{
    const char *name = stick_data_infos[data].name;

    for (unsigned i = 0; i < column->count; i++) {
        unsigned long long number = stick_data_read(table, entry, data, i);

        if (data == DATA_SERVER_KEY)
            text_printf(out, " %s=%s", name, name_of_server(number));
        else if (stick_data_infos[data].is_array && column->period_ms > 0)
            text_printf(out, " %.3s%u%s(%u)=%llu", name, i, name + 3, column->period_ms, number);
        else if (stick_data_infos[data].is_array)
            text_printf(out, " %s%u=%llu", name, i, number);
        else if (column->period_ms > 0)
            text_printf(out, " %s(%u)=%llu", name, column->period_ms, number);
        else
            text_printf(out, " %s=%llu", name, number);
    }
}

static void
show_entry(struct request *request, struct stick_entry *entry)
{
    struct stick_table *table = request->conf->live;
    const struct stick_layout *layout = &request->conf->layout;
    struct text *out = request->call->out;

    if (request->has_key)
        show_head(out, request->conf);
    text_printf(out, "%p: key=", (void *)entry);
    show_key(out, layout, stick_entry_key(table, entry));
    text_printf(out, " use=%u exp=%lld shard=%u", stick_entry_holders(entry) - 1,
                (long long)stick_entry_expires_in(table, entry),
                request->conf->peers == NULL || request->conf->peers->live == NULL
                    ? 0
                    : peers_shard_of(request->conf->peers->live, entry));
    for (unsigned i = 0; i < STICK_DATAS; i++) {
        if (layout->columns[i].is_stored)
            show_data(out, table, entry, (enum stick_data)i, &layout->columns[i]);
    }
    text_add_char(out, '\n');
}

static enum command_result
run_show(struct command_call *call)
{
    struct request request = { .call = call };

    if (call->at == call->count) {
        for (struct stick_table_conf *conf = stick_table_confs(snapshot_current()); conf != NULL;
             conf = conf->next)
            show_head(call->out, conf);
        return COMMAND_DONE;
    }
    if (!read_request(&request))
        return COMMAND_DONE;
    if (!request.has_key || call->level < LEVEL_OPERATOR)
        show_head(call->out, request.conf);
    if (call->level < LEVEL_OPERATOR)
        text_puts(call->out, "# contents not dumped due to insufficient privileges\n");
    else
        each(&request, show_entry);
    return COMMAND_DONE;
}

/* --- clear ------------------------------------------------------------------------------------------ */

static bool
is_marked(struct stick_table *table, struct stick_entry *entry, void *arg)
{
    (void)table;
    (void)arg;
    return entry->expires_ms != 0;
}

/* Who holds it goes on counting in it; it is gone with the last of them. */
static void
mark_entry(struct request *request, struct stick_entry *entry)
{
    struct stick_shard *shard = stick_shard_of(request->conf->live, entry);

    lock_take(&shard->lock);
    entry->expires_ms = 0;
    lock_give(&shard->lock);
}

static enum command_result
run_clear(struct command_call *call)
{
    struct request request = { .call = call };

    if (!read_request(&request))
        return COMMAND_DONE;
    each(&request, mark_entry);
    stick_table_each(request.conf->live, is_marked, NULL);
    return COMMAND_DONE;
}

/* --- set --------------------------------------------------------------------------------------------- */

static bool
set_data(struct request *request, struct stick_entry *entry)
{
    struct command_call *call = request->call;
    const char *word;

    while ((word = command_next(call)) != NULL) {
        const char *number_word = command_next(call);
        int data = strncmp(word, "data.", 5) == 0 ? stick_data_find(str_from(word + 5)) : -1;
        int64_t number;

        if (data < 0 || !request->conf->layout.columns[data].is_stored)
            return command_say(call, 3, "Data type not stored in this table") != COMMAND_DONE;
        if (number_word == NULL ||
            !number_parse_int(str_from(number_word), 0, INT64_MAX, &number, NULL))
            return command_say(call, 3, "Require a valid integer value to store") != COMMAND_DONE;
        stick_data_set(request->conf->live, entry, (enum stick_data)data, 0, (uint64_t)number);
    }
    return true;
}

static enum command_result
run_set(struct command_call *call)
{
    struct request request = { .call = call };
    struct stick_entry *entry;

    if (!read_request(&request))
        return COMMAND_DONE;
    if (!request.has_key)
        return command_say(call, 3, "Required arguments: <table> \"data.<store_data_type>\" <operator> "
                                    "<value> or <table> key <key>");
    entry = stick_table_make(request.conf->live, &request.key);
    if (entry == NULL)
        return command_say(call, 3, "Unable to allocate a new entry");
    (void)set_data(&request, entry);
    stick_entry_drop(request.conf->live, entry);
    return COMMAND_DONE;
}

static const struct command commands[] = {
    { "show table", "[<table> [data.<type> <operator> <value>]* | key <key>]", LEVEL_USER, run_show,
      "tables, or the entries of one" },
    { "set table", "<table> key <key> [data.<type> <value>]*", LEVEL_OPERATOR, run_set,
      "make or change an entry of a table" },
    { "clear table", "<table> [data.<type> <operator> <value>]* | key <key>", LEVEL_OPERATOR,
      run_clear, "remove entries of a table" },
};
REGISTER(command, commands);
