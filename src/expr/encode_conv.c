/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converters between bytes and their printed forms: base64, hexadecimal, URL escapes.
 *
 * Thread: traffic, inside an expression.
 */
#include <string.h>

#include "weir/base/encode.h"
#include "weir/base/number.h"
#include "private.h"

/* --- base64 --------------------------------------------------------------- */

/* private: is it the form for URLs? */
static bool
run_base64(struct eval *eval, const struct converter *conv, const struct arg *args,
           struct value *value)
{
    char *to = arena_take(eval->arena, BASE64_ENCODED_MAX(value->str.len) + 1);

    (void)args;
    if (to == NULL)
        return false;
    value_set_str(value, str_of(to, conv->private != 0 ? base64_encode_url(to, value->str)
                                                       : base64_encode(to, value->str)));
    return true;
}

static bool
run_b64dec(struct eval *eval, const struct converter *conv, const struct arg *args,
           struct value *value)
{
    char *to = arena_take(eval->arena, BASE64_DECODED_MAX(value->str.len) + 1);
    size_t len;

    (void)args;
    if (to == NULL || !(conv->private != 0 ? base64_decode_url(to, &len, value->str)
                                           : base64_decode(to, &len, value->str)))
        return false;
    value_set_bin(value, str_of(to, len));
    return true;
}

/* --- hexadecimal ---------------------------------------------------------- */

static bool
run_hex(struct eval *eval, const struct converter *conv, const struct arg *args,
        struct value *value)
{
    char *to = arena_take(eval->arena, HEX_ENCODED_MAX(value->str.len) + 1);

    (void)conv;
    (void)args;
    if (to == NULL)
        return false;
    value_set_str(value, str_of(to, hex_encode_upper(to, value->str)));
    return true;
}

/* Of too many digits the last ones count. */
static bool
run_hex2i(struct eval *eval, const struct converter *conv, const struct arg *args,
          struct value *value)
{
    uint64_t n = 0;

    (void)eval;
    (void)conv;
    (void)args;
    for (size_t i = 0; i < value->str.len; i++) {
        int digit = hex_digit(value->str.ptr[i]);

        if (digit < 0)
            return false;
        n = n << 4 | (unsigned)digit;
    }
    value_set_int(value, (int64_t)n);
    return true;
}

static bool
run_base2(struct eval *eval, const struct converter *conv, const struct arg *args,
          struct value *value)
{
    char *to = arena_take(eval->arena, 8 * value->str.len + 1);

    (void)conv;
    (void)args;
    if (to == NULL)
        return false;
    for (size_t i = 0; i < 8 * value->str.len; i++)
        to[i] = (char)('0' + ((unsigned char)value->str.ptr[i / 8] >> (7 - i % 8) & 1));
    value_set_str(value, str_of(to, 8 * value->str.len));
    return true;
}

/* --- chunks of big-endian (little-endian) bytes ---------------------------- */

#define CHUNK_TEXT_MAX 20 /* digits of 64 bits */

/* args: separator, bytes of a chunk, drop an incomplete last chunk? */
static struct str
next_chunk(struct str *rest, const struct arg *args)
{
    size_t size = args[1].num == 0 ? 1 : (size_t)args[1].num;
    struct str chunk = str_slice(*rest, 0, size);

    if (chunk.len < size && arg_is_given(&args[2]) && args[2].num != 0)
        chunk.len = 0;
    *rest = chunk.len == 0 ? STR("") : str_slice(*rest, chunk.len, rest->len);
    return chunk;
}

static uint64_t
number_of(struct str chunk, bool is_little)
{
    uint64_t n = 0;

    for (size_t i = 0; i < chunk.len; i++)
        n = n << 8 | (unsigned char)chunk.ptr[is_little ? chunk.len - 1 - i : i];
    return n;
}

/* private: 0 hexadecimal, 1 decimal, 2 decimal of little-endian bytes */
static bool
run_chunks(struct eval *eval, const struct converter *conv, const struct arg *args,
           struct value *value)
{
    struct str rest = value->str, separator = args[0].str, chunk;
    size_t size = args[1].num == 0 ? 1 : (size_t)args[1].num, count = rest.len / size + 1;
    size_t each = conv->private == 0 ? 2 * size : CHUNK_TEXT_MAX;
    char *to = arena_take(eval->arena, count * (each + separator.len) + 1), *pos = to;

