/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request targets: which form, and where its parts are.
 *
 * For:     the parsers, rules that change paths, fetches.
 * Callers: mux, message.c.
 * Thread:  pure.
 */
#include "weir/http/uri.h"

#include "weir/base/number.h"

/* --- the target ----------------------------------------------------------- */

static bool
is_scheme_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '-' || c == '.';
}

static bool
is_port(struct str port)
{
    uint64_t number;

    return port.len > 0 && port.len <= 5 && number_read_digits(port, &number) && number <= 65535;
}

static enum uri_form
split_absolute(struct str target, struct uri *out)
{
    size_t at = 0;
    size_t end;

    while (at < target.len && is_scheme_char(target.ptr[at]))
        at++;
    if (at == 0 || target.len - at < 3 || memcmp(target.ptr + at, "://", 3) != 0)
        return URI_NONE;
    out->scheme = str_of(target.ptr, at);
    at += 3;
    for (end = at; end < target.len && target.ptr[end] != '/'; end++) {
        if (target.ptr[end] == '?' || target.ptr[end] == '#')
            return URI_NONE; /* a path must come first: too many readers disagree */
    }
    out->authority = str_of(target.ptr + at, end - at);
    out->path = end < target.len ? str_of(target.ptr + end, target.len - end) : STR("/");
    return URI_ABSOLUTE;
}

static enum uri_form
split_authority(struct str target, struct uri *out)
{
    struct str host, port;

    authority_split(target, &host, &port);
    if (host.len == 0 || !is_port(port) || memchr(target.ptr, '/', target.len) != NULL ||
        memchr(target.ptr, '@', target.len) != NULL)
        return URI_NONE;
    out->authority = target;
    return URI_AUTHORITY;
}

enum uri_form
uri_split(struct str target, bool is_connect, struct uri *out)
{
    enum uri_form form;

    *out = (struct uri){ .path = { target.ptr, 0 } };
    if (target.len == 0)
        return URI_NONE;
    if (is_connect)
        return split_authority(target, out);
    if (target.ptr[0] == '/') {
        out->path = target;
        return URI_ORIGIN;
    }
    if (target.len == 1 && target.ptr[0] == '*') {
        out->path = target;
        return URI_ASTERISK;
    }
    form = split_absolute(target, out);
    if (form == URI_NONE)
        *out = (struct uri){ .path = { target.ptr, 0 } };
    return form;
}

struct str
uri_path_only(struct str path)
{
    const char *mark = path.len == 0 ? NULL : memchr(path.ptr, '?', path.len);

    return mark == NULL ? path : str_of(path.ptr, (size_t)(mark - path.ptr));
}

struct str
uri_query(struct str path)
{
    const char *mark = path.len == 0 ? NULL : memchr(path.ptr, '?', path.len);

    if (mark == NULL)
        return STR_NONE;
    return str_of(mark + 1, (size_t)(path.ptr + path.len - mark - 1));
}

/* --- the authority -------------------------------------------------------- */

void
authority_split(struct str authority, struct str *host, struct str *port)
{
    const char *user_end = authority.len == 0 ? NULL : memrchr(authority.ptr, '@', authority.len);
    const char *colon;

    if (user_end != NULL)
        authority = str_slice(authority, (size_t)(user_end + 1 - authority.ptr), authority.len);
    colon = authority.len == 0 ? NULL : memrchr(authority.ptr, ':', authority.len);
    *host = authority;
    *port = STR_NONE;
    if (colon == NULL ||
        memchr(colon, ']', (size_t)(authority.ptr + authority.len - colon)) != NULL)
        return;
    host->len = (size_t)(colon - authority.ptr);
    *port = str_of(colon + 1, authority.len - host->len - 1);
}

uint16_t
uri_default_port(struct str scheme)
{
    if (str_eq_nocase(scheme, STR("http")))
        return 80;
    return str_eq_nocase(scheme, STR("https")) ? 443 : 0;
}

/* An empty port means the default one, RFC 9110 4.2.3. */
static uint64_t
port_number(struct str port, uint16_t if_none)
{
    uint64_t number;

    if (port.len == 0)
        return if_none;
    return number_read_digits(port, &number) ? number : UINT64_MAX;
}

bool
authority_is_same(struct str a, struct str b, struct str scheme)
{
    struct str host_a, host_b, port_a, port_b;
    uint16_t port = uri_default_port(scheme);

    authority_split(a, &host_a, &port_a);
    authority_split(b, &host_b, &port_b);
    return str_eq_nocase(host_a, host_b) && port_number(port_a, port) == port_number(port_b, port);
}
