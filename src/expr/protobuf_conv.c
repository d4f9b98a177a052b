/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converters of protocol buffers and gRPC messages: protobuf, ungrpc.
 *
 * Thread: builder reads paths; traffic follows them, inside an expression.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"
#include "wire.h"

#define PATH_MAX_STEPS 16
#define GRPC_HEADER    5 /* compressed flag, length */

enum wire_type { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

enum field_type { TYPE_RAW, TYPE_INT32, TYPE_INT64, TYPE_UINT32, TYPE_UINT64, TYPE_SINT32,
                  TYPE_SINT64, TYPE_BOOL, TYPE_ENUM, TYPE_FIXED64, TYPE_SFIXED64, TYPE_DOUBLE,
                  TYPE_FIXED32, TYPE_SFIXED32, TYPE_FLOAT, TYPES };

static const struct {
    const char *name;
    enum wire_type wire;
} types[TYPES] = {
    [TYPE_RAW] = { "", WIRE_BYTES },          [TYPE_INT32] = { "int32", WIRE_VARINT },
    [TYPE_INT64] = { "int64", WIRE_VARINT },  [TYPE_UINT32] = { "uint32", WIRE_VARINT },
    [TYPE_UINT64] = { "uint64", WIRE_VARINT }, [TYPE_SINT32] = { "sint32", WIRE_VARINT },
    [TYPE_SINT64] = { "sint64", WIRE_VARINT }, [TYPE_BOOL] = { "bool", WIRE_VARINT },
    [TYPE_ENUM] = { "enum", WIRE_VARINT },    [TYPE_FIXED64] = { "fixed64", WIRE_64 },
    [TYPE_SFIXED64] = { "sfixed64", WIRE_64 }, [TYPE_DOUBLE] = { "double", WIRE_64 },
    [TYPE_FIXED32] = { "fixed32", WIRE_32 },  [TYPE_SFIXED32] = { "sfixed32", WIRE_32 },
    [TYPE_FLOAT] = { "float", WIRE_32 },
};

struct path {
    uint32_t fields[PATH_MAX_STEPS];
    unsigned count;
};

/* --- reading ---------------------------------------------------------------------------------- */

struct field {
    uint64_t number;
    unsigned wire;
    uint64_t n;       /* not with WIRE_BYTES */
    struct str bytes; /* as they stand; with WIRE_BYTES without their length */
};

static bool
next_field(struct wire *wire, struct field *field)
{
    uint64_t key = wire_varint(wire, 10);
    const char *begin = (const char *)wire->at;

    field->number = key >> 3;
    field->wire = key & 7;
    switch (field->wire) {
    case WIRE_VARINT:
        field->n = wire_varint(wire, 10);
        break;
    case WIRE_64:
        field->n = wire_le(wire, 8);
        break;
    case WIRE_32:
        field->n = wire_le(wire, 4);
        break;
    case WIRE_BYTES:
        field->bytes = wire_bytes(wire, wire_varint(wire, 10));
        return !wire->is_short;
    default:
        return false;
    }
    field->bytes = str_of(begin, (size_t)((const char *)wire->at - begin));
    return !wire->is_short;
}

static bool
find_field(struct str bytes, const struct path *path, struct field *field)
{
    struct wire wire = wire_of(bytes);
    unsigned step = 0;

    while (wire.at < wire.end && next_field(&wire, field)) {
        if (field->number != path->fields[step])
            continue;
        if (++step == path->count)
            return true;
        if (field->wire != WIRE_BYTES)
            return false;
        wire = wire_of(field->bytes);
    }
    return false;
}

/* --- values ------------------------------------------------------------------------------------- */

static int64_t
number_of(const struct field *field, enum field_type type)
{
    uint32_t low = (uint32_t)field->n;
    double d;
    float f;

    switch (type) {
    case TYPE_INT32:
    case TYPE_ENUM:
    case TYPE_SFIXED32:
        return (int32_t)low;
    case TYPE_UINT32:
    case TYPE_FIXED32:
        return low;
    case TYPE_SINT32:
        return (int32_t)(low >> 1 ^ (0u - (low & 1)));
    case TYPE_SINT64:
        return (int64_t)(field->n >> 1 ^ (UINT64_C(0) - (field->n & 1)));
    case TYPE_BOOL:
        return field->n != 0;
    case TYPE_DOUBLE:
        memcpy(&d, &field->n, sizeof(d));
        return d > -9e18 && d < 9e18 ? (int64_t)d : 0;
    case TYPE_FLOAT:
        memcpy(&f, &low, sizeof(f));
        return f > -9e18f && f < 9e18f ? (int64_t)f : 0;
    case TYPE_RAW:
    case TYPE_INT64:
    case TYPE_UINT64:
    case TYPE_FIXED64:
    case TYPE_SFIXED64:
    case TYPES:
        break;
    }
    return (int64_t)field->n;
}

static bool
give_field(struct str bytes, const struct arg *args, struct value *value)
{
    enum field_type type = (enum field_type)args[1].num;
    struct field field = { .n = 0 };

    if (!find_field(bytes, args[0].ptr, &field))
        return false;
    if (type == TYPE_RAW) {
        value_set_bin(value, field.bytes);
        return true;
    }
    if (field.wire != (unsigned)types[type].wire)
        return false;
    value_set_int(value, number_of(&field, type));
    return true;
}

static bool
run_protobuf(struct eval *eval, const struct converter *conv, const struct arg *args,
             struct value *value)
{
    (void)eval;
    (void)conv;
    return give_field(value->str, args, value);
}

/* The first message that has the field; compressed ones cannot be looked into. */
static bool
run_ungrpc(struct eval *eval, const struct converter *conv, const struct arg *args,
           struct value *value)
{
    struct wire wire = wire_of(value->str);

