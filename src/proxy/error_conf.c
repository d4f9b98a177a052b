/* SPDX-License-Identifier: Apache-2.0 */
/*
 * errorfile and errorloc: other answers than the built-in ones.
 *
 * For:     stream, when it must answer itself.
 * Owns:    a slot of the proxy: one reply for each status.
 * Thread:  builder reads files; traffic looks pages up.
 */
#include "weir/proxy/error_page.h"

#include <string.h>

#include "weir/config/snapshot.h"
#include "weir/http/error_files.h"
#include "private.h"

struct error_pages {
    const struct reply *pages[ERROR_STATUSES];
    struct error_import *imports; /* the last line first */
};
/* "errorfiles": the section may stand further below. */
struct error_import {
    struct error_import *next;
    const char *name;
    struct source_pos pos;
    uint32_t wanted;                            /* bits of indexes */
    const struct reply *before[ERROR_STATUSES]; /* changed since: a later line goes first */
};

static struct slot pages_slot = SLOT("errorfile", SLOT_PROXY, struct error_pages);
REGISTER_SLOT(pages_slot);

const struct reply *
error_page_find(const struct proxy_conf *fe, const struct proxy_conf *be, int status)
{
    int at = error_files_index(status);

    if (at >= 0 && be != NULL) {
        const struct error_pages *own = slot_of(be->slots, &pages_slot);

        if (own->pages[at] != NULL)
            return own->pages[at];
    }
    if (at >= 0 && fe != NULL) {
        const struct error_pages *own = slot_of(fe->slots, &pages_slot);

        if (own->pages[at] != NULL)
            return own->pages[at];
    }
    return reply_builtin(status);
}

void
error_page_set(struct proxy_conf *conf, int index, const struct reply *page)
{
    struct error_pages *pages = slot_of(conf->slots, &pages_slot);

    pages->pages[index] = page;
}

/* --- keywords --------------------------------------------------------------------------- */

static const struct reply **
page_for(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;
    struct error_pages *pages = slot_of(conf->slots, &pages_slot);
    int at = error_files_parse_status(parse);

    return at < 0 ? NULL : &pages->pages[at];
}

static bool
parse_errorfile(struct parse *parse)
{
    const struct reply **page = page_for(parse);
    const char *path = page == NULL ? NULL : parse_word(parse, "a file");

    return path != NULL && error_files_load(parse, path, page) && parse_end(parse);
}

static bool
parse_errorloc(struct parse *parse)
{
    int code = strcmp(parse->keyword, "errorloc303") == 0 ? 303 : 302;
    const struct reply **page = page_for(parse);
    const char *url = page == NULL ? NULL : parse_word(parse, "an address");
    struct reply *reply = ARENA_NEW(parse->arena, struct reply);
    struct error err = ERROR_INIT;
    const char *raw;

    if (url == NULL)
        return false;
    raw = arena_printf(parse->arena,
                       "HTTP/1.1 %d %s\r\ncache-control: no-cache\r\ncontent-length: 0\r\n"
                       "location: %s\r\n\r\n",
                       code, code == 303 ? "See Other" : "Found", url);
    if (!reply_parse(str_from(raw), parse->arena, reply, &err))
        return parse_alert(parse, "'%s' cannot stand in a location field: %s", url, err.text);
    *page = reply;
    return parse_end(parse);
}

static bool
parse_errorfiles(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;
    struct error_pages *pages = slot_of(conf->slots, &pages_slot);
    struct error_import *import = ARENA_NEW(parse->arena, struct error_import);

    import->name = parse_word(parse, "the name of an http-errors section");
    if (import->name == NULL)
        return false;
    import->pos = parse_pos(parse);
    if (words_peek(parse->words) == NULL)
        import->wanted = UINT32_MAX;
    while (words_peek(parse->words) != NULL) {
        int at = error_files_parse_status(parse);

        if (at < 0)
            return false;
        import->wanted |= 1u << at;
    }
    memcpy(import->before, pages->pages, sizeof(import->before));
    import->next = pages->imports;
    pages->imports = import;
    return true;
}

static bool
resolve_import(struct parse *parse, struct error_pages *pages, const struct error_import *import)
{
    const struct error_files *files = error_files_find(parse->snapshot, import->name);

    if (files == NULL)
        return parse_alert_at(parse, import->pos, "there is no section 'http-errors %s'",
                              import->name);
    for (unsigned i = 0; i < ERROR_STATUSES; i++) {
        if ((import->wanted & (1u << i)) != 0 && files->pages[i] != NULL &&
            pages->pages[i] == import->before[i])
            pages->pages[i] = files->pages[i];
    }
    return true;
}

static bool
resolve_imports(struct parse *parse)
{
    bool fine = true;

    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        struct error_pages *pages = slot_of(conf->slots, &pages_slot);

        for (const struct error_import *i = pages->imports; i != NULL; i = i->next)
            fine = resolve_import(parse, pages, i) && fine;
    }
    return fine;
}

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_PROXY, resolve_imports, "errorfiles" },
};
REGISTER(config_hook, hooks);

static const struct keyword keywords[] = {
    { "errorfile", IN_PROXY, .args = "<status> <file>", .parse = parse_errorfile,
      .help = "Answer with this file (a whole HTTP response) instead of the built-in page." },
    { "errorfiles", IN_PROXY, .args = "<section> [<status>]...", .parse = parse_errorfiles,
      .help = "Answer with the files of an http-errors section, all or some." },
    { "errorloc", IN_PROXY, .args = "<status> <url>", .parse = parse_errorloc,
      .help = "Answer with a redirect (302) instead of the built-in page." },
    { "errorloc302", IN_PROXY, .args = "<status> <url>", .parse = parse_errorloc,
      .help = "The same as errorloc." },
    { "errorloc303", IN_PROXY, .args = "<status> <url>", .parse = parse_errorloc,
      .help = "The same with 303." },
};
REGISTER(keyword, keywords);
