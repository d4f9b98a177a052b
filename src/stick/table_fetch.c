/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples of tables: sc_* (what is tracked), src_* (the client's address), table_* (any key).
 *
 * Thread: owner of the stream, inside a rule.
 */
#include <string.h>

#include "weir/expr/sample.h"
#include "weir/net/client_addr.h"
#include "private.h"

enum op { OP_READ, OP_KILOBYTES, OP_ADD, OP_CLEAR, OP_TRACKED, OP_TRACKERS, OP_KEY, OP_COUNT_CONN };

/* .private of a fetch: what, of which column, of which counter (0xff: an argument says it). */
#define WHAT(op_, data_, slot_) ((op_) | (data_) << 8 | (slot_) << 16)
#define ANY_SLOT                0xff

static enum op
op_of(intptr_t what)
{
    return (enum op)(what & 0xff);
}

static enum stick_data
data_of(intptr_t what)
{
    return (enum stick_data)(what >> 8 & 0xff);
}

/* --- on one entry ------------------------------------------------------------------------------ */

static enum stick_data
rate_of(enum stick_data data)
{
    switch ((int)data) {
    case DATA_GPC0:
        return DATA_GPC0_RATE;
    case DATA_GPC1:
        return DATA_GPC1_RATE;
    case DATA_GPC:
        return DATA_GPC_RATE;
    default:
        return STICK_DATAS;
    }
}

static uint64_t
clear(struct stick_table *table, struct stick_entry *entry, enum stick_data data, unsigned index)
{
    uint64_t before = stick_data_read(table, entry, data, index);

    stick_data_set(table, entry, data, index, 0);
    return before;
}

static enum fetched
work(struct stick_table *table, struct stick_entry *entry, intptr_t what, unsigned index,
     struct value *out)
{
    enum stick_data data = data_of(what), rate = rate_of(data);

    switch (op_of(what)) {
    case OP_READ:
        return fetched_int(out, (int64_t)stick_data_read(table, entry, data, index));
    case OP_KILOBYTES:
        return fetched_int(out, (int64_t)(stick_data_read(table, entry, data, index) >> 10));
    case OP_ADD:
        if (rate != STICK_DATAS)
            (void)stick_data_add(table, entry, rate, index, 1);
        return fetched_int(out, (int64_t)stick_data_add(table, entry, data, index, 1));
    case OP_CLEAR:
        return fetched_int(out, (int64_t)clear(table, entry, data, index));
    case OP_TRACKERS:
        return fetched_int(out, stick_entry_holders(entry));
    case OP_TRACKED:
        return fetched_bool(out, true);
    case OP_COUNT_CONN:
        stick_data_count_event(table, entry, STICK_CONNECTION, 1);
        return fetched_int(out, (int64_t)stick_data_read(table, entry, DATA_CONN_CNT, 0));
    case OP_KEY:
        break;
    }
    return FETCH_NONE;
}

/* Does the table store it? */
static bool
is_stored(const struct stick_table *table, intptr_t what)
{
    enum op op = op_of(what);

    return op == OP_TRACKED || op == OP_TRACKERS || op == OP_KEY || op == OP_COUNT_CONN ||
           stick_table_layout(table)->columns[data_of(what)].is_stored;
}

/* A look-up by key; entries that are not there count as zero, and are made only to be changed. */
static enum fetched
work_on_key(struct stick_table *table, const struct stick_key *key, intptr_t what, unsigned index,
            struct value *out)
{
    bool make = op_of(what) == OP_ADD || op_of(what) == OP_COUNT_CONN || op_of(what) == OP_CLEAR;
    struct stick_entry *entry;
    enum fetched result;

    if (!is_stored(table, what))
        return FETCH_NONE;
    entry = make ? stick_table_make(table, key) : stick_table_find(table, key);
    if (entry == NULL)
        return op_of(what) == OP_TRACKED ? fetched_bool(out, false) : fetched_int(out, 0);
    result = work(table, entry, what, index, out);
    if (op_of(what) == OP_TRACKERS)
        out->num--; /* we hold it too */
    stick_entry_drop(table, entry);
    return result;
}

/* What an argument that was left out becomes: the table in which the key is tracked. */
static struct stick_table_conf same_table;

/* --- sc_* ---------------------------------------------------------------------------------------- */

static enum fetched
give_key(struct eval *eval, const struct stick_track *track, struct value *out)
{
    const struct stick_layout *layout = stick_table_layout(track->table);
    struct str key = stick_entry_key(track->table, track->entry);
    char *copy = arena_take(eval->arena, key.len + 1);
    uint32_t number;

    if (copy == NULL)
        return FETCH_NONE;
    memcpy(copy, key.ptr, key.len);
    switch (layout->type) {
    case STICK_IP:
        out->type = VALUE_IP4;
        memcpy(&out->ip4, copy, sizeof(out->ip4));
        return FETCH_OK;
    case STICK_IPV6:
        out->type = VALUE_IP6;
        memcpy(&out->ip6, copy, sizeof(out->ip6));
        return FETCH_OK;
    case STICK_INTEGER:
        memcpy(&number, copy, sizeof(number));
        return fetched_int(out, number);
    case STICK_STRING:
        return fetched_str(out, str_of(copy, key.len));
    case STICK_BINARY:
        break;
    }
    return fetched_bin(out, str_of(copy, key.len));
}

/* The tracked key in another table. */
static enum fetched
work_elsewhere(const struct stick_track *track, struct stick_table *table, intptr_t what,
               unsigned index, struct value *out)
{
    struct str bytes = stick_entry_key(track->table, track->entry);
    struct stick_key key;

    if (stick_table_layout(table)->type != stick_table_layout(track->table)->type)
        return FETCH_NONE;
    memcpy(key.bytes, bytes.ptr, bytes.len);
    key.len = (uint32_t)bytes.len;
    return work_on_key(table, &key, what, index, out);
}

static enum fetched
work_tracked(struct eval *eval, intptr_t what, unsigned slot, unsigned index,
             const struct arg *table_arg, struct value *out)
{
    struct stick_track track = { NULL, NULL };
    const struct stick_table_conf *other = table_arg->ptr;

    if (slot < STICK_TRACKS_MAX)
        track = stick_track_find(eval, slot);
    if (track.table == NULL)
        return op_of(what) == OP_TRACKED ? fetched_bool(out, false) : FETCH_NONE;
    if (op_of(what) == OP_KEY)
        return give_key(eval, &track, out);
    if (other != &same_table && other->live != track.table)
        return work_elsewhere(&track, other->live, what, index, out);
    return is_stored(track.table, what) ? work(track.table, track.entry, what, index, out)
                                        : FETCH_NONE;
}

/* sc_conn_cnt(0[,table]), sc0_conn_cnt([table]) */
static enum fetched
run_tracked(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    unsigned slot = (unsigned)(fetch->private >> 16 & 0xff);

    if (slot == ANY_SLOT)
        return work_tracked(eval, fetch->private, (unsigned)args[0].num, 0, &args[1], out);
    return work_tracked(eval, fetch->private, slot, 0, &args[0], out);
}

/* sc_get_gpc(2,0[,table]) */
static enum fetched
run_tracked_array(struct eval *eval, const struct fetch *fetch, const struct arg *args,
                  struct value *out)
{
    return work_tracked(eval, fetch->private, (unsigned)args[1].num, (unsigned)args[0].num, &args[2],
                        out);
}

/* sc1_clr_gpc(2[,table]) */
static enum fetched
run_tracked_array_of(struct eval *eval, const struct fetch *fetch, const struct arg *args,
                     struct value *out)
{
    return work_tracked(eval, fetch->private, (unsigned)(fetch->private >> 16 & 0xff),
                        (unsigned)args[0].num, &args[1], out);
}

/* --- src_* ---------------------------------------------------------------------------------------- */

static bool
key_of_client(const struct eval *eval, const struct stick_table_conf *table, struct stick_key *key)
{
    const struct addr *src = client_src(eval);
    struct value value = { .type = VALUE_NONE };

    if (src == NULL || !addr_is_ip(src))
        return false;
    if (src->family == ADDR_IPV4) {
        value.type = VALUE_IP4;
        value.ip4 = src->ip4;
    } else {
        value.type = VALUE_IP6;
        value.ip6 = src->ip6;
    }
    return stick_key_from(key, &table->layout, &value, eval->arena);
}

static enum fetched
run_client(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    bool is_array = stick_data_infos[data_of(fetch->private)].is_array;
    const struct stick_table_conf *table = args[is_array].ptr;
    struct stick_key key;

    if (!key_of_client(eval, table, &key))
        return FETCH_NONE;
    return work_on_key(table->live, &key, fetch->private, is_array ? (unsigned)args[0].num : 0, out);
}

/* --- tables ----------------------------------------------------------------------------------------- */

static enum fetched
run_table(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct stick_table_conf *table = args[0].ptr;
    uint64_t used = stick_table_used(table->live), size = stick_table_size(table->live);

    (void)eval;
    return fetched_int(out, (int64_t)(fetch->private == 0 ? used : size > used ? size - used : 0));
}

/* --- the table of fetches ------------------------------------------------------------------------------ */

#define NAMED_TABLE  { ARG_NAMED, true, "table" }
#define OTHER_TABLE  { ARG_NAMED, true, "tracked table" }
#define PLACES       (PLACE_ANY & ~PLACE_CONFIG)
#define ONE(name_, type_, slot_, op_, data_, help_, ...)                                           \
    {                                                                                              \
        name_, type_, PLACES, { __VA_ARGS__ }, run_tracked, WHAT(op_, data_, slot_), .help = help_ \
    }
#define TRACKED(name_, type_, op_, data_, help_)                                                   \
    ONE("sc_" name_, type_, ANY_SLOT, op_, data_, help_ " Of what scN tracks.", { ARG_INT },       \
        OTHER_TABLE),                                                                              \
        ONE("sc0_" name_, type_, 0, op_, data_, help_ " Of what sc0 tracks.", OTHER_TABLE),        \
        ONE("sc1_" name_, type_, 1, op_, data_, help_ " Of what sc1 tracks.", OTHER_TABLE),        \
        ONE("sc2_" name_, type_, 2, op_, data_, help_ " Of what sc2 tracks.", OTHER_TABLE)
#define CLIENT(name_, op_, data_, help_)                                                           \
    {                                                                                              \
        "src_" name_, VALUE_INT, PLACES, { NAMED_TABLE }, run_client, WHAT(op_, data_, 0),         \
            .help = help_ " Of the client's address."                                              \
    }
#define BOTH(name_, op_, data_, help_)                                                             \
    TRACKED(name_, VALUE_INT, op_, data_, help_), CLIENT(name_, op_, data_, help_)
#define ARRAY(name_, op_, data_, help_)                                                            \
    { "sc_" name_, VALUE_INT, PLACES, { { ARG_INT }, { ARG_INT }, OTHER_TABLE },                   \
      run_tracked_array, WHAT(op_, data_, 0), .help = help_ " Of what scN tracks." },              \
    {                                                                                              \
        "src_" name_, VALUE_INT, PLACES, { { ARG_INT }, NAMED_TABLE }, run_client,                 \
            WHAT(op_, data_, 0), .help = help_ " Of the client's address."                         \
    }

#define ARRAY_OF(name_, slot_)                                                                     \
    {                                                                                              \
        name_, VALUE_INT, PLACES, { { ARG_INT }, OTHER_TABLE }, run_tracked_array_of,              \
            WHAT(OP_CLEAR, DATA_GPC, slot_),                                                       \
            .help = "Clears a counter of gpc, and tells what it was. Of what this one tracks."     \
    }

static const struct fetch fetches[] = {
    BOTH("bytes_in_rate", OP_READ, DATA_BYTES_IN_RATE, "Bytes from clients in the period."),
    BOTH("bytes_out_rate", OP_READ, DATA_BYTES_OUT_RATE, "Bytes to clients in the period."),
    BOTH("clr_gpc0", OP_CLEAR, DATA_GPC0, "Clears gpc0, and tells what it was."),
    BOTH("clr_gpc1", OP_CLEAR, DATA_GPC1, "Clears gpc1, and tells what it was."),
    BOTH("conn_cnt", OP_READ, DATA_CONN_CNT, "Connections so far."),
    BOTH("conn_cur", OP_READ, DATA_CONN_CUR, "Connections now."),
    BOTH("conn_rate", OP_READ, DATA_CONN_RATE, "Connections in the period."),
    BOTH("get_gpc0", OP_READ, DATA_GPC0, "The counter gpc0."),
    BOTH("get_gpc1", OP_READ, DATA_GPC1, "The counter gpc1."),
    BOTH("get_gpt0", OP_READ, DATA_GPT0, "The tag gpt0."),
    BOTH("glitch_cnt", OP_READ, DATA_GLITCH_CNT, "Oddities of the framing so far."),
    BOTH("glitch_rate", OP_READ, DATA_GLITCH_RATE, "Oddities of the framing in the period."),
    BOTH("gpc0_rate", OP_READ, DATA_GPC0_RATE, "How much gpc0 grew in the period."),
    BOTH("gpc1_rate", OP_READ, DATA_GPC1_RATE, "How much gpc1 grew in the period."),
    BOTH("http_err_cnt", OP_READ, DATA_HTTP_ERR_CNT, "Answers 4xx so far."),
    BOTH("http_err_rate", OP_READ, DATA_HTTP_ERR_RATE, "Answers 4xx in the period."),
    BOTH("http_fail_cnt", OP_READ, DATA_HTTP_FAIL_CNT, "Answers 5xx so far."),
    BOTH("http_fail_rate", OP_READ, DATA_HTTP_FAIL_RATE, "Answers 5xx in the period."),
    BOTH("http_req_cnt", OP_READ, DATA_HTTP_REQ_CNT, "Requests so far."),
    BOTH("http_req_rate", OP_READ, DATA_HTTP_REQ_RATE, "Requests in the period."),
    BOTH("inc_gpc0", OP_ADD, DATA_GPC0, "Adds one to gpc0, and tells it."),
    BOTH("inc_gpc1", OP_ADD, DATA_GPC1, "Adds one to gpc1, and tells it."),
    BOTH("kbytes_in", OP_KILOBYTES, DATA_BYTES_IN_CNT, "Kilobytes from clients so far."),
    BOTH("kbytes_out", OP_KILOBYTES, DATA_BYTES_OUT_CNT, "Kilobytes to clients so far."),
    BOTH("sess_cnt", OP_READ, DATA_SESS_CNT, "Sessions so far: connections that rules let pass."),
    BOTH("sess_rate", OP_READ, DATA_SESS_RATE, "Sessions in the period."),
    TRACKED("key", VALUE_ANY, OP_KEY, 0, "The key."),
    TRACKED("tracked", VALUE_BOOL, OP_TRACKED, 0, "Is anything tracked there?"),
    TRACKED("trackers", VALUE_INT, OP_TRACKERS, 0, "How many hold the entry now."),
    CLIENT("updt_conn_cnt", OP_COUNT_CONN, DATA_CONN_CNT, "Counts a connection, and tells how many."),
    ARRAY("get_gpc", OP_READ, DATA_GPC, "A counter of the array gpc."),
    ARRAY("get_gpt", OP_READ, DATA_GPT, "A tag of the array gpt."),
    ARRAY("gpc_rate", OP_READ, DATA_GPC_RATE, "How much a counter of gpc grew in the period."),
    ARRAY("inc_gpc", OP_ADD, DATA_GPC, "Adds one to a counter of gpc, and tells it."),
    ARRAY("clr_gpc", OP_CLEAR, DATA_GPC, "Clears a counter of gpc, and tells what it was."),
    ARRAY_OF("sc0_clr_gpc", 0), ARRAY_OF("sc1_clr_gpc", 1), ARRAY_OF("sc2_clr_gpc", 2),
    { "table_cnt", VALUE_INT, PLACES, { NAMED_TABLE }, run_table, 0,
      .help = "Entries that a table has." },
    { "table_avl", VALUE_INT, PLACES, { NAMED_TABLE }, run_table, 1,
      .help = "Entries that a table has room for still." },
};
REGISTER(fetch, fetches);

/* Left out: the table in which it is tracked. */
static void *
resolve_other(struct parse *parse, struct source_pos pos, struct str name, void *proxy_conf)
{
    (void)proxy_conf;
    return name.len == 0 ? &same_table : stick_table_resolve(parse, pos, name);
}

static const struct arg_type arg_types[] = { { "tracked table", resolve_other } };
REGISTER(arg_type, arg_types);

/* --- converters ------------------------------------------------------------------------------------------ */

enum look { LOOK_DATA, LOOK_IN, LOOK_EXPIRE, LOOK_IDLE };

static bool
look(const struct stick_table_conf *table, const struct stick_key *key, enum look what,
     struct value *value)
{
    struct stick_entry *entry = stick_table_find(table->live, key);

    if (what == LOOK_IN)
        fetched_bool(value, entry != NULL);
    else if (entry != NULL)
        fetched_int(value, what == LOOK_EXPIRE ? stick_entry_expires_in(table->live, entry)
                                               : stick_entry_idle_ms(table->live, entry));
    if (entry != NULL)
        stick_entry_drop(table->live, entry);
    return entry != NULL || what == LOOK_IN;
}

static bool
convert_look(struct eval *eval, const struct converter *conv, const struct arg *args,
             struct value *value)
{
    const struct stick_table_conf *table = args[0].ptr;
    struct stick_key key;

    if (!stick_key_from(&key, &table->layout, value, eval->arena))
        return false;
    if (look(table, &key, (enum look)conv->private, value))
        return true;
    if (!arg_is_given(&args[1]))
        return false;
    fetched_int(value, args[1].num);
    return true;
}

static bool
convert_data(struct eval *eval, const struct converter *conv, const struct arg *args,
             struct value *value)
{
    bool is_array = stick_data_infos[data_of(conv->private)].is_array;
    const struct stick_table_conf *table = args[is_array].ptr;
    struct stick_key key;

    return stick_key_from(&key, &table->layout, value, eval->arena) &&
           work_on_key(table->live, &key, conv->private, is_array ? (unsigned)args[0].num : 0,
                       value) == FETCH_OK;
}

#define CONV(name_, op_, data_, help_)                                                             \
    {                                                                                              \
        "table_" name_, VALUE_ANY, VALUE_INT, { NAMED_TABLE }, convert_data, WHAT(op_, data_, 0),  \
            .help = help_ " Of the key in this table; 0 if it is not there."                       \
    }
#define CONV_ARRAY(name_, op_, data_, help_)                                                       \
    {                                                                                              \
        "table_" name_, VALUE_ANY, VALUE_INT, { { ARG_INT }, NAMED_TABLE }, convert_data,          \
            WHAT(op_, data_, 0), .help = help_ " Of the key in this table; 0 if it is not there."  \
    }

static const struct converter converters[] = {
    { "in_table", VALUE_ANY, VALUE_BOOL, { NAMED_TABLE }, convert_look, LOOK_IN,
      .help = "Has the table this key?" },
    { "table_expire", VALUE_ANY, VALUE_INT, { NAMED_TABLE, { ARG_INT, true } }, convert_look,
      LOOK_EXPIRE, .help = "Milliseconds until the key expires; else the second argument." },
    { "table_idle", VALUE_ANY, VALUE_INT, { NAMED_TABLE, { ARG_INT, true } }, convert_look,
      LOOK_IDLE, .help = "Milliseconds since the key was used; else the second argument." },
    CONV("bytes_in_rate", OP_READ, DATA_BYTES_IN_RATE, "Bytes from clients in the period."),
    CONV("bytes_out_rate", OP_READ, DATA_BYTES_OUT_RATE, "Bytes to clients in the period."),
    CONV("clr_gpc0", OP_CLEAR, DATA_GPC0, "Clears gpc0, and tells what it was."),
    CONV("clr_gpc1", OP_CLEAR, DATA_GPC1, "Clears gpc1, and tells what it was."),
    CONV("conn_cnt", OP_READ, DATA_CONN_CNT, "Connections so far."),
    CONV("conn_cur", OP_READ, DATA_CONN_CUR, "Connections now."),
    CONV("conn_rate", OP_READ, DATA_CONN_RATE, "Connections in the period."),
    CONV("glitch_cnt", OP_READ, DATA_GLITCH_CNT, "Oddities of the framing so far."),
    CONV("glitch_rate", OP_READ, DATA_GLITCH_RATE, "Oddities of the framing in the period."),
    CONV("gpc0", OP_READ, DATA_GPC0, "The counter gpc0."),
    CONV("gpc0_rate", OP_READ, DATA_GPC0_RATE, "How much gpc0 grew in the period."),
    CONV("gpc1", OP_READ, DATA_GPC1, "The counter gpc1."),
    CONV("gpc1_rate", OP_READ, DATA_GPC1_RATE, "How much gpc1 grew in the period."),
    CONV("gpt0", OP_READ, DATA_GPT0, "The tag gpt0."),
    CONV("http_err_cnt", OP_READ, DATA_HTTP_ERR_CNT, "Answers 4xx so far."),
    CONV("http_err_rate", OP_READ, DATA_HTTP_ERR_RATE, "Answers 4xx in the period."),
    CONV("http_fail_cnt", OP_READ, DATA_HTTP_FAIL_CNT, "Answers 5xx so far."),
    CONV("http_fail_rate", OP_READ, DATA_HTTP_FAIL_RATE, "Answers 5xx in the period."),
    CONV("http_req_cnt", OP_READ, DATA_HTTP_REQ_CNT, "Requests so far."),
    CONV("http_req_rate", OP_READ, DATA_HTTP_REQ_RATE, "Requests in the period."),
    CONV("inc_gpc0", OP_ADD, DATA_GPC0, "Adds one to gpc0, and tells it."),
    CONV("inc_gpc1", OP_ADD, DATA_GPC1, "Adds one to gpc1, and tells it."),
    CONV("kbytes_in", OP_KILOBYTES, DATA_BYTES_IN_CNT, "Kilobytes from clients so far."),
    CONV("kbytes_out", OP_KILOBYTES, DATA_BYTES_OUT_CNT, "Kilobytes to clients so far."),
    CONV("server_id", OP_READ, DATA_SERVER_ID, "The server that is stored."),
    CONV("sess_cnt", OP_READ, DATA_SESS_CNT, "Sessions so far."),
    CONV("sess_rate", OP_READ, DATA_SESS_RATE, "Sessions in the period."),
    CONV("trackers", OP_TRACKERS, 0, "How many hold the entry now."),
    CONV_ARRAY("gpc", OP_READ, DATA_GPC, "A counter of the array gpc."),
    CONV_ARRAY("gpc_rate", OP_READ, DATA_GPC_RATE, "How much a counter of gpc grew."),
    CONV_ARRAY("gpt", OP_READ, DATA_GPT, "A tag of the array gpt."),
    CONV_ARRAY("inc_gpc", OP_ADD, DATA_GPC, "Adds one to a counter of gpc, and tells it."),
    CONV_ARRAY("clr_gpc", OP_CLEAR, DATA_GPC, "Clears a counter of gpc, and tells what it was."),
};
REGISTER(converter, converters);
