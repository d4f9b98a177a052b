/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates at run time: show, new, set, commit, abort, del.
 *
 * For:     people, and the deploy hooks of ACME clients.
 * Owns:    the one transaction: a certificate that was given and is not shown yet.
 * Callers: the runtime socket.
 * Thread:  control.
 *
 * The words are HAProxy's: tools look for them.
 */
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/cli/command.h"
#include "weir/tls/cert_store.h"
#include "private.h"

static struct tls_cert *pending; /* holds; NULL: no transaction */

/* --- showing ---------------------------------------------------------------------------------------- */

static void
add_bio(struct text *out, BIO *bio)
{
    char *bytes;
    long len = BIO_get_mem_data(bio, &bytes);

    text_add(out, str_of(bytes, (size_t)len));
    BIO_free(bio);
}

static void
show_time(struct text *out, const char *label, const ASN1_TIME *time)
{
    BIO *bio = BIO_new(BIO_s_mem());

    text_printf(out, "%s: ", label);
    ASN1_TIME_print(bio, time);
    add_bio(out, bio);
    text_add_char(out, '\n');
}

static void
show_name(struct text *out, const char *label, const X509_NAME *name)
{
    char *line = X509_NAME_oneline(name, NULL, 0);

    text_printf(out, "%s: %s\n", label, line == NULL ? "" : line);
    OPENSSL_free(line);
}

static void
show_serial(struct text *out, X509 *x509)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x509), NULL);
    char *hex = number == NULL ? NULL : BN_bn2hex(number);

    text_printf(out, "Serial: %s\n", hex == NULL ? "" : hex);
    OPENSSL_free(hex);
    BN_free(number);
}

static void
show_alternative_names(struct text *out, X509 *x509)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);

    text_puts(out, "Subject Alternative Name: ");
    for (int i = 0; names != NULL && i < sk_GENERAL_NAME_num(names); i++) {
        BIO *bio = BIO_new(BIO_s_mem());

        if (i > 0)
            text_puts(out, ", ");
        GENERAL_NAME_print(bio, sk_GENERAL_NAME_value(names, i));
        add_bio(out, bio);
    }
    text_add_char(out, '\n');
    GENERAL_NAMES_free(names);
}

static void
show_key(struct text *out, X509 *x509)
{
    const EVP_PKEY *key = X509_get0_pubkey(x509);
    int type = EVP_PKEY_get_base_id(key);

    text_printf(out, "Algorithm: %s%d\n",
                type == EVP_PKEY_RSA   ? "RSA"
                : type == EVP_PKEY_EC  ? "EC"
                : type == EVP_PKEY_DSA ? "DSA"
                                       : OBJ_nid2sn(type),
                EVP_PKEY_get_bits(key));
}

static void
show_fingerprint(struct text *out, const X509 *x509)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    X509_digest(x509, EVP_sha1(), digest, &len);
    text_puts(out, "SHA1 FingerPrint: ");
    for (unsigned i = 0; i < len; i++)
        text_printf(out, "%02X", digest[i]);
    text_add_char(out, '\n');
}

void
tls_show_x509(struct text *out, X509 *x509)
{
    show_serial(out, x509);
    show_time(out, "notBefore", X509_get0_notBefore(x509));
    show_time(out, "notAfter", X509_get0_notAfter(x509));
    show_alternative_names(out, x509);
    show_key(out, x509);
    show_fingerprint(out, x509);
    show_name(out, "Subject", X509_get_subject_name(x509));
    show_name(out, "Issuer", X509_get_issuer_name(x509));
}

static void
show_chain(struct text *out, const struct tls_cert *cert)
{
    for (int i = 0; cert->chain != NULL && i < sk_X509_num(cert->chain); i++) {
        show_name(out, "Chain Subject", X509_get_subject_name(sk_X509_value(cert->chain, i)));
        show_name(out, "Chain Issuer", X509_get_issuer_name(sk_X509_value(cert->chain, i)));
    }
}

/* Those of a crt-store section. */
static void
show_files(struct text *out, const struct tls_cert *cert)
{
    const struct cert_files *files = cert->files;

    if (files != NULL && files->crt != NULL)
        text_printf(out, "Crt filename: %s\n", files->crt);
    if (files != NULL && files->key != NULL)
        text_printf(out, "Key filename: %s\n", files->key);
    if (files != NULL && files->ocsp != NULL)
        text_printf(out, "OCSP filename: %s\n", files->ocsp);
    if (files != NULL && files->sctl != NULL)
        text_printf(out, "SCTL filename: %s\n", files->sctl);
    if (jwt_certs_has(cert->path))
        text_puts(out, "Option: jwt on\n");
}

