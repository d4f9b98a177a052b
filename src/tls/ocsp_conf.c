/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ocsp-update.*: how OCSP answers are kept fresh.
 *
 * For:     the global section.
 * Thread:  builder.
 */
#include "weir/config/parse.h"
#include "weir/os/addr.h"
#include "private.h"

#define DELAY_MAX_S 86400

static struct tls_globals *
globals_of(struct parse *parse)
{
    return snapshot_slot(parse->snapshot, &tls_globals_slot);
}

static bool
parse_proxy(struct parse *parse)
{
    const char *word = parse_word(parse, "the address of an HTTP proxy");
    struct addr_spec spec;
    struct error err = ERROR_INIT;

    if (word == NULL)
        return false;
    if (!addr_parse(word, 0, &spec, &err))
        return parse_alert(parse, "%s", err.text);
    globals_of(parse)->ocsp_proxy = arena_copy(parse->arena, word);
    return true;
}

#define DELAY(name_, member_, flags_, help_)                                                       \
    {                                                                                              \
        name_, IN_GLOBAL, .flags = (flags_), .args = "<seconds>", .slot = &tls_globals_slot,       \
                          SET_INT(struct tls_globals, member_, 1, DELAY_MAX_S), .help = help_      \
    }

static const struct keyword keywords[] = {
    { "ocsp-update.mode", IN_GLOBAL, .args = "{ on | off }", .slot = &tls_globals_slot,
      SET_ON_OFF(struct tls_globals, ocsp_is_on),
      .help = "Fetch OCSP answers of all certificates that do not say 'ocsp-update' themselves." },
    { "ocsp-update.disable", IN_GLOBAL, .args = "{ on | off }", .slot = &tls_globals_slot,
      SET_ON_OFF(struct tls_globals, ocsp_is_off), .help = "Fetch no OCSP answers, whatever is said elsewhere." },
    { "ocsp-update.httpproxy", IN_GLOBAL, .args = "<address>[:<port>]", .parse = parse_proxy,
      .help = "Ask responders through this HTTP proxy; port 80 unless it is said." },
    DELAY("ocsp-update.mindelay", ocsp_min_s, 0,
          "The shortest time between two fetches for one certificate, 300 unless it is said; after failures "
          "it doubles."),
    DELAY("ocsp-update.maxdelay", ocsp_max_s, 0,
          "The longest time between two fetches for one certificate, 3600 unless it is said; answers that "
          "end earlier are fetched earlier."),
    DELAY("tune.ssl.ocsp-update.mindelay", ocsp_min_s, KEYWORD_HIDDEN, "Older name of ocsp-update.mindelay."),
    DELAY("tune.ssl.ocsp-update.maxdelay", ocsp_max_s, KEYWORD_HIDDEN, "Older name of ocsp-update.maxdelay."),
};
REGISTER(keyword, keywords);

static bool
on_check(struct parse *parse)
{
    const struct tls_globals *globals = globals_of(parse);

    return globals->ocsp_min_s <= globals->ocsp_max_s ||
           parse_alert(parse, "ocsp-update.mindelay (%lld s) is above ocsp-update.maxdelay (%lld s)",
                       (long long)globals->ocsp_min_s, (long long)globals->ocsp_max_s);
}

static const struct config_hook hooks[] = {
    { CONFIG_CHECK, ORDER_TLS, on_check, "tls: ocsp-update" },
};
REGISTER(config_hook, hooks);
