/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authorities and lists of revoked certificates at run time: show, new, set, add, commit, abort, del.
 *
 * For:     people, and what renews them.
 * Owns:    one transaction for each kind.
 * Callers: the runtime socket.
 * Thread:  control.
 *
 * The words are HAProxy's: tools look for them.
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/number.h"
#include "weir/cli/command.h"
#include "private.h"

static const struct kind {
    const char *name, *content, *word;
    enum auth_kind kind;
} of_ca = { "CA", "CAs", "ca-file", KIND_CA }, of_crl = { "CRL", "CRLs", "crl-file", KIND_CRL };

static struct auth_file *pending[AUTH_KINDS]; /* holds; NULL: no transaction */

static int
count_of(const struct auth_file *file, const struct kind *kind)
{
    return kind == &of_ca ? sk_X509_num(file->certs) : sk_X509_CRL_num(file->lists);
}

/* --- showing ----------------------------------------------------------------------------------------- */

static void
show_time(struct text *out, const char *label, const ASN1_TIME *time)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes;
    long len;

    if (bio != NULL && time != NULL)
        ASN1_TIME_print(bio, time);
    len = bio == NULL ? 0 : BIO_get_mem_data(bio, &bytes);
    text_printf(out, "%s: %.*s\n", label, (int)len, len == 0 ? "" : bytes);
    BIO_free(bio);
}

static void
show_revoked(struct text *out, X509_CRL *list)
{
    STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(list);

    text_puts(out, all == NULL ? "No Revoked Certificates.\n" : "Revoked Certificates:\n");
    for (int i = 0; all != NULL && i < sk_X509_REVOKED_num(all); i++) {
        const X509_REVOKED *one = sk_X509_REVOKED_value(all, i);
        const ASN1_INTEGER *serial = X509_REVOKED_get0_serialNumber(one);

        text_puts(out, "    Serial Number: ");
        for (int at = 0; at < ASN1_STRING_length(serial); at++)
            text_printf(out, "%02X", ASN1_STRING_get0_data(serial)[at]);
        text_add_char(out, '\n');
        show_time(out, "        Revocation Date", X509_REVOKED_get0_revocationDate(one));
    }
}

static void
show_list(struct text *out, X509_CRL *list)
{
    char *issuer = X509_NAME_oneline(X509_CRL_get_issuer(list), NULL, 0);

    text_printf(out, "Version %ld\nSignature Algorithm: %s\nIssuer: %s\n",
                X509_CRL_get_version(list) + 1, OBJ_nid2ln(X509_CRL_get_signature_nid(list)),
                issuer == NULL ? "" : issuer);
    OPENSSL_free(issuer);
    show_time(out, "Last Update", X509_CRL_get0_lastUpdate(list));
    show_time(out, "Next Update", X509_CRL_get0_nextUpdate(list));
    show_revoked(out, list);
}

/* at: which one; 0: all. */
static void
show_content(struct text *out, const struct kind *kind, const struct auth_file *file, int64_t at)
{
    for (int i = 0; i < count_of(file, kind); i++) {
        if (at != 0 && i + 1 != at)
            continue;
        text_printf(out, " \n%s #%d:\n",
                    kind == &of_ca ? "Certificate" : "Certificate Revocation List", i + 1);
        if (kind == &of_ca)
            tls_show_x509(out, sk_X509_value(file->certs, i));
        else
            show_list(out, sk_X509_CRL_value(file->lists, i));
    }
}

static void
show_path(struct text *out, const struct kind *kind, const struct auth_file *file)
{
    text_puts(out, file->path);
    if (kind == &of_ca)
        text_printf(out, " - %d certificate(s)", count_of(file, kind));
    text_add_char(out, '\n');
}

static void
show_all(struct text *out, const struct kind *kind)
{
    size_t count;
    struct auth_file **files = auth_store_list(kind->kind, &count);

    if (pending[kind->kind] != NULL) {
        text_puts(out, "# transaction\n*");
        show_path(out, kind, pending[kind->kind]);
    }
    text_puts(out, "# filename\n");
    for (size_t i = 0; i < count; i++) {
        show_path(out, kind, files[i]);
        auth_file_drop(files[i]);
    }
    alloc_free(files);
}

/* "<path>", "*<path>" of the transaction, "\*<path>" that begins with a star. Held. */
static struct auth_file *
find_named(const char *name, const struct kind *kind, bool *is_used)
{
    struct auth_file *file = pending[kind->kind];

    *is_used = false;
    if (*name != '*')
        return auth_store_find(name[0] == '\\' && name[1] == '*' ? name + 1 : name, kind->kind,
                               is_used);
    if (file == NULL || strcmp(file->path, name + 1) != 0)
        return NULL;
    auth_file_hold(file);
    return file;
}

/* Without the ":" and number at its end, where it has them. False: no number. */
static bool
cut_number(char *name, int64_t *number)
{
    char *colon = strrchr(name, ':');

    *number = 0;
    if (colon == NULL)
        return true;
    if (!number_parse_int(str_from(colon + 1), 1, INT32_MAX, number, NULL))
        return false;
    *colon = '\0';
    return true;
}