    if (to == NULL)
        return false;
    while ((chunk = next_chunk(&rest, args)).len > 0) {
        if (pos > to && separator.len > 0) {
            memcpy(pos, separator.ptr, separator.len);
            pos += separator.len;
        }
        pos += conv->private == 0 ? hex_encode_upper(pos, chunk)
                                  : number_format(pos, number_of(chunk, conv->private == 2));
    }
    value_set_str(value, str_of(to, (size_t)(pos - to)));
    return true;
}

static bool
check_chunks(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    (void)count;
    if (!arg_is_given(&args[0]) && !arg_is_given(&args[1]))
        return true;
    return args[1].num > 0 || error_set(err, "the size of chunks must be positive");
}

static bool
check_decimal(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    (void)count;
    return (args[1].num >= 1 && args[1].num <= 8) ||
           error_set(err, "the size of chunks is 1 to 8");
}

/* --- URLs ----------------------------------------------------------------- */

/* "+" is a blank behind the question mark, or everywhere when told so. */
static bool
run_url_dec(struct eval *eval, const struct converter *conv, const struct arg *args,
            struct value *value)
{
    struct str s = value->str;
    bool is_form = arg_is_given(&args[0]) && args[0].num != 0;
    long mark = is_form ? 0 : str_find_char(s, '?');
    size_t head = is_form ? 0 : mark < 0 ? s.len : (size_t)mark, len, more;
    char *to = arena_take(eval->arena, s.len + 1);

    (void)conv;
    if (to == NULL || !url_decode(to, &len, str_slice(s, 0, head), URL_PATH) ||
        !url_decode(to + len, &more, str_slice(s, head, s.len), URL_FORM))
        return false;
    value_set_str(value, str_of(to, len + more));
    return true;
}

static bool
run_url_enc(struct eval *eval, const struct converter *conv, const struct arg *args,
            struct value *value)
{
    char *to = arena_take(eval->arena, URL_ENCODED_MAX(value->str.len) + 1);

    (void)conv;
    (void)args;
    if (to == NULL)
        return false;
    value_set_str(value, str_of(to, url_encode(to, value->str)));
    return true;
}

static bool
check_url_enc(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    return count == 0 || !arg_is_given(&args[0]) || str_eq(args[0].str, STR("query")) ||
           error_set(err, "unknown kind '%s'; the only one is 'query'", args[0].str.ptr);
}

static const struct converter converters[] = {
    { "base64", VALUE_BIN, VALUE_STR, { { 0 } }, run_base64, 0, .help = "The bytes in base64." },
    { "ub64enc", VALUE_BIN, VALUE_STR, { { 0 } }, run_base64, 1,
      .help = "The bytes in base64 for URLs, without padding." },
    { "b64dec", VALUE_STR, VALUE_BIN, { { 0 } }, run_b64dec, 0, .help = "The bytes of base64." },
    { "ub64dec", VALUE_STR, VALUE_BIN, { { 0 } }, run_b64dec, 1,
      .help = "The bytes of base64 for URLs." },
    { "hex", VALUE_BIN, VALUE_STR, { { 0 } }, run_hex, .help = "Two hexadecimal digits a byte." },
    { "hex2i", VALUE_STR, VALUE_INT, { { 0 } }, run_hex2i,
      .help = "The number that hexadecimal digits mean." },
    { "base2", VALUE_BIN, VALUE_STR, { { 0 } }, run_base2, .help = "Eight binary digits a byte." },
    { "be2hex", VALUE_BIN, VALUE_STR, { { ARG_STR, true }, { ARG_INT, true }, { ARG_INT, true } },
      run_chunks, 0, check_chunks, "Hexadecimal digits with a separator between chunks." },
    { "be2dec", VALUE_BIN, VALUE_STR, { { ARG_STR }, { ARG_INT, true }, { ARG_INT, true } },
      run_chunks, 1, check_decimal, "The decimal number of each chunk, with separators." },
    { "le2dec", VALUE_BIN, VALUE_STR, { { ARG_STR }, { ARG_INT, true }, { ARG_INT, true } },
      run_chunks, 2, check_decimal, "The same for little-endian bytes." },
    { "url_dec", VALUE_STR, VALUE_STR, { { ARG_INT, true } }, run_url_dec,
      .help = "Undo the escapes of a URL; 1: '+' is a blank everywhere." },
    { "url_enc", VALUE_STR, VALUE_STR, { { ARG_STR, true } }, run_url_enc, 0, check_url_enc,
      "Escape what cannot stand in the query of a URL." },
};
REGISTER(converter, converters);
