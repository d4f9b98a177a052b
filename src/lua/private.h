/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of room lua share.
 *
 * A set is all scripts of one snapshot: one state that all threads share behind a lock (lua-load),
 * and one state for each thread (lua-load-per-thread). The set goes when nobody holds the snapshot.
 * Whoever runs a script enters its state, and leaves it; nothing of Lua is touched outside.
 */
#pragma once

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "weir/base/hashmap.h"
#include "weir/base/list.h"
#include "weir/cli/command.h"
#include "weir/config/keyword.h"
#include "weir/config/snapshot.h"
#include "weir/expr/sample.h"
#include "weir/loop/timer.h"
#include "weir/rules/action.h"
#include "weir/stream/stream.h"

struct filter;

struct script_state;
struct script_set;

/* --- libraries.c ------------------------------------------------------------------------------------ */

/* Opens Lua's libraries and weir's classes in a new state. */
void script_libraries_open(struct script_state *state);
/* The number of one of Lua's libraries; -1: unknown. */
int script_library_find(const char *name);

/* --- settings: script_conf.c --------------------------------------------------------------------- */

enum script_stderr { SCRIPT_STDERR_AUTO, SCRIPT_STDERR_OFF, SCRIPT_STDERR_ON };

struct script_limits {
    uint64_t memory_max;   /* bytes of all states together; 0: no limit */
    int64_t forced_yield;  /* VM instructions; 0: as built in */
    int64_t burst_ms;      /* the longest run without a pause; 0: no limit */
    int64_t session_ms, task_ms, service_ms; /* time of running, pauses not counted; 0: no limit */
    bool logs_to_loggers;
    enum script_stderr logs_to_stderr;
    bool has_real_booleans; /* else samples give 0 and 1 */
};

/* --- functions of scripts that weir calls: register.c ---------------------------------------------- */

enum script_kind {
    SCRIPT_FETCH,
    SCRIPT_CONVERTER,
    SCRIPT_ACTION,
    SCRIPT_SERVICE,
    SCRIPT_COMMAND,
    SCRIPT_FILTER,
    SCRIPT_KINDS,
};

struct script_fn {
    struct list link; /* in set->functions */
    enum script_kind kind;
    const char *name; /* as the script says it, without "lua." */
    struct script_set *set;
    bool is_shared; /* of the shared state */
    int *refs;      /* by index of the state; LUA_NOREF: not registered there */
    unsigned hooks; /* actions: set of ON(hook) */
    int arg_count;  /* actions: how many words follow */
    bool is_http;   /* services */
    const char *usage;     /* commands */
    struct fetch fetch;         /* what expressions see */
    struct converter converter; /* the same */
    struct command command;     /* what the runtime socket sees */
};

/* --- states: script.c ------------------------------------------------------------------------------- */

#define SCRIPT_IDLE_MAX 64 /* coroutines that wait for work */

/* Somebody for whom a script runs. Set while it runs, so that what the script calls finds it. */
struct script_run {
    struct eval *eval;         /* NULL: not for traffic */
    struct script_task *task;  /* NULL: no task */
    struct filter *filter;     /* NULL: no filter */
    struct applet *applet;     /* NULL: no service */
    unsigned wants;            /* of a service: set of enum applet_next that it waits for */
    lua_State *co;             /* in which it runs; NULL: in none */
    struct script_run **waiter; /* who will wake it keeps the run there; NULL: nobody: script_wait.c */
    int64_t began_us;          /* monotonic: this burst */
    int64_t spent_us;          /* bursts before it */
    int64_t limit_us;          /* of all bursts together; 0: none */
    int64_t wake_ms;           /* it pauses: until then (loop time) */
    bool may_pause;
    bool was_cut;              /* it ran too long */
    bool is_over;              /* ended by itself: txn:done() */
    const char *what, *name;   /* "fetch" "x": for messages */
};

