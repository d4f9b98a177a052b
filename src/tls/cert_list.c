/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates as bind lines use them, and the lines of crt-list files.
 *
 * For:     contexts, and the commands that change lists at run time.
 * Owns:    the uses; each holds its certificate.
 * Thread:  builder and control.
 */
#include <ctype.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "private.h"

/* --- life ----------------------------------------------------------------------------------------- */

struct cert_use *
cert_use_new(struct tls_cert *cert)
{
    struct cert_use *use = alloc_zero(sizeof(*use));

    use->cert = cert;
    if (cert != NULL)
        tls_cert_hold(cert);
    return use;
}

void
cert_use_free(struct cert_use *use)
{
    tls_cert_drop(use->cert);
    alloc_free(use->list);
    alloc_free(use->options);
    alloc_free(use->alpn);
    for (unsigned i = 0; i < use->filter_count; i++)
        alloc_free(use->filters[i]);
    alloc_free(use->filters);
    alloc_free(use);
}

void
cert_use_free_all(struct cert_use *uses)
{
    while (uses != NULL) {
        struct cert_use *next = uses->next;

        cert_use_free(uses);
        uses = next;
    }
}

/* --- words ---------------------------------------------------------------------------------------- */

char *
alpn_to_wire(struct str names, size_t *len, struct error *err)
{
    char *wire = alloc_zero(names.len + 2);
    struct str rest = names;

    *len = 0;
    while (rest.ptr != NULL) {
        struct str name = str_split(&rest, ',');

        if (name.len == 0 || name.len > UINT8_MAX) {
            error_set(err, "'alpn' expects names of 1 to 255 letters, parted by commas");
            alloc_free(wire);
            return NULL;
        }
        wire[*len] = (char)name.len;
        memcpy(wire + *len + 1, name.ptr, name.len);
        *len += name.len + 1;
    }
    return wire;
}

/* The next word; len 0: the end. */
static struct str
next_word(struct str *rest)
{
    struct str word;

    *rest = str_trim(*rest);
    for (word = str_of(rest->ptr, 0); word.len < rest->len; word.len++) {
        if (rest->ptr[word.len] == ' ' || rest->ptr[word.len] == '\t')
            break;
    }
    *rest = str_of(rest->ptr + word.len, rest->len - word.len);
    return word;
}

/* --- options in brackets ---------------------------------------------------------------------------- */

static bool
read_options(struct cert_use *use, struct str options, struct error *err)
{
    struct text shown = TEXT_INIT;
    struct str word;
    bool fine = true;

    while (fine && (word = next_word(&options)).len > 0) {
        if (str_eq(word, STR("alpn"))) {
            struct str names = next_word(&options);

            alloc_free(use->alpn);
            use->alpn = alpn_to_wire(names, &use->alpn_len, err);
            fine = use->alpn != NULL;
            text_printf(&shown, "alpn %.*s ", STR_ARG(names));
        } else if (str_eq(word, STR("no-alpn"))) {
            alloc_free(use->alpn);
            use->alpn = alloc_copy("");
            use->alpn_len = 0;
            text_puts(&shown, "no-alpn ");
        } else {
            fine = error_set(err, "the option '%.*s' of one certificate is not implemented yet (alpn is); "
                                  "say it on the bind line",
                             STR_ARG(word));
        }
    }
    if (shown.len > 0)
        use->options = alloc_copy_str(text_str(&shown));
    text_fini(&shown);
    return fine;
}

/* --- lines ---------------------------------------------------------------------------------------- */

static void
add_filter(struct cert_use *use, struct str word)
{
    char *filter = alloc_copy_str(word);

    for (size_t i = 0; i < word.len; i++)
        filter[i] = (char)tolower((unsigned char)filter[i]);
    use->filters = alloc_resize(use->filters, (use->filter_count + 1) * sizeof(*use->filters));
    use->filters[use->filter_count++] = filter;
    use->has_names = use->has_names || filter[0] != '!';
}

/* What follows the path. */
static bool
read_rest(struct cert_use *use, struct str rest, struct error *err)
{
    struct str word;

    rest = str_trim(rest);
    if (rest.len > 0 && rest.ptr[0] == '[') {
        long end = str_find_char(rest, ']');

        if (end < 0)
            return error_set(err, "'[' without its ']'");
        if (!read_options(use, str_of(rest.ptr + 1, (size_t)end - 1), err))
            return false;
        rest = str_of(rest.ptr + end + 1, rest.len - (size_t)end - 1);
    }
    while ((word = next_word(&rest)).len > 0) {
        if (word.ptr[0] == '!' && word.len == 1)
            return error_set(err, "'!' needs a name");
        add_filter(use, word);
    }
    return true;
}

struct cert_use *
cert_use_parse(struct str line, char **path, struct error *err)
{
    struct cert_use *use;
    struct str word;
    long comment = str_find_char(line, '#');

    *path = NULL;
    if (comment >= 0)
        line.len = (size_t)comment;
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    word = next_word(&line);
    if (word.len == 0)
        return NULL;
    use = cert_use_new(NULL);
    if (!read_rest(use, line, err)) {
        cert_use_free(use);
        return NULL;
    }
    *path = alloc_copy_str(word);
    return use;
}

void
cert_use_print(const struct cert_use *use, struct text *out, bool with_line)
{
    text_puts(out, use->cert->path);
    if (with_line)
        text_printf(out, ":%u", use->line);
    if (use->options != NULL)
        text_printf(out, " [%s]", use->options);
    for (unsigned i = 0; i < use->filter_count; i++)
        text_printf(out, " %s", use->filters[i]);
}
