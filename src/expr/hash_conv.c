/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converters to hashes that are no secrets: sdbm, djb2, wt6, crc32, crc32c, xxh32, xxh64, xxh3.
 *
 * Thread: traffic, inside an expression.
 */
#include "weir/base/hash.h"
#include "private.h"

enum hash_kind { HASH_SDBM, HASH_DJB2, HASH_WT6, HASH_CRC32, HASH_CRC32C };

static uint32_t
hash(enum hash_kind kind, struct str s)
{
    switch (kind) {
    case HASH_SDBM:
        return hash_sdbm(s);
    case HASH_DJB2:
        return hash_djb2(s);
    case HASH_WT6:
        return hash_wt6(s);
    case HASH_CRC32:
        return hash_crc32(s);
    case HASH_CRC32C:
        return hash_crc32c(s);
    }
    return 0;
}

/* With an argument of 1 all bits are mixed into each other at last. */
static bool
run_hash(struct eval *eval, const struct converter *conv, const struct arg *args,
         struct value *value)
{
    uint32_t n = hash((enum hash_kind)conv->private, value->str);

    (void)eval;
    value_set_int(value, args[0].num == 1 ? hash_avalanche(n) : n);
    return true;
}

/* private: bits of the result; 0: XXH3. The argument is the seed. */
static bool
run_xxh(struct eval *eval, const struct converter *conv, const struct arg *args,
        struct value *value)
{
    uint64_t seed = (uint64_t)args[0].num, n;

    (void)eval;
    n = conv->private == 32   ? hash_xxh32(value->str, (uint32_t)seed)
        : conv->private == 64 ? hash_xxh64(value->str, seed)
                              : hash_xxh3(value->str, seed);
    value_set_int(value, (int64_t)n);
    return true;
}

#define HASH(name_, kind_, help_)                                                                  \
    {                                                                                              \
        name_, VALUE_BIN, VALUE_INT, { { ARG_INT, true } }, run_hash, kind_, .help = help_         \
    }
#define XXH(name_, bits_, help_)                                                                   \
    {                                                                                              \
        name_, VALUE_BIN, VALUE_INT, { { ARG_INT, true } }, run_xxh, bits_, .help = help_          \
    }

static const struct converter converters[] = {
    HASH("sdbm", HASH_SDBM, "A hash as of 'hash-type ... sdbm'; 1: mixed well."),
    HASH("djb2", HASH_DJB2, "A hash as of 'hash-type ... djb2'; 1: mixed well."),
    HASH("wt6", HASH_WT6, "A hash as of 'hash-type ... wt6'; 1: mixed well."),
    HASH("crc32", HASH_CRC32, "The CRC of Ethernet and gzip; 1: mixed well."),
    HASH("crc32c", HASH_CRC32C, "Castagnoli's CRC; 1: mixed well."),
    XXH("xxh32", 32, "XXH32, with a seed."),
    XXH("xxh64", 64, "XXH64, with a seed; may be negative."),
    XXH("xxh3", 0, "XXH3 of 64 bits, with a seed; may be negative."),
};
REGISTER(converter, converters);
