/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Environment variables in the global section, and those that weir presets for it.
 *
 * For:     files that serve several machines; formats that are extended: "${HAPROXY_HTTP_LOG_FMT}
 * ...". Owns:    nothing: the snapshot has the table (config/environment.h). Thread:  builder.
 */
#include <string.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/base/version.h"
#include "weir/config/environment.h"
#include "weir/config/keyword.h"
#include "weir/main/options.h"
#include "private.h"

/* --- keywords ---------------------------------------------------------------------------- */

static bool
parse_setenv(struct parse *parse)
{
    const char *name = parse_word(parse, "a variable's name");
    const char *value = name == NULL ? NULL : parse_word(parse, "a value behind the name");
    bool is_preset = strcmp(parse->keyword, "presetenv") == 0;

    if (value == NULL)
        return false;
    if (strchr(name, '=') != NULL)
        return parse_alert(parse, "a variable's name cannot have a '=' in it");
    if (!is_preset || environment_find(parse->snapshot, name) == NULL)
        environment_set(parse->snapshot, name, value);
    return parse_end(parse);
}

static bool
parse_unsetenv(struct parse *parse)
{
    const char *name = parse_word(parse, "names of variables");

    for (; name != NULL; name = words_next(parse->words))
        environment_remove(parse->snapshot, name);
    return true;
}

static bool
is_kept(const struct words *words, const char *name)
{
    for (unsigned i = words->at; i < words->count; i++) {
        if (strcmp(words->items[i].text, name) == 0)
            return true;
    }
    return false;
}

/* The table may not change while it is walked over. */
static bool
parse_resetenv(struct parse *parse)
{
    const char **names = NULL, *name, *value;
    size_t at = 0, count = 0, next = 0;

    while (environment_next(parse->snapshot, &at, &name, &value))
        count++;
    names = ARENA_ARRAY(parse->arena, const char *, count);
    for (at = 0; environment_next(parse->snapshot, &at, &name, &value);)
        names[next++] = name;
    for (size_t i = 0; i < count; i++) {
        if (!is_kept(parse->words, names[i]))
            environment_remove(parse->snapshot, names[i]);
    }
    words_rest(parse);
    return true;
}

static const struct keyword keywords[] = {
    { "setenv", IN_GLOBAL, .args = "<name> <value>", .parse = parse_setenv,
      .help = "Set an environment variable." },
    { "presetenv", IN_GLOBAL, .args = "<name> <value>", .parse = parse_setenv,
      .help = "Set an environment variable unless it is set." },
    { "unsetenv", IN_GLOBAL, .args = "<name>...", .parse = parse_unsetenv,
      .help = "Remove environment variables." },
    { "resetenv", IN_GLOBAL, .args = "[<name>...]", .parse = parse_resetenv,
      .help = "Remove all environment variables but these." },
};
REGISTER(keyword, keywords);

/* --- preset variables ----------------------------------------------------------------------- */

#define HTTP_FORMAT                                                                                \
    "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc "         \
    "%sq/%bq %hr %hs %{+Q}r"
#define TLS_FIELDS                                                                                 \
    " %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/%[ssl_fc_is_resumed] "              \
    "%[ssl_fc_sni]/%sslv/%sslc"
#define TCP_FORMAT "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq"
#define HTTP_CLF_FORMAT                                                                            \
    "%{+Q}o %{-Q}ci - - [%trg] %r %ST %B \"\" \"\" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc "    \
    "%ac %fc %bc %sc %rc %sq %bq %CC %CS %hrl %hsl"

static const struct {
    const char *name, *value;
} presets[] = {
    { "HAPROXY_BRANCH", WEIR_COMPAT_BRANCH }, { "HAPROXY_STARTUP_VERSION", WEIR_COMPAT_VERSION },
    { "HAPROXY_HTTP_LOG_FMT", HTTP_FORMAT },  { "HAPROXY_HTTPS_LOG_FMT", HTTP_FORMAT TLS_FIELDS },
    { "HAPROXY_TCP_LOG_FMT", TCP_FORMAT },    { "HAPROXY_HTTP_CLF_LOG_FMT", HTTP_CLF_FORMAT },
};

static bool
preset(struct parse *parse)
{
    const struct options *options = global_conf_options();
    char host[256] = "";

    gethostname(host, sizeof(host) - 1);
    environment_set(parse->snapshot, "HAPROXY_LOCALPEER",
                    options != NULL && options->peer_name != NULL ? options->peer_name : host);
    for (size_t i = 0; i < COUNT(presets); i++)
        environment_set(parse->snapshot, presets[i].name, presets[i].value);
    return true;
}

/* Only seen from outside: "show env", and programs that weir runs. */
static bool
tell_files(struct parse *parse)
{
    const struct options *options = global_conf_options();
    struct text files = TEXT_INIT;

    if (options == NULL)
        return true;
    for (unsigned i = 0; i < options->sources.count; i++)
        text_printf(&files, "%s%s", i == 0 ? "" : ";", options->sources.paths[i]);
    environment_set(parse->snapshot, "HAPROXY_CFGFILES", text_cstr(&files));
    if (options->is_master)
        environment_set(parse->snapshot, "HAPROXY_MWORKER", "1");
    text_fini(&files);
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_START, ORDER_CONFIG, preset, "main: preset environment" },
    { CONFIG_CHECK, ORDER_MAIN, tell_files, "main: names of files for the environment" },
};
REGISTER(config_hook, hooks);