struct script_state {
    lua_State *lua; /* owns */
    struct script_set *set;
    bool is_shared;
    unsigned index;         /* thread->index; 0 as well for the shared one */
    pthread_mutex_t mutex;  /* of the shared one; recursive */
    uint64_t used;          /* bytes */
    bool is_inside;         /* Lua runs, in protected mode: it may be told that memory is out */
    struct script_run *run; /* NULL: nobody runs */
    struct hashmap calls;   /* owns: arguments of fetches and converters, by what was asked; class_fetches.c */
    struct {
        lua_State *co;
        int ref;
    } idle[SCRIPT_IDLE_MAX];
    unsigned idle_count;
    uint32_t event_mask; /* atomic: what subscriptions want: event.c */
    struct list waiting; /* in queues: class_queue.c */
    struct list tasks; /* struct script_task */
    unsigned task_count;
};

struct script_set {
    struct snapshot *snapshot; /* that it belongs to */
    struct script_limits limits;
    unsigned libraries;       /* bits of libraries.c that are left out */
    const char *path, *cpath; /* lua-prepend-path; in the snapshot; NULL: as built in */
    struct script_state *shared; /* owns; NULL: no lua-load */
    struct script_state **own;   /* owns; by thread index; NULL: no lua-load-per-thread */
    unsigned own_count;
    struct list functions;  /* struct script_fn; owns */
    struct script_file *files; /* lua-load-per-thread, in order; owns */
    struct parse *parse;    /* while files are loaded; else NULL */
    struct error *err;      /* the same */
    bool is_ready;          /* all is loaded: nothing more can be registered */
    bool is_retired;        /* another configuration is in force */
};

/* The one of a snapshot; NULL: it has no scripts. Any thread. */
struct script_set *script_set_of(const struct snapshot *snapshot);
/* Builder; makes it. */
struct script_set *script_set_make(struct parse *parse);
/* Of the configuration in force; NULL: it has no scripts. Control. */
struct script_set *script_set_current(void);
/* NULL is fine. */
void script_set_free(struct script_set *set);
/* Builder. False: err. */
bool script_load_shared(struct script_set *set, const char *file, const char **args, unsigned count,
                        struct error *err);
bool script_load_own(struct script_set *set, const char *file, const char **args, unsigned count,
                     struct error *err);
/* What was loaded into the first state of its own, into those of the other threads. */
bool script_load_rest(struct script_set *set, struct error *err);

/* Of a coroutine or a state. */
static inline struct script_state *
script_state_of(lua_State *lua)
{
    return *(struct script_state **)lua_getextraspace(lua);
}
/* The state in which this thread runs it; NULL: its script is not loaded for this thread. */
struct script_state *script_state_for(const struct script_fn *fn);
/* Takes the lock of a shared one; false: there is no memory for it. `run` is in force until leave. Returns the run
 * that was interrupted, to be given to script_leave(). */
struct script_run *script_enter(struct script_state *state, struct script_run *run);
void script_leave(struct script_state *state, struct script_run *before);
void script_lock(struct script_state *state);
void script_unlock(struct script_state *state);

/* Runs it on that thread, a turn of its loop later; the state lives meanwhile. Any thread that has a loop:
 * script_errand.c. */
typedef void script_errand_fn(struct script_state *state, void *arg);
void script_send(struct script_state *state, struct thread *to, script_errand_fn *fn, void *arg);

/* Calls the function below `args` arguments; errors are told, and counted. False: it failed, nothing
 * is left on the stack. */
bool script_call(lua_State *lua, int args, int results);
/* Tells what lies on the stack, which is popped; counts it. */
void script_tell_error(lua_State *lua);
/* Ends the script that calls it, without an error: txn:done(). */
int script_stop(lua_State *lua) __attribute__((noreturn));
bool script_is_stop(lua_State *lua, int at);

/* A coroutine of the state, for a function with its arguments. NULL: no memory. Entered. */
lua_State *script_coroutine_take(struct script_state *state, int *ref);
void script_coroutine_give(struct script_state *state, lua_State *co, int ref);
/* Runs it on, entered; as lua_resume(). */
int script_resume(struct script_state *state, lua_State *co, int args, int *results);
/* The script pauses until `ms` of the loop, at the earliest; it must be in a coroutine that may. Lua error otherwise. Return
 * its result from the C function. */
int script_pause(lua_State *lua, int64_t wake_ms);
int64_t script_now_ms(void);
int64_t script_now_us(void);

/* --- values: script_value.c -------------------------------------------------------------------------- */

