/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What scripts want logged.
 *
 * For:     core.log, core.Info ..., and the same of TXN.
 * Thread:  who has entered the state.
 */
#include "weir/proxy/proxy.h"
#include "weir/telemetry/log.h"
#include "weir/telemetry/notice.h"
#include "private.h"

int
script_check_level(lua_State *lua, int at)
{
    lua_Integer level = luaL_checkinteger(lua, at);

    luaL_argcheck(lua, level >= LOG_LEVEL_EMERG && level <= LOG_LEVEL_DEBUG, at, "no log level");
    return (int)level;
}

/* One line: what could break it becomes a dot. */
static struct str
clean(struct str text, char *to, size_t size)
{
    size_t len = text.len < size ? text.len : size;

    for (size_t i = 0; i < len; i++)
        to[i] = text.ptr[i] < ' ' && text.ptr[i] != '\t' && text.ptr[i] >= 0 ? '.' : text.ptr[i];
    return str_of(to, len);
}

void
script_log(lua_State *lua, const struct proxy_conf *proxy, int level, struct str text)
{
    const struct script_limits *limits = &script_state_of(lua)->set->limits;
    const struct log_targets *targets = proxy != NULL ? proxy->logs : log_global_targets();
    bool is_wanted = log_targets_want(targets, (enum log_level)level);
    char buffer[4096];

    text = clean(text, buffer, sizeof(buffer));
    if (limits->logs_to_loggers && is_wanted)
        log_send(targets, (enum log_level)level, NULL, text, STR_NONE);
    if (limits->logs_to_stderr == SCRIPT_STDERR_ON ||
        (limits->logs_to_stderr == SCRIPT_STDERR_AUTO && targets == NULL))
        notice_print_framed(str_from(lua_pushfstring(lua, "[%s] (%d) : %s\n",
                                                     log_level_name((enum log_level)level),
                                                     (int)getpid(),
                                                     lua_pushlstring(lua, text.ptr, text.len))));
}
