/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converters of numbers: arithmetic, bits, truth.
 *
 * Thread: traffic, inside an expression.
 *
 * Nothing overflows: results stop at the ends of 64 bits. Division by zero gives the largest number.
 */
#include "private.h"

enum number_op {
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_MOD,
    OP_AND,
    OP_OR,
    OP_XOR,
    OP_NEG,
    OP_CPL,
    OP_BOOL,
    OP_NOT,
    OP_ODD,
    OP_EVEN
};

static int64_t
clamp(__int128 n)
{
    return n > INT64_MAX ? INT64_MAX : n < INT64_MIN ? INT64_MIN : (int64_t)n;
}

static int64_t
apply(enum number_op op, int64_t a, int64_t b)
{
    switch (op) {
    case OP_ADD:
        return clamp((__int128)a + b);
    case OP_SUB:
        return clamp((__int128)a - b);
    case OP_MUL:
        return clamp((__int128)a * b);
    case OP_DIV:
        return b == 0 ? INT64_MAX : clamp((__int128)a / b);
    case OP_MOD:
        return b == 0 || b == -1 ? 0 : a % b;
    case OP_AND:
        return a & b;
    case OP_OR:
        return a | b;
    case OP_XOR:
        return a ^ b;
    case OP_NEG:
        return clamp(-(__int128)a);
    case OP_CPL:
        return ~a;
    case OP_BOOL:
        return a != 0;
    case OP_NOT:
        return a == 0;
    case OP_ODD:
        return a & 1;
    case OP_EVEN:
        return !(a & 1);
    }
    return a;
}

static bool
run_number(struct eval *eval, const struct converter *conv, const struct arg *args,
           struct value *value)
{
    int64_t other;

    if (!arg_find_int(&args[0], eval, &other))
        return false;
    value->num = apply((enum number_op)conv->private, value->num, other);
    value->type = (uint8_t)conv->out;
    return true;
}

static bool
run_iif(struct eval *eval, const struct converter *conv, const struct arg *args,
        struct value *value)
{
    (void)eval;
    (void)conv;
    value_set_str(value, value->num != 0 ? args[0].str : args[1].str);
    value->flags |= VALUE_CONST;
    return true;
}

#define WITH_ARG(name_, op_, help_)                                                                \
    {                                                                                              \
        name_, VALUE_INT, VALUE_INT, { { ARG_INT_OR_VAR } }, run_number, op_, .help = help_        \
    }
#define ALONE(name_, out_, op_, help_)                                                             \
    {                                                                                              \
        name_, VALUE_INT, out_, { { 0 } }, run_number, op_, .help = help_                          \
    }

static const struct converter converters[] = {
    WITH_ARG("add", OP_ADD, "Add a number or variable."),
    WITH_ARG("sub", OP_SUB, "Subtract a number or variable."),
    WITH_ARG("mul", OP_MUL, "Multiply by a number or variable."),
    WITH_ARG("div", OP_DIV, "Divide by a number or variable."),
    WITH_ARG("mod", OP_MOD, "The rest of a division."),
    WITH_ARG("and", OP_AND, "Bits that are set in both."),
    WITH_ARG("or", OP_OR, "Bits that are set in one of them."),
    WITH_ARG("xor", OP_XOR, "Bits that are set in one of them only."),
    ALONE("neg", VALUE_INT, OP_NEG, "The number with the other sign."),
    ALONE("cpl", VALUE_INT, OP_CPL, "All bits turned round."),
    ALONE("bool", VALUE_BOOL, OP_BOOL, "True unless zero."),
    ALONE("not", VALUE_BOOL, OP_NOT, "True if zero."),
    ALONE("odd", VALUE_BOOL, OP_ODD, "Is it odd?"),
    ALONE("even", VALUE_BOOL, OP_EVEN, "Is it even?"),
    { "iif", VALUE_BOOL, VALUE_STR, { { ARG_STR }, { ARG_STR } }, run_iif,
      .help = "The first text if true, else the second." },
};
REGISTER(converter, converters);
