/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crt-store sections: certificates that are declared once, file by file, and named elsewhere.
 *
 * For:     bind and server lines, crt-list files, converters of JSON Web Tokens.
 * Owns:    the certificates, for the snapshot.
 * Callers: the parser; cert_loader.c reads the files.
 * Thread:  builder; control publishes.
 *
 * "@store/alias" names one, or "@store/file"; the store without a name is "@/...", and its files
 * are also found where a plain path says the same.
 */
#include <string.h>

#include "weir/tls/cert_store.h"
#include "private.h"

/* The section in hand. */
struct crt_store {
    const char *name; /* "": none */
    const char *crt_base, *key_base;
};

/* --- names ------------------------------------------------------------------------------------- */

static void
know_as(struct parse *parse, struct crt_load *load, const char *name)
{
    struct tls_globals *globals = snapshot_slot(parse->snapshot, &tls_globals_slot);

    if (hashmap_find(&globals->load_names, str_from(name)) == NULL)
        hashmap_set(&globals->load_names, str_from(name), load);
}

struct crt_load *
crt_load_find(const struct snapshot *snapshot, const char *name)
{
    return hashmap_find(&tls_globals_of(snapshot)->load_names, str_from(name));
}

/* --- load lines ---------------------------------------------------------------------------------- */

static const char *
in_folder(struct parse *parse, const char *base, const char *path)
{
    return base == NULL || path[0] == '/' ? path : arena_printf(parse->arena, "%s/%s", base, path);
}

static bool
set_file(struct parse *parse, char **to, const char *base)
{
    const char *word = parse_word(parse, "a file");

    if (word == NULL)
        return false;
    *to = arena_copy(parse->arena, in_folder(parse, base, word));
    return true;
}

static bool
read_crt(struct parse *parse, struct crt_load *load, const struct crt_store *store)
{
    load->written = words_peek(parse->words);
    return set_file(parse, &load->files.crt, store->crt_base);
}

static bool
read_key(struct parse *parse, struct crt_load *load, const struct crt_store *store)
{
    return set_file(parse, &load->files.key, store->key_base);
}

static bool
read_ocsp(struct parse *parse, struct crt_load *load, const struct crt_store *store)
{
    return set_file(parse, &load->files.ocsp, store->crt_base);
}

static bool
read_issuer(struct parse *parse, struct crt_load *load, const struct crt_store *store)
{
    return set_file(parse, &load->files.issuer, store->crt_base);
}

static bool
read_sctl(struct parse *parse, struct crt_load *load, const struct crt_store *store)
{
    return set_file(parse, &load->files.sctl, store->crt_base);
}

static bool
read_alias(struct parse *parse, struct crt_load *load, const struct crt_store *store)
{
    (void)store;
    load->alias = parse_word(parse, "a name");
    if (load->alias == NULL)
        return false;
    return strchr(load->alias, '/') == NULL ||
           parse_alert(parse, "an alias has no '/' in it, which stands between store and name");
}

static bool
read_jwt(struct parse *parse, struct crt_load *load, const struct crt_store *store)
{
    const char *next = words_peek(parse->words);

    (void)store;
    load->is_jwt = true;
    if (next == NULL || (strcmp(next, "on") != 0 && strcmp(next, "off") != 0))
        return true;
    return parse_on_off(parse, &load->is_jwt);
}

static bool
read_ocsp_update(struct parse *parse, struct crt_load *load, const struct crt_store *store)
{
    const char *next = words_peek(parse->words);
    bool is_on = true;

    (void)store;
    if (next != NULL && (strcmp(next, "on") == 0 || strcmp(next, "off") == 0) &&
        !parse_on_off(parse, &is_on))
        return false;
    load->freshness = is_on ? OCSP_UPDATE_ON : OCSP_UPDATE_OFF;
    return true;
}

static bool
read_watch(struct parse *parse, struct crt_load *load, const struct crt_store *store)
{
    (void)parse;
    (void)store;
    return load->is_watched = true;
}

static const struct {
    const char *name;
    bool (*read)(struct parse *parse, struct crt_load *load, const struct crt_store *store);
} load_words[] = {
    { "crt", read_crt },   { "key", read_key },     { "ocsp", read_ocsp }, { "issuer", read_issuer },
    { "sctl", read_sctl }, { "alias", read_alias }, { "jwt", read_jwt },   { "watch", read_watch },
    { "ocsp-update", read_ocsp_update },
};
static const char *const later_words[] = { "acme", "domains", "ips", "generate-dummy",
                                           "keytype", "bits", "curves" };

static bool
read_word(struct parse *parse, struct crt_load *load, const struct crt_store *store,
          unsigned *seen)
{
    const char *word = words_next(parse->words);
    const char *names[COUNT(load_words) + 1] = { NULL };

    for (size_t i = 0; i < COUNT(load_words); i++) {
        names[i] = load_words[i].name;
        if (strcmp(word, load_words[i].name) != 0)
            continue;
        if ((*seen & 1u << i) != 0)
            parse_warn(parse, "'%s' stands twice on this line; the last one counts", word);
        *seen |= 1u << i;
        return load_words[i].read(parse, load, store);
    }
    for (size_t i = 0; i < COUNT(later_words); i++) {
        if (strcmp(word, later_words[i]) == 0)
            return parse_not_yet(parse, arena_printf(parse->arena, "load ... %s", word));
    }
    return parse_alert(parse, "unknown word '%s'%s", word, parse_suggest(parse, word, names));
}

