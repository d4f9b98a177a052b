/* SPDX-License-Identifier: Apache-2.0 */
/*
 * normalize-uri: different spellings of one target become one (RFC 3986 section 6.2.2).
 *
 * Thread: builder parses; traffic runs.
 */
#include <string.h>

#include "weir/http/message.h"
#include "weir/http/reply_action.h"
#include "weir/rules/action.h"

struct draft { /* what is written; as large as the text can become */
    char *text;
    size_t len;
};

typedef bool normalize_fn(struct str text, struct draft *out, bool option);

enum extent { WHOLE_PATH, PATH_ONLY, QUERY_ONLY };

struct normalizer {
    const char *name;
    enum extent extent;
    normalize_fn *run;  /* false: the target is broken: 400 */
    const char *option; /* the word that may stand behind it; NULL: none */
};

struct normalize_action {
    const struct normalizer *normalizer;
    bool option;
};

static void
put(struct draft *out, struct str text)
{
    if (text.len > 0)
        memcpy(out->text + out->len, text.ptr, text.len);
    out->len += text.len;
}

/* --- fragments ---------------------------------------------------------------- */

static bool
encode_fragment(struct str text, struct draft *out, bool option)
{
    (void)option;
    for (size_t i = 0; i < text.len; i++)
        put(out, text.ptr[i] == '#' ? STR("%23") : str_of(text.ptr + i, 1));
    return true;
}

static bool
strip_fragment(struct str text, struct draft *out, bool option)
{
    long at = str_find_char(text, '#');

    (void)option;
    put(out, at < 0 ? text : str_of(text.ptr, (size_t)at));
    return true;
}

/* --- segments of the path ------------------------------------------------------- */

static bool
merge_slashes(struct str text, struct draft *out, bool option)
{
    (void)option;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '/' || i == 0 || text.ptr[i - 1] != '/')
            put(out, str_of(text.ptr + i, 1));
    }
    return true;
}

/* The next segment with the slash behind it. */
static struct str
next_segment(struct str *rest, struct str *name)
{
    long slash = str_find_char(*rest, '/');
    size_t len = slash < 0 ? rest->len : (size_t)slash + 1;
    struct str segment = str_of(rest->ptr, len);

    *name = slash < 0 ? segment : str_of(rest->ptr, len - 1);
    *rest = str_of(rest->ptr + len, rest->len - len);
    return segment;
}

static bool
strip_dot(struct str text, struct draft *out, bool option)
{
    struct str rest = str_slice(text, 1, text.len), name;

    (void)option;
    put(out, STR("/"));
    while (rest.len > 0) {
        struct str segment = next_segment(&rest, &name);

        if (!str_eq(name, STR(".")))
            put(out, segment);
    }
    return true;
}

static bool
strip_dotdot(struct str text, struct draft *out, bool is_full)
{
    struct str rest = str_slice(text, 1, text.len), name;
    size_t floor;

    put(out, STR("/"));
    floor = out->len;
    while (rest.len > 0) {
        struct str segment = next_segment(&rest, &name);

        if (!str_eq(name, STR(".."))) {
            put(out, segment);
        } else if (out->len > floor) {
            do
                out->len--;
            while (out->text[out->len - 1] != '/');
        } else if (!is_full) {
            put(out, segment);
            floor = out->len;
        }
    }
    return true;
}

