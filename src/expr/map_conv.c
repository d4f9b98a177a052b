/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maps: what is found in a list gives its value.
 *
 *     map_<match>_<output>(<list>[,<default>])
 *
 * Thread: builder reads; traffic looks up. The value is copied: the list may change meanwhile.
 */
#include <string.h>

#include "weir/base/number.h"
#include "weir/loop/grace.h"
#include "pattern.h"
#include "private.h"

enum output { OUTPUT_STR, OUTPUT_INT, OUTPUT_IP, OUTPUT_KEY, OUTPUT_GROUPS };


struct map {
    const struct pattern_list *list;
    struct value otherwise; /* type VALUE_NONE: none was given */
};

/* What a row of the table says: method and output. */
#define ROW(method, output) ((method) * 8 + (output))

static bool
set_output(struct value *value, enum output output, struct str text)
{
    struct value number;

    switch (output) {
    case OUTPUT_INT:
        if (!value_read_int(text, &number.num))
            return false;
        value_set_int(value, number.num);
        return true;
    case OUTPUT_IP:
        return value_set_addr_text(value, text);
    case OUTPUT_STR:
    case OUTPUT_KEY:
    case OUTPUT_GROUPS:
        value_set_str(value, text);
        return true;
    }
    return false;
}

/* The value with \1 and the like replaced by what the expression has matched. */
static bool
set_groups(struct value *value, const struct pattern *pattern, struct str format,
           struct arena *arena)
{
    struct str groups[REGEX_GROUPS_MAX];
    int count = regex_capture(pattern->regex, value->str, 0, groups);
    size_t len = (size_t)regex_expand(NULL, SIZE_MAX, format, groups, count);
    char *to = arena_take(arena, len + 1);

    if (to == NULL)
        return false;
    regex_expand(to, len, format, groups, count);
    value_set_str(value, str_of(to, len));
    return true;
}

static bool
run_map(struct eval *eval, const struct converter *conv, const struct arg *args,
        struct value *value)
{
    const struct map *map = args[0].ptr;
    enum output output = (enum output)(conv->private % 8);
    const struct pattern *pattern = pattern_set_find(grace_read(map->list->set), value);
    struct str text;

    value->flags &= (uint8_t)~VALUE_CONST;
    if (pattern == NULL) {
        if (map->otherwise.type == VALUE_NONE)
            return false;
        value->type = map->otherwise.type;
        value->ip6 = map->otherwise.ip6;
        value->str = map->otherwise.str;
        value->flags |= VALUE_CONST;
        return true;
    }
    text = output == OUTPUT_KEY ? pattern->entry->key : grace_read(pattern->entry->value)->text;
    if (output == OUTPUT_GROUPS)
        return set_groups(value, pattern, text, eval->arena);
    if (output == OUTPUT_INT || output == OUTPUT_IP)
        return set_output(value, output, text);
    return value_set_copy(value, VALUE_STR, eval->arena, text.ptr, text.len);
}

/* --- reading ----------------------------------------------------------------------------- */

static bool
check_default(struct map *map, enum output output, struct str text, struct error *err)
{
    struct addr addr;
    int64_t n;

    if (output == OUTPUT_INT && !number_parse_int(text, INT64_MIN, INT64_MAX, &n, NULL))
        return error_set(err, "the default value '%.*s' is not an integer", STR_ARG(text));
    if (output == OUTPUT_KEY)
        return error_set(err, "it gives the key that matched, and takes no default value");
    if (output == OUTPUT_IP && !addr_parse_host(text, &addr))
        return error_set(err, "the default value '%.*s' is not an IP address", STR_ARG(text));
    return set_output(&map->otherwise, output, text) ||
           error_set(err, "the default value '%.*s' cannot be used", STR_ARG(text));
}

static bool
check_row(struct parse *parse, struct arg *args, unsigned count, intptr_t row,
          struct error *err)
{
    struct map *map = ARENA_NEW(parse->arena, struct map);
    enum output output = (enum output)(row % 8);

