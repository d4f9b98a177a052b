/* SPDX-License-Identifier: Apache-2.0 */
/*
 * More words on server lines: the state they begin with, kept connections, on-marked-up.
 *
 * Thread: builder; traffic threads ask for the name of a connection.
 */
#include <string.h>

#include "weir/expr/eval.h"
#include "weir/expr/sample.h"
#include "private.h"

struct server_words {
    const struct sample *connection_name; /* pool-conn-name; NULL: none */
};

static struct slot words_slot = SLOT("server words", SLOT_SERVER, struct server_words);
REGISTER_SLOT(words_slot);

bool
server_connection_name(const struct server_conf *conf, struct eval *eval, struct str *name)
{
    const struct server_words *words = slot_of_const(conf->slots, &words_slot);
    uint32_t place = eval->place;
    struct value value;

    if (words->connection_name == NULL)
        return false;
    eval->place = PLACE_BE_CONNECT;
    *name = sample_run_as(words->connection_name, eval, VALUE_STR, &value) == FETCH_OK
                ? value.str
                : STR("");
    eval->place = place;
    return true;
}

static bool
parse_connection_name(struct parse *parse)
{
    struct server_words *words = keyword_slot(parse, &words_slot);

    words->connection_name = sample_parse(parse, PLACE_BE_CONNECT);
    return words->connection_name != NULL;
}

static bool
parse_on_marked_up(struct parse *parse)
{
    static const char *const names[] = { "shutdown-backup-sessions", NULL };
    int at;

    if (!parse_choice(parse, "'shutdown-backup-sessions'", names, &at))
        return false;
    ((struct server_conf *)parse->object)->on_marked_up = 1;
    return true;
}

static bool
parse_init_state(struct parse *parse)
{
    static const char *const names[] = { "none", "fully-up", "up", "down", "fully-down", NULL };

    return parse_choice(parse, "none, fully-up, up, down or fully-down", names,
                        &((struct server_conf *)parse->object)->init_state);
}

static bool
parse_low_conn(struct parse *parse)
{
    struct server_conf *srv = parse->object;

    return parse_int(parse, "a number of connections", 0, INT32_MAX, &srv->pool_low_conn) &&
           (srv->pool_low_conn == 0 ||
            parse_warn(parse, "'pool-low-conn' changes nothing: threads never take kept connections "
                              "from each other"));
}

static const struct keyword keywords[] = {
    { "init-state", IN_SERVER, .args = "none|fully-up|up|down|fully-down",
      .parse = parse_init_state,
      .help = "Up or down until checks say otherwise; one check changes it, or, with 'fully', as "
              "many as 'fall' and 'rise' say." },
    { "on-marked-up", IN_SERVER, .args = "shutdown-backup-sessions", .parse = parse_on_marked_up,
      .help = "End the sessions of backup servers when this one comes up." },
    { "pool-conn-name", IN_SERVER, .args = "<expression>", .parse = parse_connection_name,
      .help = "Only streams with the same name share kept connections; instead of the name of "
              "'sni'." },
    { "pool-low-conn", IN_SERVER, .args = "<count>", .parse = parse_low_conn,
      .help = "Leave so many kept connections to each thread, which is always the case." },
    { "strict-maxconn", IN_SERVER, SET_FLAG(struct server_conf, strict_maxconn),
      .help = "Count kept connections for 'maxconn' too. They are kept with one thread only." },
};
REGISTER(keyword, keywords);
