/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stapled OCSP answers at run time: show, set.
 *
 * For:     people, and programs that fetch answers.
 * Owns:    nothing.
 * Callers: the runtime socket, cert_cli.c.
 * Thread:  control.
 */
#include <openssl/ocsp.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/encode.h"
#include "weir/cli/command.h"
#include "weir/tls/cert_store.h"
#include "weir/tls/ocsp.h"
#include "private.h"

static void
add_id_key(struct text *out, OCSP_CERTID *id)
{
    unsigned char *der = NULL;
    int len = i2d_OCSP_CERTID(id, &der);

    for (int i = 0; i < len; i++)
        text_printf(out, "%02x", der[i]);
    OPENSSL_free(der);
}

void
ocsp_show_key(const struct tls_cert *cert, struct text *out)
{
    OCSP_CERTID *id = cert->ocsp == NULL ? NULL : ocsp_id_of(cert);

    text_puts(out, "OCSP Response Key: ");
    if (id != NULL)
        add_id_key(out, id);
    text_add_char(out, '\n');
    OCSP_CERTID_free(id);
}

/* --- showing ------------------------------------------------------------------------------------------ */

static void
add_hex(struct text *out, const char *label, const ASN1_STRING *bytes)
{
    const unsigned char *at = ASN1_STRING_get0_data(bytes);

    text_printf(out, "   %s: ", label);
    for (int i = 0; i < ASN1_STRING_length(bytes); i++)
        text_printf(out, "%02X", at[i]);
    text_add_char(out, '\n');
}

static void
show_id(struct text *out, OCSP_CERTID *id)
{
    ASN1_OCTET_STRING *name_hash, *key_hash;
    ASN1_INTEGER *serial;

    OCSP_id_get0_info(&name_hash, NULL, &key_hash, &serial, id);
    text_puts(out, "Certificate ID key : ");
    add_id_key(out, id);
    text_puts(out, "\n Certificate ID:\n");
    add_hex(out, "Issuer Name Hash", name_hash);
    add_hex(out, "Issuer Key Hash", key_hash);
    add_hex(out, "Serial Number", serial);
}

/* key NULL: the ids of all; otherwise the answer of that one, or of that path. Whether there is one. */
static bool
show_of(struct text *out, const struct tls_cert *cert, const char *key)
{
    OCSP_CERTID *id = cert->ocsp == NULL ? NULL : ocsp_id_of(cert);
    struct text own = TEXT_INIT;
    bool is_it = id != NULL;

    if (is_it && key == NULL) {
        show_id(out, id);
    } else if (is_it) {
        add_id_key(&own, id);
        is_it = strcmp(text_cstr(&own), key) == 0 || strcmp(cert->path, key) == 0;
        if (is_it)
            ocsp_show(cert, out);
    }
    text_fini(&own);
    OCSP_CERTID_free(id);
    return is_it;
}

static enum command_result
run_show(struct command_call *call)
{
    const char *key = command_next(call);
    size_t count;
    const char **paths = cert_store_paths(&count);
    bool is_found = false;

    if (key == NULL)
        text_puts(call->out, "# Certificate IDs\n");
    for (size_t i = 0; i < count && (key == NULL || !is_found); i++)
        is_found = show_of(call->out, cert_store_find(paths[i]), key);
    alloc_free(paths);
    if (key != NULL && !is_found)
        command_say(call, 3, "Certificate ID does not match any certificate.");
    return COMMAND_DONE;
}

/* --- setting ------------------------------------------------------------------------------------------ */

/* To all certificates that it speaks of. How many. */
static unsigned
give_answer(OCSP_BASICRESP *basic, struct str der)
{
    size_t count;
    const char **paths = cert_store_paths(&count);
    unsigned given = 0;

    for (size_t i = 0; i < count; i++) {
        const struct tls_cert *cert = cert_store_find(paths[i]);
        struct error err = ERROR_INIT;

        /* The path may go with the old certificate: it is not used after this. */
        if (ocsp_is_about(basic, cert) && ocsp_put(cert, der, &err))
            given++;
    }
    alloc_free(paths);
    return given;
}

static enum command_result
set_answer(struct command_call *call, struct str der)
{
    const unsigned char *at = (const unsigned char *)der.ptr;
    OCSP_RESPONSE *answer = d2i_OCSP_RESPONSE(NULL, &at, (long)der.len);
    OCSP_BASICRESP *basic = answer == NULL ? NULL : OCSP_response_get1_basic(answer);
    unsigned given = basic == NULL ? 0 : give_answer(basic, der);

    (void)tls_error_text(); /* empties OpenSSL's queue */
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(answer);
    if (basic == NULL)
        return command_say(call, 3, "Failed to parse OCSP response.");
    if (given == 0)
        return command_say(call, 3, "OCSP response: certificate ID does not match any certificate.");
    return command_say(call, 6, "OCSP Response updated!");
}

static enum command_result
run_set(struct command_call *call)
{
    const char *word = command_next(call);
    struct str from = call->payload.ptr != NULL ? call->payload : str_from(word), der;
    enum command_result result;
    char *packed, *bytes;

    if (from.ptr == NULL)
        return command_say(call, 3, "'set ssl ocsp-response' expects response in base64 encoding.");
    packed = alloc_zero(from.len + 1);
    bytes = alloc_zero(from.len + 1);
    der = str_of(bytes, 0);
    for (size_t i = 0, len = 0; i < from.len; i++) {
        if (strchr(" \t\r\n", from.ptr[i]) == NULL)
            packed[len++] = from.ptr[i];
    }
    if (!base64_decode(bytes, &der.len, str_from(packed)) || der.len == 0)
        result = command_say(call, 3,
                             "'set ssl ocsp-response' received invalid base64 encoded response.");
    else
        result = set_answer(call, der);
    alloc_free(packed);
    alloc_free(bytes);
    return result;
}

static const struct command commands[] = {
    { "show ssl ocsp-response", "[<id>|<certfile>]", LEVEL_USER, run_show,
      "list what is stapled, or tell one answer" },
    { "set ssl ocsp-response", "<answer>|<payload>", LEVEL_ADMIN, run_set,
      "staple another OCSP answer, given in base64" },
};
REGISTER(command, commands);