    if (args[0].str.len == 0)
        return error_set(err, "the name of the map is empty");
    if (count > 1 && arg_is_given(&args[1]) && !check_default(map, output, args[1].str, err))
        return false;
    if ((output == OUTPUT_INT && !pattern_file_need(parse, args[0].str.ptr, VALUE_INT)) ||
        (output == OUTPUT_IP && !pattern_file_need(parse, args[0].str.ptr, VALUE_ADDR)))
        return false;
    map->list = pattern_file_use(parse, args[0].str.ptr, PATTERN_MAP, (enum match_method)(row / 8),
                                 false);
    args[0].ptr = map;
    return map->list != NULL;
}

/* A check is not told which row it is for, so each has its own. */
#define CHECK(name, row)                                                                           \
    static bool check_##name(struct parse *parse, struct arg *args, unsigned count,                \
                             struct error *err)                                                    \
    {                                                                                              \
        return check_row(parse, args, count, row, err);                                            \
    }

/* clang-format off */
CHECK(map, ROW(MATCH_STR, OUTPUT_STR))
CHECK(map_str, ROW(MATCH_STR, OUTPUT_STR))
CHECK(map_str_int, ROW(MATCH_STR, OUTPUT_INT))
CHECK(map_str_ip, ROW(MATCH_STR, OUTPUT_IP))
CHECK(map_str_key, ROW(MATCH_STR, OUTPUT_KEY))
CHECK(map_beg, ROW(MATCH_BEG, OUTPUT_STR))
CHECK(map_beg_int, ROW(MATCH_BEG, OUTPUT_INT))
CHECK(map_beg_ip, ROW(MATCH_BEG, OUTPUT_IP))
CHECK(map_beg_key, ROW(MATCH_BEG, OUTPUT_KEY))
CHECK(map_sub, ROW(MATCH_SUB, OUTPUT_STR))
CHECK(map_sub_int, ROW(MATCH_SUB, OUTPUT_INT))
CHECK(map_sub_ip, ROW(MATCH_SUB, OUTPUT_IP))
CHECK(map_sub_key, ROW(MATCH_SUB, OUTPUT_KEY))
CHECK(map_dir, ROW(MATCH_DIR, OUTPUT_STR))
CHECK(map_dir_int, ROW(MATCH_DIR, OUTPUT_INT))
CHECK(map_dir_ip, ROW(MATCH_DIR, OUTPUT_IP))
CHECK(map_dir_key, ROW(MATCH_DIR, OUTPUT_KEY))
CHECK(map_dom, ROW(MATCH_DOM, OUTPUT_STR))
CHECK(map_dom_int, ROW(MATCH_DOM, OUTPUT_INT))
CHECK(map_dom_ip, ROW(MATCH_DOM, OUTPUT_IP))
CHECK(map_dom_key, ROW(MATCH_DOM, OUTPUT_KEY))
CHECK(map_end, ROW(MATCH_END, OUTPUT_STR))
CHECK(map_end_int, ROW(MATCH_END, OUTPUT_INT))
CHECK(map_end_ip, ROW(MATCH_END, OUTPUT_IP))
CHECK(map_end_key, ROW(MATCH_END, OUTPUT_KEY))
CHECK(map_reg, ROW(MATCH_REG, OUTPUT_STR))
CHECK(map_reg_int, ROW(MATCH_REG, OUTPUT_INT))
CHECK(map_reg_ip, ROW(MATCH_REG, OUTPUT_IP))
CHECK(map_reg_key, ROW(MATCH_REG, OUTPUT_KEY))
CHECK(map_int, ROW(MATCH_INT, OUTPUT_STR))
CHECK(map_int_int, ROW(MATCH_INT, OUTPUT_INT))
CHECK(map_int_ip, ROW(MATCH_INT, OUTPUT_IP))
CHECK(map_int_key, ROW(MATCH_INT, OUTPUT_KEY))
CHECK(map_ip, ROW(MATCH_IP, OUTPUT_STR))
CHECK(map_ip_int, ROW(MATCH_IP, OUTPUT_INT))
CHECK(map_ip_ip, ROW(MATCH_IP, OUTPUT_IP))
CHECK(map_ip_key, ROW(MATCH_IP, OUTPUT_KEY))
CHECK(map_regm, ROW(MATCH_REG, OUTPUT_GROUPS))

