/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which names lead to which certificates: show ssl sni.
 *
 * For:     people, who look for what expires.
 * Owns:    nothing.
 * Callers: the runtime socket.
 * Thread:  control, the only one that changes the uses of a context.
 */
#include <string.h>
#include <time.h>

#include "weir/base/alloc.h"
#include "weir/base/number.h"
#include "weir/cli/command.h"
#include "weir/config/snapshot.h"
#include "private.h"

struct request {
    const char *frontend; /* NULL: all */
    bool expired_only;
    time_t now;
};

static const char *
type_of(const struct tls_cert *cert)
{
    switch (EVP_PKEY_get_base_id(X509_get0_pubkey(cert->x509))) {
    case EVP_PKEY_RSA: return "rsa";
    case EVP_PKEY_EC: return "ecdsa";
    case EVP_PKEY_DSA: return "dsa";
    default: return "other";
    }
}

static void
add_time(struct text *out, const ASN1_TIME *time)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    long len;

    if (bio == NULL)
        return;
    ASN1_TIME_print(bio, time);
    len = BIO_get_mem_data(bio, &bytes);
    text_add(out, str_of(bytes, (size_t)len));
    BIO_free(bio);
}

static void
add_negatives(struct text *out, const struct cert_use *use)
{
    bool has = false;

    for (unsigned i = 0; i < use->filter_count; i++) {
        if (use->filters[i][0] != '!')
            continue;
        text_printf(out, "%s%s", has ? " " : "", use->filters[i]);
        has = true;
    }
    text_puts(out, has ? "" : "-");
}

static void
show_row(struct text *out, const struct tls_bind_conf *line, const struct cert_use *use,
         const char *name)
{
    const char *file = line->pos.file == NULL ? "" : line->pos.file, *slash = strrchr(file, '/');

    text_printf(out, "%s/%s:%d\t%s\t", line->frontend_name, slash == NULL ? file : slash + 1,
                line->pos.line, name);
    if (strcmp(name, "*") == 0)
        text_puts(out, "-");
    else
        add_negatives(out, use);
    text_printf(out, "\t%s\t%s\t", type_of(use->cert), use->cert->path);
    add_time(out, X509_get0_notAfter(use->cert->x509));
    text_add_char(out, '\t');
    add_time(out, X509_get0_notBefore(use->cert->x509));
    text_add_char(out, '\n');
}

/* A common name is often an alternative name, too. */
static bool
is_first(const struct tls_cert *cert, unsigned at)
{
    for (unsigned i = 0; i < at; i++) {
        if (strcmp(cert->names[i], cert->names[at]) == 0)
            return false;
    }
    return true;
}

/* first: the default of its line. */
static void
show_use(struct text *out, const struct tls_bind_conf *line, const struct cert_use *use, bool first)
{
    if ((first && !line->strict_sni) || use->is_default)
        show_row(out, line, use, "*");
    for (unsigned i = 0; use->has_names && i < use->filter_count; i++) {
        if (use->filters[i][0] != '!')
            show_row(out, line, use, use->filters[i]);
    }
    for (unsigned i = 0; !use->has_names && i < use->cert->name_count; i++) {
        if (is_first(use->cert, i))
            show_row(out, line, use, use->cert->names[i]);
    }
}

static void
show_line(struct text *out, const struct tls_bind_conf *line, const struct request *request)
{
    const struct cert_use *first = line->context->uses;
    time_t now = request->now;

    for (const struct cert_use *use = first; use != NULL; use = use->next) {
        if (request->expired_only && X509_cmp_time(X509_get0_notAfter(use->cert->x509), &now) >= 0)
            continue;
        show_use(out, line, use, use == first);
    }
}

/* Those that are asked for, in the order of the configuration. Freed with alloc_free(). */
static const struct tls_bind_conf **
find_lines(const struct request *request, size_t *count)
{
    const struct tls_bind_conf **lines = NULL, *line = tls_globals_of(snapshot_current())->binds;

    *count = 0;
    for (; line != NULL; line = line->next) {
        if (line->context == NULL ||
            (request->frontend != NULL && strcmp(line->frontend_name, request->frontend) != 0))
            continue;
        lines = alloc_resize(lines, (*count + 1) * sizeof(*lines));
        lines[(*count)++] = line;
    }
    for (size_t i = 0; i < *count / 2; i++) { /* the last line came first */
        line = lines[i];
        lines[i] = lines[*count - 1 - i];
        lines[*count - 1 - i] = line;
    }
    return lines;
}

/* "30d", "12h", "90": seconds. More than timeouts may have. */
static bool
read_offset(const char *word, time_t *seconds)
{
    static const char units[] = "smhd";
    static const int sizes[] = { 1, 60, 3600, 86400 };
    struct str digits = word == NULL ? STR("") : str_from(word);
    const char *unit = digits.len == 0 ? NULL : strchr(units, digits.ptr[digits.len - 1]);
    int64_t number;

    if (unit != NULL)
        digits.len--;
    if (!number_parse_int(digits, 0, INT32_MAX, &number, NULL))
        return false;
    *seconds = number * (unit == NULL ? 1 : sizes[unit - units]);
    return true;
}

/* False: answered. */
static bool
read_request(struct command_call *call, struct request *request)
{
    const char *word;
    time_t offset;

    while ((word = command_next(call)) != NULL) {
        if (strcmp(word, "-A") == 0) {
            request->expired_only = true;
        } else if (strcmp(word, "-f") == 0) {
            request->frontend = command_next(call);
            if (request->frontend == NULL) {
                command_say(call, 3, "'-f' requires a frontend name!");
                return false;
            }
        } else if (strcmp(word, "-t") == 0) {
            if (!read_offset(command_next(call), &offset)) {
                command_say(call, 3, "'-t' requires an offset argument!");
                return false;
            }
            request->now += offset;
        } else {
            command_say(call, 3, "Invalid parameters, 'show ssl sni' only supports '-f', '-A' or '-t' options!");
            return false;
        }
    }
    return true;
}

static enum command_result
run_show(struct command_call *call)
{
    struct request request = { .now = time(NULL) };
    const struct tls_bind_conf **lines;
    size_t count;

    if (!read_request(call, &request))
        return COMMAND_DONE;
    lines = find_lines(&request, &count);
    if (count == 0 && request.frontend != NULL)
        return command_say(call, 3, "Couldn't find the specified frontend!");
    text_puts(call->out,
              "# Frontend/Bind\tSNI\tNegative Filter\tType\tFilename\tNotAfter\tNotBefore\n");
    for (size_t i = 0; i < count; i++)
        show_line(call->out, lines[i], &request);
    alloc_free(lines);
    return COMMAND_DONE;
}

static const struct command commands[] = {
    { "show ssl sni", "[-f <frontend>] [-A] [-t <offset>]", LEVEL_USER, run_show,
      "tell which names lead to which certificates; -A: only expired ones, -t 30d: those that will be" },
};
REGISTER(command, commands);