    (void)eval;
    (void)conv;
    while (wire_left(&wire) >= GRPC_HEADER) {
        bool is_compressed = wire_be(&wire, 1) != 0;
        uint64_t len = wire_be(&wire, 4);
        struct str message = wire_bytes(&wire, len);

        if (is_compressed || wire.is_short)
            return false;
        if (give_field(message, args, value))
            return true;
    }
    return false;
}

/* --- arguments ------------------------------------------------------------------------------------ */

static bool
read_path(struct path *path, const char *text)
{
    char *end;

    for (;; text = end + 1) {
        unsigned long n = strtoul(text, &end, 10);

        if (end == text || n == 0 || n > 536870911 || path->count == PATH_MAX_STEPS)
            return false;
        path->fields[path->count++] = (uint32_t)n;
        if (*end == '\0')
            return true;
        if (*end != '.')
            return false;
    }
}

static bool
check(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    struct path *path = ARENA_NEW(parse->arena, struct path);

    args[0].ptr = path;
    args[1].num = TYPE_RAW;
    if (!read_path(path, args[0].str.ptr))
        return error_set(err, "'%s' is no path of field numbers, such as 48.59.1", args[0].str.ptr);
    if (count < 2 || !arg_is_given(&args[1]))
        return true;
    for (int i = 1; i < TYPES; i++) {
        args[1].num = i;
        if (str_eq(args[1].str, str_from(types[i].name)))
            return true;
    }
    return error_set(err, "'%s' is no type of a number in protocol buffers", args[1].str.ptr);
}

static const struct converter converters[] = {
    { "protobuf", VALUE_BIN, VALUE_BIN, { { ARG_STR }, { ARG_STR, true } }, run_protobuf, 0, check,
      "A field of a protocol buffers message by its path of numbers; raw, or a number of a type." },
    { "ungrpc", VALUE_BIN, VALUE_BIN, { { ARG_STR }, { ARG_STR, true } }, run_ungrpc, 0, check,
      "The same of the messages of a gRPC body." },
};
REGISTER(converter, converters);
