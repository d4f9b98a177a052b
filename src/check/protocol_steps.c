/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks that speak a protocol, as prepared steps: option redis-check, smtpchk, pgsql-check,
 * mysql-check, ldap-check, ssl-hello-chk.
 *
 * Thread: builder reads; the judges run on control.
 */
#include <ctype.h>
#include <string.h>

#include "weir/expr/regex_conf.h"
#include "weir/base/number.h"
#include "external.h"
#include "steps.h"

/* --- building ------------------------------------------------------------------------------- */

static struct check_step *
add(struct parse *parse, struct check_method *method, enum step_kind kind)
{
    struct check_step **to = &method->prepared;

    while (*to != NULL)
        to = &(*to)->next;
    *to = ARENA_NEW(parse->arena, struct check_step);
    (*to)->kind = kind;
    return *to;
}

void
method_add_send(struct parse *parse, struct check_method *method, struct str bytes)
{
    add(parse, method, STEP_SEND)->send.bytes =
        str_of(arena_copy_str(parse->arena, bytes), bytes.len);
}

struct step_expect *
method_add_judge(struct parse *parse, struct check_method *method, judge_fn *judge, unsigned shown_step)
{
    struct check_step *step = add(parse, method, STEP_EXPECT);

    step->expect.kind = EXPECT_JUDGE;
    step->expect.judge = judge;
    step->expect.min_received = -1;
    step->expect.shown_step = shown_step;
    step->expect.empty_status = CHECK_L7RSP;
    return &step->expect;
}

struct check_method *
method_begin(struct parse *parse)
{
    struct check_method *method = check_method_of_parse(parse);

    method->is_http = false;
    method->prepared = NULL;
    external_forget(parse);
    return method;
}

/* Text up to the end of the line, or all there is; only what can be printed. */
static void
add_line(struct text *info, struct str line)
{
    for (size_t i = 0; i < line.len && i < 100 && line.ptr[i] != '\r' && line.ptr[i] != '\n'; i++)
        text_add_char(info, isprint((unsigned char)line.ptr[i]) ? line.ptr[i] : '.');
}

static enum judged
say(struct text *info, enum judged judged, const char *text)
{
    text_puts(info, text);
    return judged;
}

/* More must come, or it never will. */
static enum judged
too_short(bool at_end, struct text *info, const char *who)
{
    if (!at_end)
        return JUDGED_LATER;
    text_printf(info, "%s closed the connection before its answer was whole", who);
    return JUDGED_BAD;
}

/* --- redis ----------------------------------------------------------------------------------- */

static enum judged
judge_redis(struct check *check, bool at_end, struct text *info, int *status)
{
    struct str got = text_str(&check->received);

    if (got.len < 5 && !at_end)
        return JUDGED_LATER;
    *status = CHECK_L7OK;
    if (str_starts(got, STR("+PONG")))
        return say(info, JUDGED_GOOD, "Redis server is ok");
    *status = CHECK_L7STS;
    add_line(info, got);
    return JUDGED_BAD;
}

static bool
parse_redis(struct parse *parse)
{
    struct check_method *method = method_begin(parse);

    if (parse->negated)
        return parse_end(parse);
    method_add_send(parse, method, STR("*1\r\n$4\r\nPING\r\n"));
    method_add_judge(parse, method, judge_redis, 2)->empty_status = CHECK_L7STS;
    return parse_end(parse);
}

/* --- SMTP ------------------------------------------------------------------------------------ */

/* A whole answer, perhaps of several lines ("250-..."), which begins with 2. */
static enum judged
judge_smtp(struct check *check, bool at_end, struct text *info, int *status)
{
    struct str got = text_str(&check->received), rest = got, line = STR_NONE;
    uint64_t code;

    if (got.len == 0 || got.ptr[got.len - 1] != '\n')
        return too_short(at_end, info, "SMTP server");
    while (rest.len > 0)
        line = str_split(&rest, '\n');
    if (line.len >= 4 && line.ptr[3] == '-')
        return too_short(at_end, info, "SMTP server");
    if (line.len < 3 || !number_read_digits(str_of(line.ptr, 3), &code)) {
        add_line(info, line);
        return JUDGED_BAD;
    }
    check->judged_code = (int)code;
    add_line(info, str_slice(line, 4, SIZE_MAX));
    *status = line.ptr[0] == '2' ? CHECK_L7OK : CHECK_L7STS;
    return line.ptr[0] == '2' ? JUDGED_GOOD : JUDGED_BAD;
}

