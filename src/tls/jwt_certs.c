/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates whose keys converters of JSON Web Tokens may use: jwt_verify_cert, jwt_decrypt_cert.
 *
 * Owns:    the names of those certificates, and the published table of their keys.
 * Callers: the parser's stages, cert_store.c, the runtime socket; expressions.
 * Thread:  control changes; traffic looks up.
 *
 * Names come from the configuration (`jwt on`) and from `add ssl jwt`; the latter stay over a reload.
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/cli/command.h"
#include "weir/expr/jwt.h"
#include "weir/expr/sample.h"
#include "weir/loop/grace.h"
#include "weir/tls/cert_store.h"
#include "private.h"

/* --- names -------------------------------------------------------------------------------------- */

struct name {
    struct name *next;
    bool is_configured;
    char text[];
};

static struct name *names; /* sorted */

static struct name **
place_of(const char *text)
{
    struct name **at = &names;

    while (*at != NULL && strcmp((*at)->text, text) < 0)
        at = &(*at)->next;
    return at;
}

bool
jwt_certs_has(const char *path)
{
    struct name **at = place_of(path);

    return *at != NULL && strcmp((*at)->text, path) == 0;
}

static void
add_name(const char *text, bool is_configured)
{
    struct name **at = place_of(text), *name = *at;

    if (name == NULL || strcmp(name->text, text) != 0) {
        name = alloc_zero(sizeof(*name) + strlen(text) + 1);
        memcpy(name->text, text, strlen(text));
        name->next = *at;
        *at = name;
    }
    name->is_configured = name->is_configured || is_configured;
}

static void
remove_name(struct name **at)
{
    struct name *name = *at;

    *at = name->next;
    alloc_free(name);
}

/* --- the table ---------------------------------------------------------------------------------------- */

/* Published; immutable. */
struct jwt_table {
    struct hashmap certs; /* by path; holds */
};

static struct jwt_table *table;

static void
free_table(void *object)
{
    struct jwt_table *gone = object;
    struct str key;
    void *cert;

    if (gone == NULL)
        return;
    for (size_t at = 0; hashmap_next(&gone->certs, &at, &key, &cert);)
        tls_cert_drop(cert);
    hashmap_fini(&gone->certs);
    alloc_free(gone);
}

void
jwt_certs_refresh(void)
{
    struct jwt_table *before = table, *fresh = NULL;

    if (names == NULL && before == NULL)
        return;
    fresh = alloc_zero(sizeof(*fresh));
    for (const struct name *name = names; name != NULL; name = name->next) {
        struct tls_cert *cert = cert_store_find(name->text);

        if (cert == NULL || cert->key == NULL)
            continue;
        tls_cert_hold(cert);
        hashmap_set(&fresh->certs, str_from(cert->path), cert);
    }
    grace_publish(table, fresh);
    if (before != NULL)
        grace_free_later(before, free_table);
}

void
jwt_certs_publish(const struct tls_globals *globals)
{
    for (struct name *name = names; name != NULL; name = name->next)
        name->is_configured = false;
    for (const struct crt_load *load = globals->loads; load != NULL; load = load->next) {
        if (load->is_jwt)
            add_name(load->name, true);
    }
    for (const struct tls_bind_conf *bind = globals->binds; bind != NULL; bind = bind->next) {
        const struct cert_use *use = bind->context == NULL ? NULL : bind->context->uses;

        for (; use != NULL; use = use->next) {
            if (use->is_jwt)
                add_name(use->cert->path, true);
        }
    }
    for (struct name **at = &names; *at != NULL;) {
        if ((*at)->is_configured || cert_store_find((*at)->text) != NULL)
            at = &(*at)->next;
        else
            remove_name(at);
    }
    jwt_certs_refresh();
}

/* --- converters ---------------------------------------------------------------------------------------- */

/* NULL: it may not be used. */
static const struct tls_cert *
find_cert(const struct arg *arg, struct eval *eval)
{
    const struct jwt_table *now = grace_read(table);
    struct str name;

    return now == NULL || !arg_find_str(arg, eval, &name) ? NULL : hashmap_find(&now->certs, name);
}

static bool
check_verify(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    (void)count;
    return jwt_check_alg(&args[0], err);
}

static bool
run_verify(struct eval *eval, const struct converter *conv, const struct arg *args,
           struct value *value)
{
    const struct tls_cert *cert = find_cert(&args[1], eval);

    (void)conv;
    value_set_int(value, cert == NULL ? JWT_NOT_ALLOWED
                                      : jwt_verify_key(eval, &args[0],
                                                       X509_get0_pubkey(cert->x509), value->str));
    return true;
}

static bool
run_decrypt(struct eval *eval, const struct converter *conv, const struct arg *args,
            struct value *value)
{
    const struct tls_cert *cert = find_cert(&args[0], eval);

    (void)conv;
    return cert != NULL && jwt_decrypt_key(eval, cert->key, value);
}

static const struct converter converters[] = {
    { "jwt_verify_cert", VALUE_BIN, VALUE_INT, { { ARG_STR_OR_VAR }, { ARG_STR_OR_VAR } },
      run_verify, 0, check_verify,
      "Is a JWT signed with the key of this certificate, which is marked with 'jwt on'? 1: yes, 0: no, "
      "-7: it is not marked, less: why it cannot be told." },
    { "jwt_decrypt_cert", VALUE_BIN, VALUE_BIN, { { ARG_STR_OR_VAR } }, run_decrypt, 0, NULL,
      "The text inside an encrypted JWT, by the key of a certificate that is marked with 'jwt on'." },
};
REGISTER(converter, converters);

/* --- commands -------------------------------------------------------------------------------------------- */

#define UNKNOWN "Can't display the certificate: Not found or the certificate is a bundle!"

static enum command_result
run_show(struct command_call *call)
{
    text_puts(call->out, "# filename\n");
    for (const struct name *name = names; name != NULL; name = name->next)
        text_printf(call->out, "%s\n", name->text);
    return COMMAND_DONE;
}

static enum command_result
run_add(struct command_call *call)
{
    const char *path = command_next(call);

    if (path == NULL || cert_store_find(path) == NULL)
        return command_say(call, 3, UNKNOWN);
    add_name(path, false);
    jwt_certs_refresh();
    return COMMAND_DONE;
}

static enum command_result
run_del(struct command_call *call)
{
    const char *path = command_next(call);

    if (path == NULL || cert_store_find(path) == NULL)
        return command_say(call, 3, UNKNOWN);
    if (jwt_certs_has(path))
        remove_name(place_of(path));
    jwt_certs_refresh();
    return COMMAND_DONE;
}

static const struct command commands[] = {
    { "show ssl jwt", "", LEVEL_OPERATOR, run_show,
      "list the certificates that jwt_verify_cert and jwt_decrypt_cert may use" },
    { "add ssl jwt", "<certfile>", LEVEL_ADMIN, run_add, "let jwt_verify_cert use a certificate" },
    { "del ssl jwt", "<certfile>", LEVEL_ADMIN, run_del,
      "let jwt_verify_cert use a certificate no more" },
};
REGISTER(command, commands);
