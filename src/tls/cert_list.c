/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates as bind lines use them, and the lines of crt-list files.
 *
 * For:     contexts, and the commands that change lists at run time.
 * Owns:    the uses; each holds its certificate.
 * Thread:  builder and control.
 */
#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "private.h"

/* --- life ----------------------------------------------------------------------------------------- */

struct cert_use *
cert_use_new(struct tls_cert *cert)
{
    struct cert_use *use = alloc_zero(sizeof(*use));

    use->cert = cert;
    use->verify = -1;
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
    alloc_free(use->ca_file);
    alloc_free(use->crl_file);
    cert_settings_free(use->settings);
    cert_files_free(use->files);
    X509_STORE_free(use->store);
    sk_X509_NAME_pop_free(use->ca_names, X509_NAME_free);
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

struct options {
    struct str rest;
    const char *ca_base; /* NULL: none */
    struct text shown;
    struct error *err;
};

static bool
read_alpn(struct cert_use *use, struct options *options)
{
    struct str names = next_word(&options->rest);

    alloc_free(use->alpn);
    use->alpn = alpn_to_wire(names, &use->alpn_len, options->err);
    text_printf(&options->shown, "alpn %.*s ", STR_ARG(names));
    return use->alpn != NULL;
}

static bool
read_no_alpn(struct cert_use *use, struct options *options)
{
    alloc_free(use->alpn);
    use->alpn = alloc_copy("");
    use->alpn_len = 0;
    text_puts(&options->shown, "no-alpn ");
    return true;
}

static bool
read_verify(struct cert_use *use, struct options *options)
{
    static const char *const names[] = { "none", "optional", "required" };
    struct str word = next_word(&options->rest);

    for (size_t i = 0; i < COUNT(names); i++) {
        if (str_eq(word, str_from(names[i])))
            use->verify = (int)i;
    }
    text_printf(&options->shown, "verify %.*s ", STR_ARG(word));
    return use->verify >= 0 ||
           error_set(options->err, "'verify' expects none, optional or required");
}

static bool
read_path(char **to, const char *name, struct options *options)
{
    struct str word = next_word(&options->rest);
    bool is_whole = options->ca_base == NULL || (word.len > 0 && word.ptr[0] == '/');
    struct text path = TEXT_INIT;

    if (word.len == 0)
        return error_set(options->err, "'%s' expects a file", name);
    text_printf(&path, "%s%s%.*s", is_whole ? "" : options->ca_base, is_whole ? "" : "/",
                STR_ARG(word));
    alloc_free(*to);
    *to = alloc_copy_str(text_str(&path));
    text_printf(&options->shown, "%s %s ", name, *to);
    text_fini(&path);
    return true;
}

static bool
read_ca_file(struct cert_use *use, struct options *options)
{
    return read_path(&use->ca_file, "ca-file", options);
}

static bool
read_crl_file(struct cert_use *use, struct options *options)
{
    return read_path(&use->crl_file, "crl-file", options);
}

/* A file of its own, instead of the one beside the certificate. */
static bool
read_part(struct cert_use *use, struct options *options, const char *name, size_t offset)
{
    const char *base = options->ca_base;
    bool fine;

    if (use->files == NULL)
        use->files = alloc_zero(sizeof(*use->files));
    options->ca_base = NULL;
    fine = read_path((char **)((char *)use->files + offset), name, options);
    options->ca_base = base;
    return fine;
}

static bool
read_key(struct cert_use *use, struct options *options)
{
    return read_part(use, options, "key", offsetof(struct cert_files, key));
}

static bool
read_ocsp(struct cert_use *use, struct options *options)
{
    return read_part(use, options, "ocsp", offsetof(struct cert_files, ocsp));
}

static bool
read_issuer(struct cert_use *use, struct options *options)
{
    return read_part(use, options, "issuer", offsetof(struct cert_files, issuer));
}

static bool
read_sctl(struct cert_use *use, struct options *options)
{
    return read_part(use, options, "sctl", offsetof(struct cert_files, sctl));
}

static bool
read_jwt(struct cert_use *use, struct options *options)
{
    struct str rest = options->rest, word = next_word(&rest);
    bool is_said = str_eq(word, STR("on")) || str_eq(word, STR("off"));

    use->is_jwt = !str_eq(word, STR("off"));
    if (is_said)
        options->rest = rest;
    text_printf(&options->shown, "jwt %s ", use->is_jwt ? "on" : "off");
    return true;
}

static bool
read_ocsp_update(struct cert_use *use, struct options *options)
{
    struct str word = next_word(&options->rest);

    if (!str_eq(word, STR("on")) && !str_eq(word, STR("off")))
        return error_set(options->err, "'ocsp-update' expects 'on' or 'off'");
    use->freshness = str_eq(word, STR("on")) ? OCSP_UPDATE_ON : OCSP_UPDATE_OFF;
    text_printf(&options->shown, "ocsp-update %.*s ", STR_ARG(word));
    return true;
}

static bool
read_early_data(struct cert_use *use, struct options *options)
{
    if (use->settings == NULL)
        use->settings = alloc_zero(sizeof(*use->settings));
    text_puts(&options->shown, "allow-0rtt ");
    return use->settings->allow_early_data = true;
}

static const struct {
    const char *name;
    bool (*read)(struct cert_use *use, struct options *options);
} known_options[] = {
    { "allow-0rtt", read_early_data }, { "ocsp-update", read_ocsp_update },
    { "alpn", read_alpn },       { "no-alpn", read_no_alpn },   { "verify", read_verify },
    { "ca-file", read_ca_file }, { "crl-file", read_crl_file }, { "key", read_key },
    { "ocsp", read_ocsp },       { "issuer", read_issuer },     { "sctl", read_sctl },
    { "jwt", read_jwt },
};

static bool
read_option(struct cert_use *use, struct str word, struct options *options)
{
    for (size_t i = 0; i < COUNT(known_options); i++) {
        if (str_eq(word, str_from(known_options[i].name)))
            return known_options[i].read(use, options);
    }
    if (cert_settings_has(word)) {
        struct str value = next_word(&options->rest);

        text_printf(&options->shown, "%.*s %.*s ", STR_ARG(word), STR_ARG(value));
        return cert_settings_set(&use->settings, word, value, options->err);
    }
    return error_set(options->err,
                     "the option '%.*s' of one certificate is unknown, or not implemented yet; say "
                     "it on the bind line",
                     STR_ARG(word));
}

/* The authorities that clients of this certificate are verified against. */
static bool
load_authorities(struct cert_use *use, struct error *err)
{
    if (use->ca_file == NULL && use->crl_file == NULL && use->verify <= VERIFY_NONE)
        return true;
    if (use->ca_file == NULL || use->verify <= VERIFY_NONE)
        return error_set(err, "'verify optional' or 'required' and 'ca-file' go together");
    use->store = X509_STORE_new();
    if (X509_STORE_load_locations(use->store, use->ca_file, NULL) != 1)
        return error_set(err, "'ca-file %s': %s", use->ca_file, tls_error_text());
    use->ca_names = SSL_load_client_CA_file(use->ca_file);
    if (use->crl_file == NULL)
        return true;
    if (X509_STORE_load_locations(use->store, use->crl_file, NULL) != 1)
        return error_set(err, "'crl-file %s': %s", use->crl_file, tls_error_text());
    X509_STORE_set_flags(use->store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return true;
}

static bool
read_options(struct cert_use *use, struct str text, const char *ca_base, struct error *err)
{
    struct options options = { text, ca_base, TEXT_INIT, err };
    struct str word;
    bool fine = true;

    while (fine && (word = next_word(&options.rest)).len > 0)
        fine = read_option(use, word, &options);
    if (options.shown.len > 0)
        use->options = alloc_copy_str(text_str(&options.shown));
    text_fini(&options.shown);
    return fine && load_authorities(use, err);
}

static char *
copy_or_null(const char *text)
{
    return text == NULL ? NULL : alloc_copy(text);
}

void
cert_use_copy_options(struct cert_use *to, const struct cert_use *from)
{
    to->options = copy_or_null(from->options);
    if (from->alpn != NULL)
        to->alpn = alloc_copy_str(str_of(from->alpn, from->alpn_len));
    to->alpn_len = from->alpn_len;
    to->settings = cert_settings_copy(from->settings);
    to->verify = from->verify;
    to->ca_file = copy_or_null(from->ca_file);
    to->crl_file = copy_or_null(from->crl_file);
    if (from->store != NULL && X509_STORE_up_ref(from->store) == 1)
        to->store = from->store;
    if (from->ca_names != NULL)
        to->ca_names = SSL_dup_CA_list(from->ca_names);
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
    if (strcmp(filter, "*") == 0)
        use->is_default = true;
    use->has_names = use->has_names || filter[0] != '!';
}

/* What follows the path. */
static bool
read_rest(struct cert_use *use, struct str rest, const char *ca_base, struct error *err)
{
    struct str word;

    rest = str_trim(rest);
    if (rest.len > 0 && rest.ptr[0] == '[') {
        long end = str_find_char(rest, ']');

        if (end < 0)
            return error_set(err, "'[' without its ']'");
        if (!read_options(use, str_of(rest.ptr + 1, (size_t)end - 1), ca_base, err))
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
cert_use_parse(struct str line, const char *ca_base, char **path, struct error *err)
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
    if (!read_rest(use, line, ca_base, err)) {
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