static bool
parse_smtp(struct parse *parse)
{
    struct check_method *method = method_begin(parse);
    const char *hello = words_next(parse->words), *domain = words_next(parse->words);

    if (parse->negated)
        return parse_end(parse);
    if (hello == NULL || domain == NULL ||
        (strcmp(hello, "EHLO") != 0 && strcmp(hello, "HELO") != 0)) {
        if (hello != NULL && domain == NULL)
            return parse_alert(parse, "'%s' needs a domain to say", hello);
        hello = "HELO";
        domain = domain == NULL ? "localhost" : domain;
    }
    method_add_judge(parse, method, judge_smtp, 2);
    method_add_send(parse, method, str_from(arena_printf(parse->arena, "%s %s\r\n", hello, domain)));
    method_add_judge(parse, method, judge_smtp, 5)->empty_status = CHECK_L7STS;
    method_add_send(parse, method, STR("QUIT\r\n"));
    method_add_judge(parse, method, judge_smtp, 7)->empty_status = CHECK_L7STS;
    return parse_end(parse);
}

/* --- PostgreSQL -------------------------------------------------------------------------------- */

static uint32_t
read_u32(const char *bytes)
{
    const unsigned char *b = (const unsigned char *)bytes;

    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* The message of an error: the field 'M'. */
static void
add_pgsql_error(struct text *info, struct str fields)
{
    while (fields.ptr != NULL) {
        struct str field = str_split(&fields, '\0');

        if (field.len > 1 && field.ptr[0] == 'M') {
            add_line(info, str_of(field.ptr + 1, field.len - 1));
            return;
        }
    }
}

static enum judged
say_no_pgsql(struct text *info, int *status)
{
    *status = CHECK_L7STS;
    return say(info, JUDGED_BAD, "PostgreSQL unknown error");
}

static enum judged
judge_pgsql(struct check *check, bool at_end, struct text *info, int *status)
{
    struct str got = text_str(&check->received);
    size_t len;

    if (got.len < 5)
        return too_short(at_end, info, "PostgreSQL server");
    len = read_u32(got.ptr + 1);
    if ((got.ptr[0] != 'R' && got.ptr[0] != 'E') || len < 8 || len > 30000)
        return say_no_pgsql(info, status);
    if (got.len < len + 1)
        return too_short(at_end, info, "PostgreSQL server");
    if (got.ptr[0] == 'E') {
        *status = CHECK_L7STS;
        add_pgsql_error(info, str_of(got.ptr + 5, len - 4));
        return JUDGED_BAD;
    }
    *status = CHECK_L7OK;
    return say(info, JUDGED_GOOD, "PostgreSQL server is ok");
}

static const char *
parse_user(struct parse *parse)
{
    if (!words_accept(parse->words, "user")) {
        parse_alert_next(parse, "'user' and a name are missing");
        return NULL;
    }
    return parse_word(parse, "the name of a user");
}

static bool
parse_pgsql(struct parse *parse)
{
    struct check_method *method = method_begin(parse);
    struct text packet = TEXT_INIT;
    const char *user;
    size_t len;

    if (parse->negated)
        return parse_end(parse);
    user = parse_user(parse);
    if (user == NULL)
        return false;
    len = 4 + 4 + 5 + strlen(user) + 1 + 1;
    text_add(&packet, str_of((char[]){ 0, 0, (char)(len >> 8), (char)len, 0, 3, 0, 0 }, 8));
    text_add(&packet, str_of("user", 5));
    text_add(&packet, str_of(user, strlen(user) + 1));
    text_add_char(&packet, '\0');
    method_add_send(parse, method, text_str(&packet));
    text_fini(&packet);
    method_add_judge(parse, method, judge_pgsql, 3);
    return parse_end(parse);
}

/* --- MySQL --------------------------------------------------------------------------------------- */

/* The first packet: length (3 bytes, little endian), number, body. ptr NULL: not whole. */
static struct str
mysql_packet(struct str got)
{
    size_t len;

    if (got.len < 4)
        return STR_NONE;
    len = (size_t)((unsigned char)got.ptr[0] | (unsigned char)got.ptr[1] << 8 |
                   (unsigned char)got.ptr[2] << 16);
    return got.len < len + 4 ? STR_NONE : str_of(got.ptr + 4, len);
}

static enum judged
say_mysql_error(struct str packet, struct text *info, int *status)
{
    size_t skip = packet.len > 9 && packet.ptr[3] == '#' ? 9 : 3;

    *status = CHECK_L7STS;
    add_line(info, packet.len > skip ? str_of(packet.ptr + skip, packet.len - skip) : STR(""));
    return JUDGED_BAD;
}

static enum judged
judge_mysql_hello(struct check *check, bool at_end, struct text *info, int *status)
{
    struct str packet = mysql_packet(text_str(&check->received));

    if (packet.ptr == NULL)
        return too_short(at_end, info, "MySQL server");
    if (packet.len > 0 && (unsigned char)packet.ptr[0] == 0xff)
        return say_mysql_error(packet, info, status);
    if (packet.len < 6 || (packet.ptr[0] != 10 && packet.ptr[0] != 9) ||
        memchr(packet.ptr + 1, '\0', packet.len - 1) == NULL)
        return say(info, JUDGED_BAD, "this is not a MySQL server");
    *status = CHECK_L7OK;
    add_line(info, str_from(packet.ptr + 1));
    return say(info, JUDGED_GOOD, " is ok");
}

static enum judged
judge_mysql_auth(struct check *check, bool at_end, struct text *info, int *status)
{
    struct str packet = mysql_packet(text_str(&check->received));

    if (packet.ptr == NULL || packet.len == 0)
        return too_short(at_end, info, "MySQL server");
    if ((unsigned char)packet.ptr[0] == 0xff)
        return say_mysql_error(packet, info, status);
    *status = CHECK_L7OK;
    return say(info, JUDGED_GOOD, "MySQL server is ok");
}

enum mysql_login { LOGIN_POST_41, LOGIN_PRE_41, LOGIN_POST_80 };

/* A login without password, by the protocol of 4.1 and later, or of before; then COM_QUIT. */
static void
add_mysql_login(struct parse *parse, struct check_method *method, const char *user,
                enum mysql_login login)
{
    static const char quit[] = { 1, 0, 0, 0, 1 }, plugin[] = "mysql_native_password";
    struct text packet = TEXT_INIT;
    size_t len = strlen(user) + 1 + (login == LOGIN_PRE_41 ? 2 + 3 + 1 : 4 + 4 + 1 + 23 + 1) +
                 (login == LOGIN_POST_80 ? sizeof(plugin) : 0);

    text_add(&packet, str_of((char[]){ (char)len, (char)(len >> 8), 0, 1 }, 4));
    if (login == LOGIN_PRE_41)
        text_add(&packet, str_of((char[]){ 0, (char)0x80, 0, 0, 1 }, 5));
    else {
        char more = login == LOGIN_POST_80 ? 0x08 : 0; /* CLIENT_PLUGIN_AUTH */

        text_add(&packet, str_of((char[]){ 0, (char)0x82, more, 0, 0, 0, 0, 1, 33 }, 9));
        text_add(&packet, str_of((char[23]){ 0 }, 23));
    }
    text_add(&packet, str_of(user, strlen(user) + 1));
    text_add_char(&packet, '\0');
    if (login == LOGIN_POST_80)
        text_add(&packet, str_of(plugin, sizeof(plugin)));
    method_add_send(parse, method, text_str(&packet));
    text_fini(&packet);
    method_add_judge(parse, method, judge_mysql_auth, 4);
    method_add_send(parse, method, str_of(quit, sizeof(quit)));
}

static bool
parse_mysql(struct parse *parse)
{
    static const char *const versions[] = { "post-41", "pre-41", "post-80", NULL };
    struct check_method *method = method_begin(parse);
    int version = 0;
    const char *user;

    if (parse->negated)
        return parse_end(parse);
    method_add_judge(parse, method, judge_mysql_hello, 3);
    if (words_at_end(parse->words))
        return true;
    user = parse_user(parse);
    if (user == NULL)
        return false;
    if (strlen(user) > 200)
        return parse_alert(parse, "the name of a user has 200 bytes at most");
    if (!words_at_end(parse->words) && !parse_choice(parse, "post-41, pre-41 or post-80", versions, &version))
        return false;
    add_mysql_login(parse, method, user, (enum mysql_login)version);
    return parse_end(parse);
}

/* --- LDAP, TLS ----------------------------------------------------------------------------------- */

/* LDAPMessage: 30 len, 02 01 id, 61 len, 0a 01 result (RFC 4511). */
static enum judged
judge_ldap(struct check *check, bool at_end, struct text *info, int *status)
{
    struct str got = text_str(&check->received);
    const unsigned char *b = (const unsigned char *)got.ptr;
    size_t at = 2;

    if (got.len >= 1 && b[0] != 0x30)
        return say(info, JUDGED_BAD, "Not LDAPv3 protocol");
    if (got.len >= 2 && b[1] > 0x80)
        at += b[1] & 0x7f;
    if (got.len < at + 5)
        return too_short(at_end, info, "LDAP server");
    at += 3;
    if (at > 16 || b[at] != 0x61)
        return say(info, JUDGED_BAD, "Not LDAPv3 protocol");
    at += b[at + 1] > 0x80 ? 2 + (b[at + 1] & 0x7fU) : 2;
    if (got.len < at + 3)
        return too_short(at_end, info, "LDAP server");
    if (b[at + 2] != 0) {
        *status = CHECK_L7STS;
        text_printf(info, "LDAP result %u instead of success", b[at + 2]);
        return JUDGED_BAD;
    }
    *status = CHECK_L7OK;
    return say(info, JUDGED_GOOD, "Success");
}

static bool
parse_ldap(struct parse *parse)
{
    /* An anonymous bind, and an unbind. */
    static const char bind[] = "\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00";
    static const char unbind[] = "\x30\x05\x02\x01\x02\x42\x00";
    struct check_method *method = method_begin(parse);

    if (parse->negated)
        return parse_end(parse);
    method_add_send(parse, method, str_of(bind, sizeof(bind) - 1));
    method_add_judge(parse, method, judge_ldap, 2);
    method_add_send(parse, method, str_of(unbind, sizeof(unbind) - 1));
    return parse_end(parse);
}

/* A handshake record or an alert: it speaks TLS. */
static enum judged
judge_hello(struct check *check, bool at_end, struct text *info, int *status)
{
    struct str got = text_str(&check->received);

    if (got.len < 3)
        return too_short(at_end, info, "TLS server");
    *status = CHECK_L6OK;
    if ((got.ptr[0] == 0x15 || got.ptr[0] == 0x16) && got.ptr[1] == 3)
        return JUDGED_GOOD;
    *status = CHECK_L6RSP;
    return say(info, JUDGED_BAD, "this is not a TLS server");
}

static bool
parse_ssl_hello(struct parse *parse)
{
    /* TLS 1.2: six cipher suites, curves, signature algorithms. */
    static const char record[] = "\x16\x03\x01\x00\x53\x01\x00\x00\x4f\x03\x03"
                                 "weir checks whether TLS is here!"
                                 "\x00\x00\x0c\xc0\x2f\xc0\x2b\xc0\x30\x00\x9c\x00\x2f\x00\x35\x01\x00"
                                 "\x00\x1a\x00\x0a\x00\x06\x00\x04\x00\x1d\x00\x17"
                                 "\x00\x0d\x00\x0c\x00\x0a\x04\x03\x08\x04\x04\x01\x05\x01\x02\x01";
    struct check_method *method = method_begin(parse);
    struct step_expect *expect;

    if (parse->negated)
        return parse_end(parse);
    method_add_send(parse, method, str_of(record, sizeof(record) - 1));
    expect = method_add_judge(parse, method, judge_hello, 2);
    expect->empty_status = CHECK_L6RSP;
    expect->timeout_status = CHECK_L6TOUT;
    return parse_end(parse);
}

static const struct keyword keywords[] = {
    { "option redis-check", IN_BACK, .flags = KEYWORD_NO, .parse = parse_redis,
      .help = "Check servers by Redis: PING must be answered." },
    { "option smtpchk", IN_BACK, .flags = KEYWORD_NO, .args = "[HELO|EHLO <domain>]",
      .parse = parse_smtp, .help = "Check servers by SMTP: greeting, HELO or EHLO, QUIT." },
    { "option pgsql-check", IN_BACK, .flags = KEYWORD_NO, .args = "user <name>",
      .parse = parse_pgsql, .help = "Check servers by the start of a PostgreSQL session." },
    { "option mysql-check", IN_BACK, .flags = KEYWORD_NO, .args = "[user <name> [post-41|pre-41|post-80]]",
      .parse = parse_mysql, .help = "Check servers by MySQL's handshake, and a login if a user is given." },
    { "option ldap-check", IN_BACK, .flags = KEYWORD_NO, .parse = parse_ldap,
      .help = "Check servers by LDAP: an anonymous bind must succeed." },
    { "option ssl-hello-chk", IN_BACK, .flags = KEYWORD_NO, .parse = parse_ssl_hello,
      .help = "Check servers by a TLS hello, without a handshake of our own." },
};
REGISTER(keyword, keywords);