static bool
add_load(struct parse *parse, struct crt_load *load, const struct crt_store *store)
{
    struct tls_globals *globals = snapshot_slot(parse->snapshot, &tls_globals_slot);
    const char *name = load->alias != NULL ? load->alias : load->written;
    struct crt_load *same;

    load->name = store->name[0] == '\0' && load->alias == NULL
                     ? load->files.crt
                     : arena_printf(parse->arena, "@%s/%s", store->name, name);
    same = crt_load_find(parse->snapshot, load->name);
    if (same != NULL)
        return parse_alert(parse, "'%s' was declared at %s:%d already", load->name, same->pos.file,
                           same->pos.line);
    know_as(parse, load, load->name);
    know_as(parse, load, arena_printf(parse->arena, "@%s/%s", store->name, load->written));
    know_as(parse, load, arena_printf(parse->arena, "@%s/%s", store->name, load->files.crt));
    load->next = globals->loads;
    globals->loads = load;
    return true;
}

static bool
parse_load(struct parse *parse)
{
    const struct crt_store *store = parse->object;
    struct crt_load *load = ARENA_NEW(parse->arena, struct crt_load);
    unsigned seen = 0;

    load->pos = parse_pos(parse);
    while (!words_at_end(parse->words)) {
        if (!read_word(parse, load, store, &seen))
            return false;
    }
    if (load->files.crt == NULL)
        return parse_alert(parse, "'load' needs 'crt' and the file of the certificate");
    return add_load(parse, load, store);
}

/* --- the section ------------------------------------------------------------------------------------ */

static bool
parse_base(struct parse *parse)
{
    struct crt_store *store = parse->object;
    const char *word = parse_word(parse, "a folder");

    if (word == NULL)
        return false;
    *(strcmp(parse->keyword, "key-base") == 0 ? &store->key_base : &store->crt_base) =
        arena_copy(parse->arena, word);
    return parse_end(parse);
}

static bool
open_store(struct parse *parse)
{
    const struct tls_globals *globals = tls_globals_of(parse->snapshot);
    struct crt_store *store = ARENA_NEW(parse->arena, struct crt_store);
    const char *name = words_next(parse->words);

    store->name = name == NULL ? "" : arena_copy(parse->arena, name);
    store->crt_base = globals->crt_base;
    store->key_base = globals->key_base;
    parse->object = store;
    return parse_end(parse);
}

static bool
parse_key_base(struct parse *parse)
{
    struct tls_globals *globals = snapshot_slot(parse->snapshot, &tls_globals_slot);

    globals->key_base = parse_word(parse, "a folder");
    if (globals->key_base != NULL)
        globals->key_base = arena_copy(parse->arena, globals->key_base);
    return globals->key_base != NULL && parse_end(parse);
}

static const struct section sections[] = {
    { "crt-store", IN_CRT_STORE, open_store, NULL,
      "Certificates that are declared once, with the files that belong to them.", NULL },
};
REGISTER(section, sections);

static const struct keyword keywords[] = {
    { "key-base", IN_GLOBAL, .args = "<folder>", .parse = parse_key_base,
      .help = "Where crt-store sections look for relative names of keys." },
    { "crt-base", IN_CRT_STORE, .args = "<folder>", .parse = parse_base,
      .help = "Where this section looks for relative names." },
    { "key-base", IN_CRT_STORE, .args = "<folder>", .parse = parse_base,
      .help = "Where this section looks for relative names of keys." },
    { "load", IN_CRT_STORE,
      .args = "crt <file> [key|ocsp|issuer|sctl <file>] [alias <name>] [jwt [on|off]] [watch] [ocsp-update [on|off]]",
      .parse = parse_load,
      .help = "Declares a certificate and the files that belong to it, and no others. Bind lines name it "
              "@<store>/<alias> or @<store>/<file>; jwt: converters of JSON Web Tokens may use it; watch: "
              "files that are replaced are taken up within seconds." },
};
REGISTER(keyword, keywords);

/* --- stages of a configuration ------------------------------------------------------------------------ */

static bool
on_check(struct parse *parse)
{
    return cert_loader_run_loads(parse);
}

static bool
on_publish(struct parse *parse)
{
    cert_store_declare(tls_globals_of(parse->snapshot)->loads);
    jwt_certs_publish(tls_globals_of(parse->snapshot));
    return true;
}

static bool
on_release(struct parse *parse)
{
    struct tls_globals *globals = snapshot_slot(parse->snapshot, &tls_globals_slot);

    for (struct crt_load *load = globals->loads; load != NULL; load = load->next) {
        tls_cert_drop(load->cert);
        load->cert = NULL;
    }
    hashmap_fini(&globals->load_names);
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_CHECK, ORDER_TLS - 1, on_check, "tls: certificates of crt-store sections" },
    { CONFIG_PUBLISH, ORDER_TLS, on_publish, "tls: certificates of crt-store sections" },
    { CONFIG_RELEASE, ORDER_TLS, on_release, "tls: certificates of crt-store sections" },
};
REGISTER(config_hook, hooks);
