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

#include "weir/base/alloc.h"
#include "weir/os/file.h"
#include "private.h"

static const int statuses[] = { 200, 400, 401, 403, 404, 405, 407, 408, 410, 413,
                                414, 425, 429, 431, 500, 501, 502, 503, 504 };

struct error_pages {
    const struct reply *pages[COUNT(statuses)];
};

static struct slot pages_slot = SLOT("errorfile", SLOT_PROXY, struct error_pages);
REGISTER_SLOT(pages_slot);

static int
index_of(int status)
{
    for (size_t i = 0; i < COUNT(statuses); i++) {
        if (statuses[i] == status)
            return (int)i;
    }
    return -1;
}

const struct reply *
error_page_find(const struct proxy_conf *fe, const struct proxy_conf *be, int status)
{
    int at = index_of(status);

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

/* --- keywords --------------------------------------------------------------------------- */

static const struct reply **
page_for(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;
    struct error_pages *pages = slot_of(conf->slots, &pages_slot);
    int64_t status;

    if (!parse_int(parse, "a status", 100, 599, &status))
        return NULL;
    if (index_of((int)status) < 0) {
        parse_alert(parse,
                    "weir never answers %lld itself; statuses with pages are 200 400 401 403 "
                    "404 405 407 408 410 413 414 425 429 431 500 501 502 503 504",
                    (long long)status);
        return NULL;
    }
    return &pages->pages[index_of((int)status)];
}

static bool
load_page(struct parse *parse, const char *path, const struct reply **page)
{
    struct reply *reply = ARENA_NEW(parse->arena, struct reply);
    struct error err = ERROR_INIT;
    size_t len;
    char *content = file_read(path, &len, &err), *copy;

    if (content == NULL)
        return parse_alert(parse, "%s", err.text);
    copy = arena_copy_str(parse->arena, str_of(content, len));
    alloc_free(content);
    if (len == 0) { /* nothing is sent: the connection just closes */
        *page = reply;
        return true;
    }
    if (!reply_parse(str_of(copy, len), parse->arena, reply, &err))
        return parse_alert(parse, "'%s' is not an HTTP response: %s", path, err.text);
    *page = reply;
    return true;
}

static bool
parse_errorfile(struct parse *parse)
{
    const struct reply **page = page_for(parse);
    const char *path = page == NULL ? NULL : parse_word(parse, "a file");

    return path != NULL && load_page(parse, path, page) && parse_end(parse);
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

static const struct keyword keywords[] = {
    { "errorfile", IN_PROXY, .args = "<status> <file>", .parse = parse_errorfile,
      .help = "Answer with this file (a whole HTTP response) instead of the built-in page." },
    { "errorloc", IN_PROXY, .args = "<status> <url>", .parse = parse_errorloc,
      .help = "Answer with a redirect (302) instead of the built-in page." },
    { "errorloc302", IN_PROXY, .args = "<status> <url>", .parse = parse_errorloc,
      .help = "The same as errorloc." },
    { "errorloc303", IN_PROXY, .args = "<status> <url>", .parse = parse_errorloc,
      .help = "The same with 303." },
};
REGISTER(keyword, keywords);