static void
show_one(struct text *out, const struct tls_cert *cert, const char *mark)
{
    bool is_used = *mark == '\0' && cert_store_is_used(cert->path);

    text_printf(out, "Filename: %s%s\n", mark, cert->path);
    show_files(out, cert);
    if (cert->x509 == NULL) {
        text_puts(out, "Status: Empty\n");
        ocsp_show_key(cert, out);
        return;
    }
    text_printf(out, "Status: %s\n", is_used ? "Used" : "Unused");
    tls_show_x509(out, cert->x509);
    show_chain(out, cert);
    ocsp_show_key(cert, out);
}

static void
show_all(struct text *out)
{
    size_t count;
    const char **paths = cert_store_paths(&count);

    if (pending != NULL)
        text_printf(out, "# transaction\n*%s\n", pending->path);
    text_puts(out, "# filename\n");
    for (size_t i = 0; i < count; i++)
        text_printf(out, "%s\n", paths[i]);
    alloc_free(paths);
}

/* "<path>", "*<path>" of the transaction, "\\*<path>" that begins with a star; NULL: unknown. */
static const struct tls_cert *
find_named(const char *path)
{
    if (*path == '*')
        return pending != NULL && strcmp(pending->path, path + 1) == 0 ? pending : NULL;
    return cert_store_find(path[0] == '\\' && path[1] == '*' ? path + 1 : path);
}

static enum command_result
run_show(struct command_call *call)
{
    const char *path = command_next(call);
    const struct tls_cert *cert;

    if (path == NULL) {
        show_all(call->out);
        return COMMAND_DONE;
    }
    cert = find_named(path);
    if (cert == NULL)
        return command_say(call, 3,
                           "Can't display the certificate: Not found or the certificate is a bundle!");
    show_one(call->out, cert, *path == '*' ? "*" : "");
    return COMMAND_DONE;
}

static bool
dump_pem(struct text *out, const struct tls_cert *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool fine = bio != NULL && (cert->key == NULL ||
                                PEM_write_bio_PrivateKey(bio, cert->key, NULL, NULL, 0, NULL, NULL) == 1);

    fine = fine && PEM_write_bio_X509(bio, cert->x509) == 1;
    for (int i = 0; fine && cert->chain != NULL && i < sk_X509_num(cert->chain); i++)
        fine = PEM_write_bio_X509(bio, sk_X509_value(cert->chain, i)) == 1;
    if (fine)
        add_bio(out, bio);
    else
        BIO_free(bio);
    return fine;
}

static enum command_result
run_dump(struct command_call *call)
{
    const char *path = command_next(call);
    const struct tls_cert *cert;

    if (path == NULL)
        return command_say(call, 3, "'dump ssl cert' expects a filename");
    cert = find_named(path);
    if (cert == NULL || cert->x509 == NULL)
        return command_say(call, 3,
                           "Can't display the certificate: Not found or the certificate is a bundle!");
    if (!dump_pem(call->out, cert))
        return command_say(call, 3, "Can't dump the certificate: %s!", tls_error_text());
    return COMMAND_DONE;
}

/* --- transactions ----------------------------------------------------------------------------------- */

static enum command_result
run_new(struct command_call *call)
{
    const char *path = command_next(call);
    struct tls_cert *cert;

    if (path == NULL)
        return command_say(call, 3, "'new ssl cert' expects a filename");
    if (cert_store_find(path) != NULL)
        return command_say(call, 3, "Certificate '%s' already exists!", path);
    cert = tls_cert_new(path);
    cert_store_keep(cert);
    tls_cert_drop(cert);
    return command_say(call, 5, "New empty certificate store '%s'!", path);
}

/* The certificate that `name` is about, and which part of it ("" : all). NULL: unknown. */
static const struct tls_cert *
find_target(const char *name, const char **ending)
{
    static const char *const endings[] = { ".key", ".ocsp", ".issuer", ".sctl" };
    const struct tls_cert *cert = cert_store_find(name);
    char path[PATH_MAX];

    *ending = "";
    for (size_t i = 0; cert == NULL && i < COUNT(endings); i++) {
        if (!str_ends(str_from(name), str_from(endings[i])))
            continue;
        *ending = endings[i];
        snprintf(path, sizeof(path), "%.*s", (int)(strlen(name) - strlen(endings[i])), name);
        cert = cert_store_find(path);
    }
    return cert;
}

static enum command_result
set_failed(struct command_call *call, const char *name, const char *why)
{
    return command_say(call, 3, "%s\nCan't update %s!", why, name);
}