static const struct converter converters[] = {
    { "map", VALUE_STR, VALUE_STR, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_STR, OUTPUT_STR), check_map,
      "The text of the map's entry equal to the input." },
    { "map_str", VALUE_STR, VALUE_STR, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_STR, OUTPUT_STR), check_map_str,
      "The text of the map's entry equal to the input." },
    { "map_str_int", VALUE_STR, VALUE_INT, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_STR, OUTPUT_INT), check_map_str_int,
      "The number of the map's entry equal to the input." },
    { "map_str_ip", VALUE_STR, VALUE_ADDR, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_STR, OUTPUT_IP), check_map_str_ip,
      "The address of the map's entry equal to the input." },
    { "map_str_key", VALUE_STR, VALUE_STR, { { ARG_STR } }, run_map,
      ROW(MATCH_STR, OUTPUT_KEY), check_map_str_key,
      "The key of the map's entry equal to the input." },
    { "map_beg", VALUE_STR, VALUE_STR, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_BEG, OUTPUT_STR), check_map_beg,
      "The text of the map's entry with which the input begins (the longest)." },
    { "map_beg_int", VALUE_STR, VALUE_INT, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_BEG, OUTPUT_INT), check_map_beg_int,
      "The number of the map's entry with which the input begins (the longest)." },
    { "map_beg_ip", VALUE_STR, VALUE_ADDR, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_BEG, OUTPUT_IP), check_map_beg_ip,
      "The address of the map's entry with which the input begins (the longest)." },
    { "map_beg_key", VALUE_STR, VALUE_STR, { { ARG_STR } }, run_map,
      ROW(MATCH_BEG, OUTPUT_KEY), check_map_beg_key,
      "The key of the map's entry with which the input begins (the longest)." },
    { "map_sub", VALUE_STR, VALUE_STR, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_SUB, OUTPUT_STR), check_map_sub,
      "The text of the map's entry that the input contains." },
    { "map_sub_int", VALUE_STR, VALUE_INT, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_SUB, OUTPUT_INT), check_map_sub_int,
      "The number of the map's entry that the input contains." },
    { "map_sub_ip", VALUE_STR, VALUE_ADDR, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_SUB, OUTPUT_IP), check_map_sub_ip,
      "The address of the map's entry that the input contains." },
    { "map_sub_key", VALUE_STR, VALUE_STR, { { ARG_STR } }, run_map,
      ROW(MATCH_SUB, OUTPUT_KEY), check_map_sub_key,
      "The key of the map's entry that the input contains." },
    { "map_dir", VALUE_STR, VALUE_STR, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_DIR, OUTPUT_STR), check_map_dir,
      "The text of the map's entry that stands between slashes in the input." },
    { "map_dir_int", VALUE_STR, VALUE_INT, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_DIR, OUTPUT_INT), check_map_dir_int,
      "The number of the map's entry that stands between slashes in the input." },
    { "map_dir_ip", VALUE_STR, VALUE_ADDR, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_DIR, OUTPUT_IP), check_map_dir_ip,
      "The address of the map's entry that stands between slashes in the input." },
    { "map_dir_key", VALUE_STR, VALUE_STR, { { ARG_STR } }, run_map,
      ROW(MATCH_DIR, OUTPUT_KEY), check_map_dir_key,
      "The key of the map's entry that stands between slashes in the input." },
    { "map_dom", VALUE_STR, VALUE_STR, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_DOM, OUTPUT_STR), check_map_dom,
      "The text of the map's entry that stands between dots in the input." },
    { "map_dom_int", VALUE_STR, VALUE_INT, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_DOM, OUTPUT_INT), check_map_dom_int,
      "The number of the map's entry that stands between dots in the input." },
    { "map_dom_ip", VALUE_STR, VALUE_ADDR, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_DOM, OUTPUT_IP), check_map_dom_ip,
      "The address of the map's entry that stands between dots in the input." },
    { "map_dom_key", VALUE_STR, VALUE_STR, { { ARG_STR } }, run_map,
      ROW(MATCH_DOM, OUTPUT_KEY), check_map_dom_key,
      "The key of the map's entry that stands between dots in the input." },
    { "map_end", VALUE_STR, VALUE_STR, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_END, OUTPUT_STR), check_map_end,
      "The text of the map's entry with which the input ends." },
    { "map_end_int", VALUE_STR, VALUE_INT, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_END, OUTPUT_INT), check_map_end_int,
      "The number of the map's entry with which the input ends." },
    { "map_end_ip", VALUE_STR, VALUE_ADDR, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_END, OUTPUT_IP), check_map_end_ip,
      "The address of the map's entry with which the input ends." },
    { "map_end_key", VALUE_STR, VALUE_STR, { { ARG_STR } }, run_map,
      ROW(MATCH_END, OUTPUT_KEY), check_map_end_key,
      "The key of the map's entry with which the input ends." },
    { "map_reg", VALUE_STR, VALUE_STR, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_REG, OUTPUT_STR), check_map_reg,
      "The text of the map's entry whose regular expression matches the input." },
    { "map_reg_int", VALUE_STR, VALUE_INT, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_REG, OUTPUT_INT), check_map_reg_int,
      "The number of the map's entry whose regular expression matches the input." },
    { "map_reg_ip", VALUE_STR, VALUE_ADDR, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_REG, OUTPUT_IP), check_map_reg_ip,
      "The address of the map's entry whose regular expression matches the input." },
    { "map_reg_key", VALUE_STR, VALUE_STR, { { ARG_STR } }, run_map,
      ROW(MATCH_REG, OUTPUT_KEY), check_map_reg_key,
      "The key of the map's entry whose regular expression matches the input." },
    { "map_int", VALUE_INT, VALUE_STR, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_INT, OUTPUT_STR), check_map_int,
      "The text of the map's entry whose number or range holds the input." },
    { "map_int_int", VALUE_INT, VALUE_INT, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_INT, OUTPUT_INT), check_map_int_int,
      "The number of the map's entry whose number or range holds the input." },
    { "map_int_ip", VALUE_INT, VALUE_ADDR, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_INT, OUTPUT_IP), check_map_int_ip,
      "The address of the map's entry whose number or range holds the input." },
    { "map_int_key", VALUE_INT, VALUE_STR, { { ARG_STR } }, run_map,
      ROW(MATCH_INT, OUTPUT_KEY), check_map_int_key,
      "The key of the map's entry whose number or range holds the input." },
    { "map_ip", VALUE_ADDR, VALUE_STR, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_IP, OUTPUT_STR), check_map_ip,
      "The text of the map's entry whose network holds the input (the smallest)." },
    { "map_ip_int", VALUE_ADDR, VALUE_INT, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_IP, OUTPUT_INT), check_map_ip_int,
      "The number of the map's entry whose network holds the input (the smallest)." },
    { "map_ip_ip", VALUE_ADDR, VALUE_ADDR, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_IP, OUTPUT_IP), check_map_ip_ip,
      "The address of the map's entry whose network holds the input (the smallest)." },
    { "map_ip_key", VALUE_ADDR, VALUE_STR, { { ARG_STR } }, run_map,
      ROW(MATCH_IP, OUTPUT_KEY), check_map_ip_key,
      "The key of the map's entry whose network holds the input (the smallest)." },
    { "map_regm", VALUE_STR, VALUE_STR, { { ARG_STR }, { ARG_STR, true } }, run_map,
      ROW(MATCH_REG, OUTPUT_GROUPS), check_map_regm,
      "The text with groups of the map's entry whose regular expression matches the input." },
};
/* clang-format on */
REGISTER(converter, converters);