void script_push_str(lua_State *lua, struct str s);
/* The type that the sample has. */
void script_push_value(lua_State *lua, const struct value *value);
/* Always a string; "" for none (NULL). */
void script_push_value_str(lua_State *lua, const struct value *value, struct arena *arena);
/* Bytes are copied. False: there is nothing that a sample could be. */
bool script_to_value(lua_State *lua, int at, struct value *out, struct arena *arena);
struct str script_to_str(lua_State *lua, int at); /* a string or number; Lua error otherwise */
struct str script_opt_str(lua_State *lua, int at); /* ptr NULL: none */

/* --- classes: class.c ---------------------------------------------------------------------------------- */

/* A metatable in the registry, with its functions as __index. Leaves nothing on the stack. */
void script_class_new(lua_State *lua, const char *name, const luaL_Reg *functions);
/* On top of the stack: a new table of that class. */
void script_object_new(lua_State *lua, const char *class);

/* --- class_txn.c: what scripts see of a stream ---------------------------------------------------------- */

#define SCRIPT_TXN_MAGIC 0x54584e31u
struct script_txn { /* userdata, [0] of TXN and of what hangs off it */
    unsigned magic;
    struct eval *eval; /* NULL: not at hand now */
    enum hook hook;
};

/* Pushes the TXN of the stream, or one for this moment alone. It is at hand until script_txn_lay_down(). */
struct script_txn *script_txn_push(struct script_state *state, lua_State *lua, struct eval *eval);
/* The stream's TXN is not at hand any more, until it is pushed again. */
void script_txn_rest(struct script_state *state, struct stream *s);
/* Of the object at `at`. Lua error: it is none, or not at hand. */
/* An object like TXN in the table on top, with nothing at hand yet. */
struct script_txn *script_txn_add(lua_State *lua);
/* __index of such objects; upvalue: the functions of the class. */
int script_txn_index(lua_State *lua);
struct script_txn *script_txn_at(lua_State *lua, int at);
void script_add_class_txn(lua_State *lua);
void script_add_class_fetches(lua_State *lua);
void script_add_class_http(lua_State *lua);
void script_add_core(lua_State *lua, struct script_state *state);
void script_calls_free(struct script_state *state);

/* --- the stream's part: script_stream.c ------------------------------------------------------------------ */

/* What a stream keeps in one of the two states. */
struct script_side {
    struct script_state *state; /* NULL: not used yet */
    int txn_ref;                /* LUA_NOREF: none */
    struct script_txn *txn;
    lua_State *co; /* that waits; NULL: none does */
    int co_ref;
    struct script_run run;
};
struct script_stream {
    struct stream_guest guest; /* first */
    struct script_side sides[2]; /* own, shared */
    size_t given[2]; /* to the server, to the client: what actions have given on of what came: class_channel.c */
};
/* Makes it. NULL: out of memory. */
struct script_side *script_side_of(struct script_state *state, struct stream *s);

/* --- services: class_applet.c ----------------------------------------------------------------------------- */

/* Pushes AppletHTTP or AppletTCP. */
struct script_txn *script_applet_push(lua_State *lua, struct applet *applet, bool is_http);
void script_add_class_applet(lua_State *lua);

/* --- the world outside: class_socket.c, class_client.c ------------------------------------------------------- */

void script_add_class_socket(lua_State *lua);
void script_add_class_client(lua_State *lua);

/* --- waiting for something other than time: script_wait.c ---------------------------------------------------- */

/* The script pauses until `waiter`, which must outlive the pause, is given to script_wake(), or until `wake_ms` of the
 * loop; then `go_on` is called. Lua error if nobody can wait here. */
int script_wait(lua_State *lua, struct script_run **waiter, int64_t wake_ms, lua_KContext ctx, lua_KFunction go_on);
/* NULL is fine. Owner. */
void script_wake(struct script_run *run);
/* It waits no more. Owner. */
void script_run_forget(struct script_run *run);