static enum command_result
run_set(struct command_call *call)
{
    const char *name = command_next(call), *ending;
    const struct tls_cert *base;
    struct error err = ERROR_INIT;
    struct tls_cert *cert;
    bool is_new;

    if (name == NULL || call->payload.ptr == NULL)
        return command_say(call, 3,
                           "'set ssl cert expects a filename and a certificate as a payload");
    base = find_target(name, &ending);
    if (base == NULL)
        return set_failed(call, name,
                          "Can't replace a certificate which is not referenced by the configuration!");
    is_new = pending == NULL;
    if (!is_new && strcmp(pending->path, base->path) != 0) {
        error_set(&err, "The ongoing transaction is about '%s' but you are trying to set '%s'",
                  pending->path, base->path);
        return set_failed(call, name, err.text);
    }
    cert = tls_cert_copy(is_new ? base : pending);
    if (!(*ending == '\0' ? tls_cert_set_pem(cert, call->payload, &err)
                          : tls_cert_set_extra(cert, ending, call->payload, &err))) {
        tls_cert_drop(cert);
        command_say(call, 3, "%s.", err.text);
        return set_failed(call, name, "Can't load the payload");
    }
    tls_cert_drop(pending);
    pending = cert;
    return command_say(call, 5, "Transaction %s for certificate %s!",
                       is_new ? "created" : "updated", cert->path);
}

static enum command_result
commit_failed(struct command_call *call, const char *name, const char *why)
{
    return command_say(call, 3, "%s\nCan't commit %s!", why, name);
}

static enum command_result
run_commit(struct command_call *call)
{
    const char *path = command_next(call);
    struct error err = ERROR_INIT;
    unsigned count;

    if (path == NULL)
        return command_say(call, 3, "'commit ssl cert' expects a filename");
    if (pending == NULL)
        return commit_failed(call, path, "No ongoing transaction! !");
    if (strcmp(pending->path, path) != 0) {
        error_set(&err, "The ongoing transaction is about '%s' but you are trying to set '%s'",
                  pending->path, path);
        return commit_failed(call, path, err.text);
    }
    if (pending->x509 == NULL || pending->key == NULL)
        return commit_failed(
            call, path, "The transaction must contain at least a certificate and a private key!");
    if (!tls_cert_finish(pending, &err))
        return commit_failed(call, path, err.text);
    if (cert_store_find(path) == NULL)
        cert_store_keep(pending);
    count = cert_store_replace(pending);
    tls_cert_drop(pending);
    pending = NULL;
    text_printf(call->out, "Committing %s", path);
    while (count-- > 0)
        text_add_char(call->out, '.');
    text_puts(call->out, "\nSuccess!\n");
    return COMMAND_DONE;
}

static enum command_result
run_abort(struct command_call *call)
{
    const char *path = command_next(call);

    if (path == NULL)
        return command_say(call, 3, "'abort ssl cert' expects a filename");
    if (pending == NULL)
        return command_say(call, 3, "No ongoing transaction!");
    if (strcmp(pending->path, path) != 0)
        return command_say(
            call, 3,
            "The ongoing transaction is about '%s' but you are trying to abort a transaction for '%s'",
            pending->path, path);
    tls_cert_drop(pending);
    pending = NULL;
    return command_say(call, 5, "Transaction aborted for certificate '%s'!", path);
}

static enum command_result
run_del(struct command_call *call)
{
    const char *path = command_next(call);

    if (path == NULL)
        return command_say(call, 3, "'del ssl cert' expects a certificate name");
    if (cert_store_find(path) == NULL)
        return command_say(call, 3,
                           "Can't remove the certificate: certificate '%s' doesn't exist!\n", path);
    if (cert_store_is_used(path) || jwt_certs_has(path))
        return command_say(
            call, 3, "Can't remove the certificate: certificate '%s' in use, can't be deleted!\n",
            path);
    text_printf(call->out, "Certificate '%s' deleted!\n", path);
    cert_store_forget(path);
    return COMMAND_DONE;
}

static const struct command commands[] = {
    { "show ssl cert", "[<certfile>]", LEVEL_OPERATOR, run_show,
      "list the certificates, or tell about one; *<certfile>: the one of the transaction" },
    { "dump ssl cert", "<certfile>", LEVEL_ADMIN, run_dump,
      "print key, certificate and chain as a file would have them; *<certfile>: those of the transaction" },
    { "new ssl cert", "<certfile>", LEVEL_ADMIN, run_new, "make an empty certificate, to be set" },
    { "set ssl cert", "<certfile> <payload>", LEVEL_ADMIN, run_set,
      "give a certificate new content, shown to clients by commit" },
    { "commit ssl cert", "<certfile>", LEVEL_ADMIN, run_commit,
      "show clients what was set" },
    { "abort ssl cert", "<certfile>", LEVEL_ADMIN, run_abort, "forget what was set" },
    { "del ssl cert", "<certfile>", LEVEL_ADMIN, run_del,
      "forget a certificate that no bind line shows" },
};
REGISTER(command, commands);

__attribute__((destructor)) static void
drop_pending(void)
{
    tls_cert_drop(pending);
}
