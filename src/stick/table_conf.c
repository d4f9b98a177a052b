/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stick-table lines.
 *
 * For:     whoever names a table.
 * Owns:    nothing; all lies in the snapshot.
 * Thread:  builder.
 */
#include <string.h>

#include "weir/base/number.h"
#include "weir/expr/arg.h"
#include "peers.h"
#include "private.h"

#define STRING_LEN       32   /* as HAProxy */
#define KEY_MAX          255

struct stick_globals {
    struct stick_table_conf *first, *last;
    int64_t counters;
};

static void
init(void *slot)
{
    ((struct stick_globals *)slot)->counters = 3;
}

static struct slot globals_slot = {
    .name = "stick", .owner = SLOT_GLOBAL, .size = sizeof(struct stick_globals), .init = init
};
REGISTER_SLOT(globals_slot);

static struct stick_globals *
globals_of(const struct snapshot *snapshot)
{
    return snapshot_slot(snapshot, &globals_slot);
}

struct stick_table_conf *
stick_table_confs(const struct snapshot *snapshot)
{
    return globals_of(snapshot)->first;
}

struct stick_table_conf *
stick_table_conf_find(const struct snapshot *snapshot, struct str name)
{
    for (struct stick_table_conf *conf = stick_table_confs(snapshot); conf != NULL; conf = conf->next) {
        if (str_eq(str_from(conf->name), name))
            return conf;
    }
    return NULL;
}

int64_t
stick_tracks_limit(const struct snapshot *snapshot)
{
    return globals_of(snapshot)->counters;
}

/* --- stick-table ... --------------------------------------------------------------------------- */

static bool
parse_type(struct parse *parse, struct stick_layout *layout)
{
    static const char *const names[] = { "ip", "ipv6", "integer", "string", "binary", "ipv4", NULL };
    static const uint32_t sizes[] = { 4, 16, 4, STRING_LEN, STRING_LEN };
    int64_t len;
    int at;

    if (!parse_choice(parse, "the type of keys", names, &at))
        return false;
    layout->type = at == 5 ? STICK_IP : (enum stick_type)at;
    layout->key_size = sizes[layout->type];
    if (layout->type < STICK_STRING || !(words_accept(parse->words, "len") ||
                                         words_accept(parse->words, "length")))
        return true;
    if (!parse_int(parse, "the length of keys", 1, KEY_MAX, &len))
        return false;
    layout->key_size = (uint32_t)len;
    return true;
}

/* "gpc(4)", "conn_rate(10s)", "gpc_rate(2,10s)", "conn_cnt" */
static bool
parse_column(struct parse *parse, struct stick_layout *layout, struct str word)
{
    struct str rest = word, name = str_split(&rest, '('), argument = STR("");
    int data;
    struct stick_column *column;
    int64_t number = 1;

    if (rest.ptr != NULL) {
        if (rest.len == 0 || rest.ptr[rest.len - 1] != ')')
            return parse_alert(parse, "'%.*s': the parenthesis is not closed", STR_ARG(word));
        argument = str_slice(rest, 0, rest.len - 1);
    }
    data = stick_data_find(name);
    if (data == DATA_RATE_LIMIT)
        return parse_alert(parse, "'rate_limit' is stored where a rule 'rate-limit' names the table");
    if (data < 0)
        return parse_alert(parse, "tables store no '%.*s'", STR_ARG(name));
    column = &layout->columns[data];
    if (column->is_stored)
        return parse_alert(parse, "'%.*s' stands twice", STR_ARG(name));
    *column = (struct stick_column){ .is_stored = true, .count = 1 };
    if (stick_data_infos[data].is_array) {
        struct str count = str_split(&argument, ',');

        if (!number_parse_int(count, 1, STICK_ARRAY_MAX, &number, NULL))
            return parse_alert(parse, "'%.*s' wants how many: 1 to %d", STR_ARG(name),
                               STICK_ARRAY_MAX);
        column->count = (uint32_t)number;
    }
    if (stick_data_infos[data].kind != KIND_RATE)
        return argument.ptr == NULL || argument.len == 0 || stick_data_infos[data].is_array ||
               parse_alert(parse, "'%.*s' takes no argument", STR_ARG(name));
    if (argument.ptr == NULL || !number_parse_time(argument, "ms", &number, NULL) || number < 1 ||
        number > INT32_MAX)
        return parse_alert(parse, "'%.*s' wants a period, such as %.*s(10s)", STR_ARG(name),
                           STR_ARG(name));
    column->period_ms = (uint32_t)number;
    return true;
}

