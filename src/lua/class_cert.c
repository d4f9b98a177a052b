/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CertCache: a script puts another certificate in the place of one that is loaded.
 *
 * Thread:  asked by any script that may wait, or while one is initialised; control does it, with the commands that people use.
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/text.h"
#include "weir/cli/command_run.h"
#include "private.h"

static const char *const parts[] = { "crt", "key", "ocsp", "issuer", "sctl" };

struct script_cert {
    char *name;
    char *contents[COUNT(parts)]; /* NULL: stays as it is */
};

void
script_cert_free(struct script_cert *cert)
{
    if (cert == NULL)
        return;
    for (size_t i = 0; i < COUNT(parts); i++)
        alloc_free(cert->contents[i]);
    alloc_free(cert->name);
    alloc_free(cert);
}

/* "set ssl cert name.key <<...": false: refused, as `out` says. */
static bool
set_part(const struct script_cert *cert, size_t part, struct text *out)
{
    char *line = alloc_printf("set ssl cert %s%s%s", cert->name, part == 0 ? "" : ".",
                              part == 0 ? "" : parts[part]);
    bool fine;

    text_clear(out);
    command_run_line(line, str_from(cert->contents[part]), LEVEL_ADMIN, out);
    alloc_free(line);
    fine = str_find(text_str(out), STR("Transaction "), 0) >= 0;
    return fine;
}

static void
end(const struct script_cert *cert, const char *verb, struct text *out)
{
    char *line = alloc_printf("%s ssl cert %s", verb, cert->name);

    command_run_line(line, STR_NONE, LEVEL_ADMIN, out);
    alloc_free(line);
}

void
script_cert_set(const struct script_cert *cert, struct text *out)
{
    struct text ignored = TEXT_INIT;

    for (size_t i = 0; i < COUNT(parts); i++) {
        if (cert->contents[i] != NULL && !set_part(cert, i, out)) {
            end(cert, "abort", &ignored);
            text_fini(&ignored);
            return;
        }
    }
    text_clear(out);
    end(cert, "commit", out);
    if (str_find(text_str(out), STR("Success"), 0) >= 0)
        text_clear(out);
    else
        end(cert, "abort", &ignored);
    text_fini(&ignored);
}

/* { filename = ..., crt = ..., ... } */
static int
set(lua_State *lua)
{
    struct script_cert *cert;
    const char *name;

    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_getfield(lua, 1, "filename");
    name = luaL_checkstring(lua, -1);
    luaL_argcheck(lua, strpbrk(name, " \t\r\n;\\") == NULL, 1, "a file name in one word");
    for (size_t i = 0; i < COUNT(parts); i++) {
        lua_getfield(lua, 1, parts[i]);
        luaL_optstring(lua, -1, NULL);
    }
    cert = alloc_zero(sizeof(*cert));
    cert->name = alloc_copy(name);
    for (size_t i = 0; i < COUNT(parts); i++) {
        const char *content = lua_tostring(lua, (int)(i + 3));

        cert->contents[i] = content == NULL ? NULL : alloc_copy(content);
    }
    return script_ask_cert(lua, cert);
}

void
script_add_class_cert(lua_State *lua)
{
    static const luaL_Reg functions[] = { { "set", set }, { NULL, NULL } };

    lua_newtable(lua);
    luaL_setfuncs(lua, functions, 0);
    lua_setglobal(lua, "CertCache");
}