static enum command_result
show_file(struct command_call *call, const struct kind *kind, const char *word)
{
    char *name = alloc_copy(word);
    int64_t number = 0;
    bool is_used;
    struct auth_file *file = find_named(name, kind, &is_used);

    if (file == NULL && !cut_number(name, &number)) {
        alloc_free(name);
        return command_say(call, 3, "wrong %s index after colons in '%s'!", kind->name, word);
    }
    if (file == NULL)
        file = find_named(name, kind, &is_used);
    if (file == NULL) {
        alloc_free(name);
        return command_say(call, 3, "Can't display the %s file : Not found!", kind->name);
    }
    text_printf(call->out, "Filename: %s%s\nStatus: %s\n", *name == '*' ? "*" : "", file->path,
                count_of(file, kind) == 0 ? "Empty"
                : is_used                 ? "Used"
                                          : "Unused");
    show_content(call->out, kind, file, number);
    auth_file_drop(file);
    alloc_free(name);
    return COMMAND_DONE;
}

static enum command_result
show(struct command_call *call, const struct kind *kind)
{
    const char *name = command_next(call);

    if (name != NULL)
        return show_file(call, kind, name);
    show_all(call->out, kind);
    return COMMAND_DONE;
}

/* --- transactions ------------------------------------------------------------------------------------- */

static enum command_result
make_new(struct command_call *call, const struct kind *kind)
{
    const char *path = command_next(call);
    struct auth_file *file;
    bool is_used;

    if (path == NULL)
        return command_say(call, 3, "'new ssl %s' expects a filename", kind->word);
    file = auth_store_find(path, kind->kind, &is_used);
    auth_file_drop(file);
    if (file != NULL)
        return command_say(call, 3, "%s file '%s' already exists!", kind->name, path);
    file = auth_file_new(path);
    auth_store_keep(file, kind->kind);
    auth_file_drop(file);
    return command_say(call, 5, "New %s file created '%s'!", kind->name, path);
}

static enum command_result
failed(struct command_call *call, const char *what, const char *path, const char *why)
{
    return command_say(call, 3, "%s\nCan't %s %s!", why, what, path);
}

/* "" : it is about that path. */
static const char *
other_transaction(const struct kind *kind, const char *path, const char *what, struct error *err)
{
    const struct auth_file *file = pending[kind->kind];

    if (file != NULL && strcmp(file->path, path) != 0)
        error_set(err, "The ongoing transaction is about '%s' but you are trying to %s '%s'",
                  file->path, what, path);
    return err->text;
}

/* adds: to what the transaction, or else the file, has. */
static enum command_result
set(struct command_call *call, const struct kind *kind, bool adds)
{
    const char *path = command_next(call);
    struct auth_file **current, *base, *file;
    struct error err = ERROR_INIT;
    bool is_used, is_new;

    if (path == NULL || call->payload.ptr == NULL)
        return command_say(call, 3, "'%s ssl %s expects a filename and %s as a payload",
                           adds ? "add" : "set", kind->word, kind->content);
    base = auth_store_find(path, kind->kind, &is_used);
    auth_file_drop(base); /* control is the only one who changes the list */
    if (base == NULL) {
        error_set(&err, "Can't replace a %s file which is not referenced by the configuration!",
                  kind->name);
        return failed(call, "update", path, err.text);
    }
    if (other_transaction(kind, path, "set", &err)[0] != '\0')
        return failed(call, "update", path, err.text);
    current = &pending[kind->kind];
    is_new = *current == NULL;
    file = auth_file_new(path);
    if (adds)
        auth_file_copy(file, is_new ? base : *current);
    if (!auth_file_add_pem(file, call->payload)) {
        tls_error_text();
        auth_file_drop(file);
        return failed(call, "update", path, "Invalid payload");
    }
    auth_file_drop(*current);
    *current = file;
    return command_say(call, 5, "transaction %s for %s %s!", is_new ? "created" : "updated",
                       kind->name, path);
}

static enum command_result
commit(struct command_call *call, const struct kind *kind)
{
    const char *path = command_next(call);
    struct auth_file *file = pending[kind->kind];
    struct error err = ERROR_INIT;
    unsigned count;

    if (path == NULL)
        return command_say(call, 3, "'commit ssl %s expects a filename", kind->word);
    if (file == NULL)
        return failed(call, "commit", path, "No ongoing transaction! !");
    if (other_transaction(kind, path, "set", &err)[0] != '\0')
        return failed(call, "commit", path, err.text);
    if (count_of(file, kind) == 0) {
        error_set(&err, "The transaction holds no %s!", kind->content);
        return failed(call, "commit", path, err.text);
    }
    if (!auth_store_replace(file, kind->kind, &count))
        return failed(call, "commit", path, tls_error_text());
    auth_file_drop(file);
    pending[kind->kind] = NULL;
    text_printf(call->out, "Committing %s", path);
    while (count-- > 0)
        text_add_char(call->out, '.');
    text_puts(call->out, "\nSuccess!\n");
    return COMMAND_DONE;
}

