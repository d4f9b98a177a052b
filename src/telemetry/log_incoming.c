/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a syslog message says of itself.
 *
 * For:     log-forward sections.
 * Owns:    nothing; parts point into the message.
 * Callers: whoever receives messages of others.
 * Thread:  any; pure.
 *
 *     RFC 5424   <165>1 2003-10-11T22:14:15.003Z host tag pid id [sd@1 a="b"] message
 *     RFC 3164   <13>Nov  3 01:02:03 host tag[pid]: message
 *     a priority <13>message
 *     nothing    message
 *
 * What does not fit one of them wholly is a message of the next simpler form.
 */
#include "weir/telemetry/log_relay.h"
#include "private.h"

#define PRIORITY_DIGITS 9
#define BSD_DATE_LEN    15 /* "Nov  3 01:02:03" */
#define ISO_DATE_MIN    20 /* "2003-10-11T22:14:15Z" */

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "Nov  3 01:02:03": 'A' a month, '0' a digit, '_' a digit or blank, all else itself. */
static bool
has_shape(struct str s, const char *shape)
{
    for (size_t i = 0; shape[i] != '\0'; i++) {
        char c = i < s.len ? s.ptr[i] : '\0';
        bool fits = shape[i] == '0' ? is_digit(c) : shape[i] == '_' ? is_digit(c) || c == ' ' : shape[i] == c;

        if (!fits)
            return false;
    }
    return true;
}

static int
number_at(struct str s, size_t at)
{
    return (s.ptr[at] == ' ' ? 0 : s.ptr[at] - '0') * 10 + s.ptr[at + 1] - '0';
}

unsigned
log_month_of(struct str s)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (unsigned i = 0; i < 12 && s.len >= 3; i++) {
        if (str_eq(str_slice(s, 0, 3), str_of(names + (size_t)i * 3, 3)))
            return i + 1;
    }
    return 0;
}

/* Takes the next word and the blank behind it. */
static struct str
take_word(struct str *rest)
{
    long at = str_find_char(*rest, ' ');
    struct str word = at < 0 ? *rest : str_slice(*rest, 0, (size_t)at);

    *rest = at < 0 ? str_slice(*rest, rest->len, 0) : str_slice(*rest, (size_t)at + 1, rest->len);
    return word;
}

/* "<13>"; digits may lack. */
static bool
take_priority(struct str *rest, unsigned *priority)
{
    unsigned value = 0;

    if (rest->len == 0 || rest->ptr[0] != '<')
        return false;
    for (size_t i = 1; i < rest->len && i <= PRIORITY_DIGITS; i++) {
        if (rest->ptr[i] == '>') {
            *priority = value;
            *rest = str_slice(*rest, i + 1, rest->len);
            return true;
        }
        if (!is_digit(rest->ptr[i]))
            return false;
        value = value * 10 + (unsigned)(rest->ptr[i] - '0');
    }
    return false;
}

/* --- RFC 5424 -------------------------------------------------------------------------------------- */

/* Length of "[id name="value"]..." or "-" at the beginning; 0: it is neither. */
static size_t
sd_len(struct str s)
{
    bool is_open = false, is_quoted = false;
    size_t i = 0;

    if (s.len > 0 && s.ptr[0] == '-')
        return 1;
    for (; i < s.len; i++) {
        char c = s.ptr[i];

        if (!is_open && c != '[')
            break;
        if (is_quoted && c == '\\')
            i++;
        else if (is_open && c == '"')
            is_quoted = !is_quoted;
        else if (!is_quoted && (c == '[' || c == ']'))
            is_open = c == '[';
    }
    return is_open || i > s.len ? 0 : i;
}

static bool
is_iso_date(struct str s)
{
    return s.len >= ISO_DATE_MIN && has_shape(s, "0000-00-00T00:00:00") && number_at(s, 5) >= 1 &&
           number_at(s, 5) <= 12;
}

static struct str
known(struct str word)
{
    return str_eq(word, STR("-")) ? STR_NONE : word;
}

static bool
parse_rfc5424(struct str s, struct log_incoming *out)
{
    struct log_incoming in = *out;
    size_t len;

    if (!str_starts(s, STR("1 ")))
        return false;
    s = str_slice(s, 2, s.len);
    in.time = known(take_word(&s));
    in.host = known(take_word(&s));
    in.tag = known(take_word(&s));
    in.pid = known(take_word(&s));
    in.message_id = known(take_word(&s));
    len = sd_len(s);
    if (len == 0 || (len < s.len && s.ptr[len] != ' ') || (in.time.len > 0 && !is_iso_date(in.time)))
        return false;
    in.sd = known(str_slice(s, 0, len));
    in.message = len < s.len ? str_slice(s, len + 1, s.len) : STR("");
    in.form = INCOMING_RFC5424;
    *out = in;
    return true;
}

/* --- RFC 3164 -------------------------------------------------------------------------------------- */

/* "tag:" or "tag[pid]:" and a blank. */
static void
take_tag(struct str *rest, struct log_incoming *out)
{
    struct str after = *rest, word = take_word(&after);
    long bracket;

    if (word.len < 2 || word.ptr[word.len - 1] != ':')
        return;
    *rest = after;
    word.len--;
    bracket = str_find_char(word, '[');
    if (bracket > 0 && word.ptr[word.len - 1] == ']') {
        out->pid = str_of(word.ptr + bracket + 1, word.len - (size_t)bracket - 2);
        word.len = (size_t)bracket;
    }
    out->tag = word;
}

static bool
parse_rfc3164(struct str s, struct log_incoming *out)
{
    struct str date = str_slice(s, 0, BSD_DATE_LEN);

    if (log_month_of(date) == 0 || !has_shape(str_slice(s, 3, s.len), " _0 00:00:00 "))
        return false;
    s = str_slice(s, BSD_DATE_LEN + 1, s.len);
    out->form = INCOMING_RFC3164;
    out->time = date;
    out->host = take_word(&s);
    take_tag(&s, out);
    out->message = s;
    return true;
}

void
log_incoming_parse(struct str message, struct log_incoming *out)
{
    while (message.len > 0 && message.ptr[message.len - 1] == '\n')
        message.len--;
    *out = (struct log_incoming){ .form = INCOMING_RAW, .message = message };
    if (!take_priority(&message, &out->priority))
        return;
    out->has_priority = true;
    out->message = message;
    out->form = INCOMING_PRIORITY;
    if (!parse_rfc5424(message, out))
        (void)parse_rfc3164(message, out);
}
