/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converters that are in no family: x509_v_err_str, debug.
 *
 * Thread: traffic, inside an expression.
 */
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>

#include "weir/base/text.h"
#include "weir/telemetry/notice.h"
#include "private.h"

/* --- x509_v_err_str ------------------------------------------------------------------------------- */

static const struct {
    int code;
    const char *name;
} verify_errors[] = {
#define ERR(name_) { name_, #name_ }
    ERR(X509_V_OK),
    ERR(X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT),
    ERR(X509_V_ERR_UNABLE_TO_GET_CRL),
    ERR(X509_V_ERR_CERT_SIGNATURE_FAILURE),
    ERR(X509_V_ERR_CRL_SIGNATURE_FAILURE),
    ERR(X509_V_ERR_CERT_NOT_YET_VALID),
    ERR(X509_V_ERR_CERT_HAS_EXPIRED),
    ERR(X509_V_ERR_CRL_NOT_YET_VALID),
    ERR(X509_V_ERR_CRL_HAS_EXPIRED),
    ERR(X509_V_ERR_OUT_OF_MEM),
    ERR(X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT),
    ERR(X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN),
    ERR(X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY),
    ERR(X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE),
    ERR(X509_V_ERR_CERT_CHAIN_TOO_LONG),
    ERR(X509_V_ERR_CERT_REVOKED),
    ERR(X509_V_ERR_INVALID_CA),
    ERR(X509_V_ERR_PATH_LENGTH_EXCEEDED),
    ERR(X509_V_ERR_INVALID_PURPOSE),
    ERR(X509_V_ERR_CERT_UNTRUSTED),
    ERR(X509_V_ERR_CERT_REJECTED),
    ERR(X509_V_ERR_HOSTNAME_MISMATCH),
    ERR(X509_V_ERR_EMAIL_MISMATCH),
    ERR(X509_V_ERR_IP_ADDRESS_MISMATCH),
    ERR(X509_V_ERR_EE_KEY_TOO_SMALL),
    ERR(X509_V_ERR_CA_KEY_TOO_SMALL),
    ERR(X509_V_ERR_CA_MD_TOO_WEAK),
#undef ERR
};

/* Those that are not in the list stay numbers. */
static bool
run_verify_error(struct eval *eval, const struct converter *conv, const struct arg *args,
                 struct value *value)
{
    (void)conv;
    (void)args;
    for (size_t i = 0; i < COUNT(verify_errors); i++) {
        if (verify_errors[i].code != value->num)
            continue;
        value_set_str(value, str_from(verify_errors[i].name));
        return true;
    }
    return value_cast(value, VALUE_STR, eval->arena);
}

/* --- debug ---------------------------------------------------------------------------------------- */

#define SHOWN_MAX 256

static void
put_printable(struct text *to, struct str s)
{
    for (size_t i = 0; i < s.len && i < SHOWN_MAX; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c >= ' ' && c < 0x7f)
            text_add_char(to, (char)c);
        else
            text_printf(to, "\\x%02x", c);
    }
}

/* On standard error, in the middle of traffic: it is there to find mistakes. */
static bool
run_debug(struct eval *eval, const struct converter *conv, const struct arg *args,
          struct value *value)
{
    struct value copy = *value;
    struct text text = TEXT_INIT;

    (void)conv;
    text_printf(&text, "[debug] %s: type=%s ",
                arg_is_given(&args[0]) ? args[0].str.ptr : "", value_type_name(value->type));
    if (value_has_bytes(&copy) || value_cast(&copy, VALUE_STR, eval->arena)) {
        text_add_char(&text, '<');
        put_printable(&text, copy.str);
        text_add_char(&text, '>');
    }
    notice_print(NOTICE_NOTICE, "%s", text_cstr(&text));
    text_fini(&text);
    return true;
}

static bool
check_debug(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    return count < 2 || !arg_is_given(&args[1]) || str_eq(args[1].str, STR("stderr")) ||
           error_set(err, "only 'stderr' is implemented yet, not '%s'", args[1].str.ptr);
}

static const struct converter converters[] = {
    { "x509_v_err_str", VALUE_INT, VALUE_STR, { { 0 } }, run_verify_error,
      .help = "OpenSSL's name of an error of verification; the number if it has none." },
    { "debug", VALUE_ANY, VALUE_SAME, { { ARG_STR, true }, { ARG_STR, true } }, run_debug, 0,
      check_debug, "Tell the value on standard error, behind a word of yours, and pass it on." },
};
REGISTER(converter, converters);