static enum command_result
give_up(struct command_call *call, const struct kind *kind)
{
    const char *path = command_next(call);
    struct auth_file *file = pending[kind->kind];
    struct error err = ERROR_INIT;

    if (path == NULL)
        return command_say(call, 3, "'abort ssl %s' expects a filename", kind->word);
    if (file == NULL)
        return command_say(call, 3, "No ongoing transaction!");
    if (other_transaction(kind, path, "abort a transaction for", &err)[0] != '\0')
        return command_say(call, 3, "%s", err.text);
    auth_file_drop(file);
    pending[kind->kind] = NULL;
    return command_say(call, 5, "Transaction aborted for certificate '%s'!", path);
}

static enum command_result
delete(struct command_call *call, const struct kind *kind)
{
    const char *path = command_next(call), *name = kind->name;
    const struct auth_file *now = pending[kind->kind];
    struct auth_file *file;
    bool is_used;

    if (path == NULL)
        return command_say(call, 3, "'del ssl %s' expects a %s file name", kind->word, name);
    if (now != NULL && strcmp(now->path, path) == 0)
        return command_say(call, 3, "Can't remove the %s file: ongoing transaction for the %s file '%s'",
                           name, name, path);
    file = auth_store_find(path, kind->kind, &is_used);
    auth_file_drop(file);
    if (file == NULL || is_used)
        return command_say(call, 3, "Can't remove the %s file: %s file '%s' %s!\n", name, name, path,
                           file == NULL ? "doesn't exist" : "in use, can't be deleted");
    text_printf(call->out, "%s file '%s' deleted!\n", name, path);
    auth_store_forget(path, kind->kind);
    return COMMAND_DONE;
}

/* --- commands ------------------------------------------------------------------------------------------ */

#define RUN(name, call_this)                                                                       \
    static enum command_result run_##name(struct command_call *call)                               \
    {                                                                                              \
        return call_this;                                                                          \
    }
RUN(show_ca, show(call, &of_ca))
RUN(new_ca, make_new(call, &of_ca))
RUN(set_ca, set(call, &of_ca, false))
RUN(add_ca, set(call, &of_ca, true))
RUN(commit_ca, commit(call, &of_ca))
RUN(abort_ca, give_up(call, &of_ca))
RUN(del_ca, delete (call, &of_ca))
RUN(show_crl, show(call, &of_crl))
RUN(new_crl, make_new(call, &of_crl))
RUN(set_crl, set(call, &of_crl, false))
RUN(commit_crl, commit(call, &of_crl))
RUN(abort_crl, give_up(call, &of_crl))
RUN(del_crl, delete (call, &of_crl))

static const struct command commands[] = {
    { "show ssl ca-file", "[<cafile>[:<index>]]", LEVEL_OPERATOR, run_show_ca,
      "list the files of authorities, or tell about one; *<cafile>: the one of the transaction" },
    { "new ssl ca-file", "<cafile>", LEVEL_ADMIN, run_new_ca,
      "make an empty file of authorities, to be set" },
    { "set ssl ca-file", "<cafile> <payload>", LEVEL_ADMIN, run_set_ca,
      "give a file of authorities new content, used from commit on" },
    { "add ssl ca-file", "<cafile> <payload>", LEVEL_ADMIN, run_add_ca,
      "add authorities to a file, used from commit on" },
    { "commit ssl ca-file", "<cafile>", LEVEL_ADMIN, run_commit_ca,
      "verify against what was set" },
    { "abort ssl ca-file", "<cafile>", LEVEL_ADMIN, run_abort_ca, "forget what was set" },
    { "del ssl ca-file", "<cafile>", LEVEL_ADMIN, run_del_ca,
      "forget a file of authorities that no line uses" },
    { "show ssl crl-file", "[<crlfile>[:<index>]]", LEVEL_OPERATOR, run_show_crl,
      "list the files of revoked certificates, or tell about one; *<crlfile>: the one of the transaction" },
    { "new ssl crl-file", "<crlfile>", LEVEL_ADMIN, run_new_crl,
      "make an empty file of revoked certificates, to be set" },
    { "set ssl crl-file", "<crlfile> <payload>", LEVEL_ADMIN, run_set_crl,
      "give a file of revoked certificates new content, used from commit on" },
    { "commit ssl crl-file", "<crlfile>", LEVEL_ADMIN, run_commit_crl,
      "refuse what was set as revoked" },
    { "abort ssl crl-file", "<crlfile>", LEVEL_ADMIN, run_abort_crl, "forget what was set" },
    { "del ssl crl-file", "<crlfile>", LEVEL_ADMIN, run_del_crl,
      "forget a file of revoked certificates that no line uses" },
};
REGISTER(command, commands);

__attribute__((destructor)) static void
drop_pending(void)
{
    for (int kind = 0; kind < AUTH_KINDS; kind++)
        auth_file_drop(pending[kind]);
}