struct chain;
/* Where the first line ends; -1: nowhere. */
long script_find_line(const struct chain *chain);
/* Takes bytes out of a chain: pushed as a string. */
void script_push_taken(lua_State *lua, struct chain *chain, size_t len);
/* The same, added to a list; nothing for no bytes. */
void script_keep_piece(lua_State *lua, int list, struct chain *chain, size_t len);
/* All of a list in one string. */
void script_push_pieces(lua_State *lua, int list);
/* table, name, value on top: the value is added to the list of that name, which counts from 0; both are popped. */
void script_add_to_list(lua_State *lua);

/* --- registration: register.c ------------------------------------------------------------------------------ */

#define SCRIPT_INITS "weir.inits" /* in the registry: functions of core.register_init() */

void script_add_register(lua_State *lua);
/* What expressions and the runtime socket see of it. */
void script_fetch_fill(struct script_fn *fn);
void script_converter_fill(struct script_fn *fn);
void script_command_fill(struct script_fn *fn);
void script_add_act(lua_State *lua);
void script_add_class_cli(lua_State *lua);
struct script_fn *script_fn_find(const struct script_set *set, enum script_kind kind, struct str name);

/* --- tasks: script_task.c ----------------------------------------------------------------------------------- */

int script_register_task(lua_State *lua);
/* Control. Tasks begin on their threads, or end. */
void script_tasks_begin(struct script_set *set);
void script_tasks_end(struct script_set *set);
void script_task_wake(struct script_task *task);
void script_task_free_all(struct script_state *state);

/* --- logs: script_log.c -------------------------------------------------------------------------------------- */

/* To the loggers of the proxy, or the global ones (NULL), and to stderr, as tune.lua.log says. */
void script_log(lua_State *lua, const struct proxy_conf *proxy, int level, struct str text);
int script_check_level(lua_State *lua, int at);

/* --- questions and orders for the control thread: ask.c, answer.c ---------------------------------------------- */

/* How the text of an answer becomes what the script gets. */
enum script_answer {
    ANSWER_INFO,  /* "show info": a table of names and values */
    ANSWER_STAT,  /* "show stat": its first row, by the names of columns */
    ANSWER_TABLE, /* "show table": entries by their keys */
    ANSWER_CERT,  /* a text is an error */
};

/* Gives the command; nobody waits for its answer. Any thread. */
void script_order(const char *line);
/* `return script_ask(...)` from a C function: the script waits, the answer is its result. On the control thread it
 * comes at once. Lua error: the script cannot wait. */
int script_ask(lua_State *lua, const char *line, enum script_answer how);
/* The same for a certificate, which is taken. */
struct script_cert;
int script_ask_cert(lua_State *lua, struct script_cert *cert);
/* Reads the text at the top of the stack; leaves one result. */
int script_answer_read(lua_State *lua, enum script_answer how);
void script_add_ask(lua_State *lua);

/* --- class_cert.c: certificates that scripts replace -------------------------------------------------------------- */

/* All its parts, or nothing; `out`: why not. Control. */
void script_cert_set(const struct script_cert *cert, struct text *out);
void script_cert_free(struct script_cert *cert); /* NULL is fine */
void script_add_class_cert(lua_State *lua);

/* --- class_proxy.c ... ------------------------------------------------------------------------------------------ */

void script_add_class_proxy(lua_State *lua);
void script_add_class_server(lua_State *lua);
void script_add_class_table(lua_State *lua);
void script_add_class_map(lua_State *lua);
void script_add_class_regex(lua_State *lua);
void script_add_class_queue(lua_State *lua);
/* The coroutine will serve another script: pushes wake it no more. */
void script_alarms_forget(struct script_state *state, lua_State *co);
void script_push_proxy(lua_State *lua, struct proxy_conf *conf);
struct server_conf;
void script_push_server(lua_State *lua, struct server_conf *conf);
struct stick_table_conf;
void script_push_table(lua_State *lua, struct stick_table_conf *conf);

/* An object that stands for something of the configuration: a table whose [0] is a userdata with its address, of
 * that class. Leaves it on the stack. */
void script_handle_new(lua_State *lua, const char *class, void *what);
/* What the object at `at` stands for. Lua error: it is of another class. */
void *script_handle_at(lua_State *lua, int at, const char *class);

/* --- event.c -------------------------------------------------------------------------------------------------------- */

/* core.event_sub() */
void script_add_events(lua_State *lua);