/* --- percent encoding -------------------------------------------------------------- */

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that "%XX" at `at` stands for; -1: it is no such sequence. */
static int
read_escape(struct str text, size_t at)
{
    int high, low;

    if (text.len - at < 3)
        return -1;
    high = hex_value(text.ptr[at + 1]);
    low = hex_value(text.ptr[at + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool
is_unreserved(int c)
{
    int lower = c | 0x20;

    return (c >= '0' && c <= '9') || (c < 128 && lower >= 'a' && lower <= 'z') ||
           (c > 0 && c < 128 && strchr("-._~", c) != NULL);
}

static bool
decode_unreserved(struct str text, struct draft *out, bool is_strict)
{
    for (size_t i = 0; i < text.len; i++) {
        int byte = text.ptr[i] == '%' ? read_escape(text, i) : 0;

        if (byte < 0 && is_strict)
            return false;
        if (text.ptr[i] == '%' && byte >= 0 && is_unreserved(byte)) {
            out->text[out->len++] = (char)byte;
            i += 2;
        } else {
            put(out, str_of(text.ptr + i, 1));
        }
    }
    return true;
}

static char
upper(char c)
{
    return (char)(c >= 'a' && c <= 'f' ? c - 32 : c);
}

static bool
escapes_to_upper(struct str text, struct draft *out, bool is_strict)
{
    for (size_t i = 0; i < text.len; i++) {
        int byte = text.ptr[i] == '%' ? read_escape(text, i) : 0;

        if (byte < 0 && is_strict)
            return false;
        put(out, str_of(text.ptr + i, 1));
        if (text.ptr[i] == '%' && byte >= 0) {
            out->text[out->len++] = upper(text.ptr[i + 1]);
            out->text[out->len++] = upper(text.ptr[i + 2]);
            i += 2;
        }
    }
    return true;
}

/* --- parameters of the query ---------------------------------------------------------- */

static int
compare_names(struct str a, struct str b)
{
    struct str first = str_split(&a, '='), second = str_split(&b, '=');
    size_t len = first.len < second.len ? first.len : second.len;
    int order = len == 0 ? 0 : memcmp(first.ptr, second.ptr, len);

    return order != 0 ? order : (first.len > second.len) - (first.len < second.len);
}

/* Equal ones keep their order. */
static void
merge(const struct str *from, struct str *to, size_t middle, size_t count)
{
    size_t left = 0, right = middle;

    for (size_t i = 0; i < count; i++) {
        if (left < middle && (right >= count || compare_names(from[left], from[right]) <= 0))
            to[i] = from[left++];
        else
            to[i] = from[right++];
    }
}

static struct str *
sort_parts(struct str *parts, struct str *spare, size_t count)
{
    for (size_t width = 1; width < count; width *= 2) {
        struct str *swap = parts;

        for (size_t i = 0; i < count; i += 2 * width) {
            size_t rest = count - i, size = rest < 2 * width ? rest : 2 * width;

            merge(parts + i, spare + i, width < size ? width : size, size);
        }
        parts = spare;
        spare = swap;
    }
    return parts;
}

/* Ampersands keep their number: "a&&b" has an empty part. */
static bool
sort_query(struct message *msg, struct str text, struct draft *out)
{
    struct str rest = text, *parts;
    size_t count = 1, at = 0;

    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '&';
    parts = arena_take(&msg->arena, 2 * count * sizeof(*parts));
    if (parts == NULL)
        return false;
    while (at < count)
        parts[at++] = str_split(&rest, '&');
    parts = sort_parts(parts, parts + count, count);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            put(out, STR("&"));
        put(out, parts[i]);
    }
    return true;
}

/* --- the action ------------------------------------------------------------------------- */

static const struct normalizer normalizers[] = {
    { "fragment-encode", WHOLE_PATH, encode_fragment, NULL },
    { "fragment-strip", WHOLE_PATH, strip_fragment, NULL },
    { "path-merge-slashes", PATH_ONLY, merge_slashes, NULL },
    { "path-strip-dot", PATH_ONLY, strip_dot, NULL },
    { "path-strip-dotdot", PATH_ONLY, strip_dotdot, "full" },
    { "percent-decode-unreserved", WHOLE_PATH, decode_unreserved, "strict" },
    { "percent-to-uppercase", WHOLE_PATH, escapes_to_upper, "strict" },
    { "query-sort-by-name", QUERY_ONLY, NULL, NULL },
};

static enum verdict
refuse(struct eval *eval)
{
    struct reply_action *reply = arena_take(eval->arena, sizeof(*reply));

    if (reply == NULL)
        return VERDICT_FAILED;
    *reply = (struct reply_action){ .kind = REPLY_ACTION_PAGE, .status = 400, .is_denial = true };
    eval->reply = reply;
    return VERDICT_REPLY;
}

static enum verdict
run_normalize(const struct action *action, struct eval *eval)
{
    const struct normalize_action *own = action->data;
    const struct normalizer *with = own->normalizer;
    struct message *msg = eval->request;
    struct str path, query;
    struct draft out;

    if (msg == NULL || msg->path.len == 0 || msg->path.ptr[0] != '/')
        return VERDICT_CONTINUE;
    path = message_path_only(msg);
    query = message_query(msg);
    if (with->extent == QUERY_ONLY && query.ptr == NULL)
        return VERDICT_CONTINUE;
    out = (struct draft){ arena_take(&msg->arena, 3 * msg->path.len + 1), 0 };
    if (out.text == NULL)
        return VERDICT_FAILED;
    if (with->extent == QUERY_ONLY) {
        put(&out, str_of(path.ptr, path.len + 1));
        if (!sort_query(msg, query, &out))
            return VERDICT_FAILED;
    } else if (!with->run(with->extent == WHOLE_PATH ? msg->path : path, &out, own->option)) {
        return refuse(eval);
    }
    if (with->extent == PATH_ONLY)
        put(&out, str_of(path.ptr + path.len, msg->path.len - path.len));
    return message_set_path(msg, str_of(out.text, out.len)) ? VERDICT_CONTINUE : VERDICT_FAILED;
}

static bool
parse_normalize(struct parse *parse, struct action *action)
{
    struct normalize_action *own = ARENA_NEW(parse->arena, struct normalize_action);
    const char *names[COUNT(normalizers) + 1];
    int at;

    for (size_t i = 0; i < COUNT(normalizers); i++)
        names[i] = normalizers[i].name;
    names[COUNT(normalizers)] = NULL;
    if (!parse_choice(parse, "a normalizer", names, &at))
        return false;
    own->normalizer = &normalizers[at];
    if (own->normalizer->option != NULL)
        own->option = words_accept(parse->words, own->normalizer->option);
    action->data = own;
    action->run = run_normalize;
    return true;
}

static const struct action_kind kinds[] = {
    { "normalize-uri", ON(HOOK_HTTP_REQUEST), .args = "<normalizer> [full|strict]",
      .parse = parse_normalize, .help = "Bring the target into one of its equal spellings." },
};
REGISTER(action_kind, kinds);