static bool
parse_store(struct parse *parse, struct stick_layout *layout)
{
    const char *word = parse_word(parse, "what to store");
    struct str rest = str_from(word);
    size_t depth = 0, from = 0;

    if (word == NULL)
        return false;
    for (size_t i = 0; i <= rest.len; i++) {
        depth += i < rest.len && rest.ptr[i] == '(';
        depth -= i < rest.len && rest.ptr[i] == ')' && depth > 0;
        if (i < rest.len && (rest.ptr[i] != ',' || depth > 0))
            continue;
        if (i > from && !parse_column(parse, layout, str_slice(rest, from, i - from)))
            return false;
        from = i + 1;
    }
    return true;
}

static void
lay_out(struct stick_layout *layout)
{
    static const uint32_t sizes[] = { [KIND_NUMBER] = 4, [KIND_LARGE] = 8, [KIND_RATE] = 12 };
    uint32_t offset = 0;

    for (unsigned i = 0; i < STICK_DATAS; i++) {
        if (!layout->columns[i].is_stored)
            continue;
        layout->columns[i].offset = offset;
        offset += sizes[stick_data_infos[i].kind] * layout->columns[i].count;
    }
    layout->data_size = offset;
}

static bool
parse_byte_unit(struct parse *parse, struct stick_layout *layout)
{
    int64_t unit;

    if (!parse_int(parse, "how many bytes count as one", 1, 1024, &unit))
        return false;
    layout->byte_unit = (uint32_t)unit;
    return true;
}

static const char *const srvkeys[] = { "name", "addr", NULL };

static bool
parse_words(struct parse *parse, struct stick_table_conf *conf)
{
    const char *word;
    bool has_type = false;

    while ((word = words_next(parse->words)) != NULL) {
        bool fine = true;

        if (strcmp(word, "type") == 0)
            fine = has_type = parse_type(parse, &conf->layout);
        else if (strcmp(word, "size") == 0)
            fine = parse_size(parse, "how many entries", &conf->size);
        else if (strcmp(word, "expire") == 0)
            fine = parse_time(parse, "a duration", "ms", &conf->expire_ms);
        else if (strcmp(word, "nopurge") == 0)
            conf->nopurge = true;
        else if (strcmp(word, "store") == 0)
            fine = parse_store(parse, &conf->layout);
        else if (strcmp(word, "srvkey") == 0)
            fine = parse_choice(parse, "what servers are known by", srvkeys, &conf->srvkey);
        else if (strcmp(word, "recv-only") == 0)
            conf->recv_only = true;
        else if (strcmp(word, "write-to") == 0)
            fine = (conf->write_to_name = parse_word(parse, "the name of a table")) != NULL;
        else if (strcmp(word, "brates-factor") == 0)
            fine = parse_byte_unit(parse, &conf->layout);
        else if (strcmp(word, "peers") == 0 && conf->peers == NULL)
            fine = (conf->peers_name = parse_word(parse, "the name of a peers section")) != NULL;
        else
            fine = parse_alert(parse, "unknown word '%s'; known are type, size, expire, nopurge, store, "
                               "peers, write-to, recv-only, srvkey, brates-factor",
                               word);
        if (!fine)
            return false;
    }
    if (!has_type)
        return parse_alert(parse, "'stick-table' wants the type of keys: type ip, for example");
    if (conf->size == 0)
        return parse_alert(parse, "'stick-table' wants a size: size 100k, for example");
    return true;
}

static bool
read_table(struct parse *parse, struct stick_table_conf *conf)
{
    struct stick_globals *globals = globals_of(parse->snapshot);

    conf->pos = parse_pos(parse);
    conf->layout.byte_unit = 1;
    if (!parse_words(parse, conf))
        return false;
    lay_out(&conf->layout);
    if (globals->last == NULL)
        globals->first = conf;
    else
        globals->last->next = conf;
    globals->last = conf;
    return true;
}

static bool
parse_table(struct parse *parse)
{
    const struct proxy_conf *proxy = parse->object;
    struct stick_table_conf *conf = ARENA_NEW(parse->arena, struct stick_table_conf);

    if (stick_table_conf_find(parse->snapshot, str_from(proxy->name)) != NULL)
        return parse_alert(parse, "'%s' has a table already", proxy->name);
    conf->name = conf->shared_name = proxy->name;
    return read_table(parse, conf);
}

bool
stick_table_parse_shared(struct parse *parse, struct peers_conf *peers)
{
    struct stick_table_conf *conf = ARENA_NEW(parse->arena, struct stick_table_conf);
    const char *word = parse_word(parse, "a name for the table");

    if (word == NULL)
        return false;
    conf->name = arena_printf(parse->arena, "%s/%s", peers->name, word);
    conf->shared_name = arena_printf(parse->arena, "/%s", word);
    conf->peers = peers;
    if (stick_table_conf_find(parse->snapshot, str_from(conf->name)) != NULL)
        return parse_alert(parse, "peers '%s' have a table '%s' already", peers->name, word);
    return read_table(parse, conf);
}

static const struct keyword keywords[] = {
    { "stick-table", IN_FRONTEND | IN_LISTEN | IN_BACKEND,
      .args = "type <type> [len <length>] size <entries> [expire <time>] [nopurge] [recv-only] [write-to <table>] [srvkey name|addr] [brates-factor <bytes>] [peers <section>] [store <data>[,...]]...",
      .parse = parse_table, .help = "A table of the proxy's name, of what is remembered about keys." },
    { "tune.stick-counters", IN_GLOBAL, .args = "<count>", .slot = &globals_slot,
      SET_INT(struct stick_globals, counters, 0, STICK_TRACKS_MAX),
      .help = "How many entries a session may track: sc0 up to this number less one." },
};
REGISTER(keyword, keywords);

/* --- names -------------------------------------------------------------------------------------------- */

struct stick_table_conf *
stick_table_resolve(struct parse *parse, struct source_pos pos, struct str name)
{
    struct stick_table_conf *conf = stick_table_conf_find(parse->snapshot, name);

    if (conf == NULL)
        parse_alert_at(parse, pos, "there is no stick-table '%.*s'", STR_ARG(name));
    return conf;
}

void *
stick_resolve_arg(struct parse *parse, struct source_pos pos, struct str name, void *proxy_conf)
{
    if (name.len == 0 && proxy_conf != NULL)
        name = str_from(((struct proxy_conf *)proxy_conf)->name);
    return stick_table_resolve(parse, pos, name);
}

static const struct arg_type arg_types[] = { { "table", stick_resolve_arg } };
REGISTER(arg_type, arg_types);

/* --- names of other things ----------------------------------------------------------------------------- */

static bool
resolve_write_to(struct parse *parse, struct stick_table_conf *conf)
{
    struct stick_table_conf *to;

    if (conf->write_to_name == NULL)
        return true;
    to = stick_table_resolve(parse, conf->pos, str_from(conf->write_to_name));
    if (to == NULL)
        return false;
    if (to == conf)
        return parse_alert_at(parse, conf->pos, "table '%s' cannot write to itself", conf->name);
    if (to->layout.type != conf->layout.type || to->layout.key_size != conf->layout.key_size)
        return parse_alert_at(parse, conf->pos,
                              "table '%s' cannot write to '%s': their keys are of another type or length",
                              conf->name, to->name);
    conf->write_to = to;
    return true;
}

static bool
on_resolve(struct parse *parse)
{
    bool fine = true;

    for (struct stick_table_conf *conf = stick_table_confs(parse->snapshot); conf != NULL;
         conf = conf->next) {
        if (conf->peers_name != NULL) {
            conf->peers = peers_conf_find(parse->snapshot, str_from(conf->peers_name));
            if (conf->peers == NULL)
                fine = parse_alert_at(parse, conf->pos, "there are no peers '%s'", conf->peers_name);
        }
        if (conf->peers != NULL && peers_conf_is_on(conf->peers))
            conf->layout.lead = sizeof(struct stick_change);
        fine = resolve_write_to(parse, conf) && fine;
    }
    return fine;
}

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_STICK, on_resolve, "stick: peers of tables" },
};
REGISTER(config_hook, hooks);
