/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converters of MQTT's first packets, CONNECT and CONNACK, versions 3.1, 3.1.1 and 5.0:
 * mqtt_is_valid, mqtt_field_value.
 *
 * Thread: traffic, inside an expression.
 */
#include <string.h>

#include "weir/base/number.h"
#include "private.h"
#include "wire.h"

enum packet_type { PACKET_CONNECT = 1, PACKET_CONNACK = 2 };

/* Names of fields are numbers above those of properties. */
enum mqtt_field {
    FIELD_FLAGS = 0x100,
    FIELD_PROTOCOL_NAME,
    FIELD_PROTOCOL_VERSION,
    FIELD_CLIENT_ID,
    FIELD_WILL_TOPIC,
    FIELD_WILL_PAYLOAD,
    FIELD_USERNAME,
    FIELD_PASSWORD,
    FIELD_KEEPALIVE,
    FIELD_REASON_CODE,
};

#define FLAG_USERNAME 0x80
#define FLAG_PASSWORD 0x40
#define FLAG_WILL     0x04
#define FLAG_RESERVED 0x01

struct mqtt {
    enum packet_type type;
    uint8_t version, flags, reason;
    uint64_t keepalive;
    struct str protocol, client_id, will_topic, will_payload, username, password;
    struct str properties, will_properties;
};

/* --- properties (5.0) ------------------------------------------------------------------------- */

enum property_kind { PROPERTY_BYTE, PROPERTY_2, PROPERTY_4, PROPERTY_VARINT, PROPERTY_TEXT,
                     PROPERTY_PAIR, PROPERTY_UNKNOWN };

static enum property_kind
kind_of(unsigned id)
{
    switch (id) {
    case 1: case 23: case 25: case 36: case 37: case 40: case 41: case 42:
        return PROPERTY_BYTE;
    case 19: case 33: case 34: case 35:
        return PROPERTY_2;
    case 2: case 17: case 24: case 39:
        return PROPERTY_4;
    case 11:
        return PROPERTY_VARINT;
    case 3: case 8: case 9: case 18: case 21: case 22: case 26: case 28: case 31:
        return PROPERTY_TEXT;
    case 38:
        return PROPERTY_PAIR;
    default:
        return PROPERTY_UNKNOWN;
    }
}

/* 18 is a number in the properties of a will and of CONNECT, a text in CONNACK. */
static enum property_kind
kind_in(const struct mqtt *mqtt, unsigned id)
{
    if (id == 24 || (id == 18 && mqtt->type == PACKET_CONNECT))
        return PROPERTY_4;
    return kind_of(id);
}

struct property {
    unsigned id;
    bool is_text;
    uint64_t n;
    struct str text;
};

static bool
next_property(const struct mqtt *mqtt, struct wire *wire, struct property *property)
{
    property->id = (unsigned)wire_varint(wire, 4);
    property->is_text = false;
    switch (kind_in(mqtt, property->id)) {
    case PROPERTY_BYTE:
        property->n = wire_be(wire, 1);
        break;
    case PROPERTY_2:
        property->n = wire_be(wire, 2);
        break;
    case PROPERTY_4:
        property->n = wire_be(wire, 4);
        break;
    case PROPERTY_VARINT:
        property->n = wire_varint(wire, 4);
        break;
    case PROPERTY_PAIR:
        wire_bytes(wire, wire_be(wire, 2));
        property->text = wire_bytes(wire, wire_be(wire, 2));
        property->is_text = true;
        break;
    case PROPERTY_TEXT:
        property->text = wire_bytes(wire, wire_be(wire, 2));
        property->is_text = true;
        break;
    case PROPERTY_UNKNOWN:
        return false;
    }
    return !wire->is_short;
}

static bool
are_properties(const struct mqtt *mqtt, struct str bytes)
{
    struct wire wire = wire_of(bytes);
    struct property property;

    while (wire.at < wire.end) {
        if (!next_property(mqtt, &wire, &property))
            return false;
    }
    return true;
}

static bool
read_properties(const struct mqtt *mqtt, struct wire *wire, struct str *out)
{
    if (mqtt->version != 5)
        return true;
    *out = wire_bytes(wire, wire_varint(wire, 4));
    return !wire->is_short && are_properties(mqtt, *out);
}

/* --- packets ------------------------------------------------------------------------------------ */

static struct str
read_text(struct wire *wire)
{
    return wire_bytes(wire, wire_be(wire, 2));
}

static bool
is_protocol(const struct mqtt *mqtt)
{
    if (mqtt->version == 3)
        return str_eq(mqtt->protocol, STR("MQIsdp"));
    return (mqtt->version == 4 || mqtt->version == 5) && str_eq(mqtt->protocol, STR("MQTT"));
}

static bool
read_will(struct mqtt *mqtt, struct wire *wire)
{
    if ((mqtt->flags & FLAG_WILL) == 0)
        return (mqtt->flags & 0x38) == 0; /* its quality and retain bits mean nothing then */
    if (!read_properties(mqtt, wire, &mqtt->will_properties))
        return false;
    mqtt->will_topic = read_text(wire);
    mqtt->will_payload = read_text(wire);
    return true;
}

static bool
read_connect(struct mqtt *mqtt, struct wire *wire)
{
    mqtt->protocol = read_text(wire);
    mqtt->version = (uint8_t)wire_be(wire, 1);
    mqtt->flags = (uint8_t)wire_be(wire, 1);
    mqtt->keepalive = wire_be(wire, 2);
    if (!is_protocol(mqtt) || (mqtt->flags & FLAG_RESERVED) != 0 || (mqtt->flags & 0x18) == 0x18 ||
        !read_properties(mqtt, wire, &mqtt->properties))
        return false;
    mqtt->client_id = read_text(wire);
    if (!read_will(mqtt, wire))
        return false;
    if ((mqtt->flags & FLAG_USERNAME) != 0)
        mqtt->username = read_text(wire);
    else if ((mqtt->flags & FLAG_PASSWORD) != 0 && mqtt->version < 5)
        return false;
    if ((mqtt->flags & FLAG_PASSWORD) != 0)
        mqtt->password = read_text(wire);
    return !wire->is_short && wire->at == wire->end;
}

/* What version it is of is told by its length alone. */
static bool
read_connack(struct mqtt *mqtt, struct wire *wire)
{
    mqtt->flags = (uint8_t)wire_be(wire, 1);
    mqtt->reason = (uint8_t)wire_be(wire, 1);
    mqtt->version = wire->at == wire->end ? 4 : 5;
    return (mqtt->flags & 0xfe) == 0 && read_properties(mqtt, wire, &mqtt->properties) &&
           !wire->is_short && wire->at == wire->end;
}

static bool
read_packet(struct str bytes, struct mqtt *mqtt)
{
    struct wire wire = wire_of(bytes), body;
    uint64_t head = wire_be(&wire, 1), len = wire_varint(&wire, 4);

    memset(mqtt, 0, sizeof(*mqtt));
    body = wire_of(wire_bytes(&wire, len));
    if (wire.is_short || (head & 0xf) != 0)
        return false;
    mqtt->type = (enum packet_type)(head >> 4);
    if (mqtt->type == PACKET_CONNECT)
        return read_connect(mqtt, &body);
    return mqtt->type == PACKET_CONNACK && read_connack(mqtt, &body);
}

/* --- converters ----------------------------------------------------------------------------------- */

static bool
run_is_valid(struct eval *eval, const struct converter *conv, const struct arg *args,
             struct value *value)
{
    struct mqtt mqtt;

    (void)eval;
    (void)conv;
    (void)args;
    value_set_bool(value, read_packet(value->str, &mqtt));
    return true;
}

static bool
give_number(struct value *value, uint64_t n)
{
    value_set_int(value, (int64_t)n);
    return true;
}

static bool
give_text(struct value *value, struct str text)
{
    if (text.ptr == NULL)
        return false;
    value_set_str(value, text);
    return true;
}

static bool
give_property(const struct mqtt *mqtt, struct str bytes, unsigned id, struct value *value)
{
    struct wire wire = wire_of(bytes);
    struct property property;

    while (wire.at < wire.end && next_property(mqtt, &wire, &property)) {
        if (property.id != id)
            continue;
        return property.is_text ? give_text(value, property.text)
                                : give_number(value, property.n);
    }
    return false;
}

static bool
give_field(const struct mqtt *mqtt, int64_t field, struct value *value)
{
    switch ((enum mqtt_field)field) {
    case FIELD_FLAGS:
        return give_number(value, mqtt->flags);
    case FIELD_PROTOCOL_NAME:
        return give_text(value, mqtt->protocol);
    case FIELD_PROTOCOL_VERSION:
        return give_number(value, mqtt->version);
    case FIELD_CLIENT_ID:
        return give_text(value, mqtt->client_id);
    case FIELD_WILL_TOPIC:
        return give_text(value, mqtt->will_topic);
    case FIELD_WILL_PAYLOAD:
        return give_text(value, mqtt->will_payload);
    case FIELD_USERNAME:
        return give_text(value, mqtt->username);
    case FIELD_PASSWORD:
        return give_text(value, mqtt->password);
    case FIELD_KEEPALIVE:
        return give_number(value, mqtt->keepalive);
    case FIELD_REASON_CODE:
        return give_number(value, mqtt->reason);
    }
    return give_property(mqtt, mqtt->properties, (unsigned)field, value) ||
           give_property(mqtt, mqtt->will_properties, (unsigned)field, value);
}

static bool
run_field_value(struct eval *eval, const struct converter *conv, const struct arg *args,
                struct value *value)
{
    struct mqtt mqtt;

    (void)eval;
    (void)conv;
    return read_packet(value->str, &mqtt) && mqtt.type == (enum packet_type)args[0].num &&
           give_field(&mqtt, args[1].num, value);
}

static const struct {
    const char *name;
    enum mqtt_field field;
    bool in_connect, in_connack;
} fields[] = {
    { "flags", FIELD_FLAGS, true, true },
    { "protocol_name", FIELD_PROTOCOL_NAME, true, false },
    { "protocol_version", FIELD_PROTOCOL_VERSION, true, true },
    { "client_identifier", FIELD_CLIENT_ID, true, false },
    { "will_topic", FIELD_WILL_TOPIC, true, false },
    { "will_payload", FIELD_WILL_PAYLOAD, true, false },
    { "username", FIELD_USERNAME, true, false },
    { "password", FIELD_PASSWORD, true, false },
    { "keepalive", FIELD_KEEPALIVE, true, false },
    { "reason_code", FIELD_REASON_CODE, false, true },
};

static bool
check_type(struct arg *arg, struct error *err)
{
    if (str_eq_nocase(arg->str, STR("connect")) || str_eq(arg->str, STR("1")))
        arg->num = PACKET_CONNECT;
    else if (str_eq_nocase(arg->str, STR("connack")) || str_eq(arg->str, STR("2")))
        arg->num = PACKET_CONNACK;
    else
        return error_set(err, "the packet is 'connect' (1) or 'connack' (2), not '%s'",
                         arg->str.ptr);
    return true;
}

static bool
check_field(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    (void)count;
    if (!check_type(&args[0], err))
        return false;
    for (size_t i = 0; i < COUNT(fields); i++) {
        bool is_there = args[0].num == PACKET_CONNECT ? fields[i].in_connect : fields[i].in_connack;

        args[1].num = fields[i].field;
        if (is_there && str_eq_nocase(args[1].str, str_from(fields[i].name)))
            return true;
    }
    if (number_parse_int(args[1].str, 1, 255, &args[1].num, NULL) &&
        kind_of((unsigned)args[1].num) != PROPERTY_UNKNOWN)
        return true;
    return error_set(err, "'%s' is no field of that packet and no number of a property",
                     args[1].str.ptr);
}

static const struct converter converters[] = {
    { "mqtt_is_valid", VALUE_BIN, VALUE_BOOL, { { 0 } }, run_is_valid,
      .help = "Is it an MQTT packet CONNECT or CONNACK?" },
    { "mqtt_field_value", VALUE_BIN, VALUE_STR, { { ARG_STR }, { ARG_STR } }, run_field_value, 0,
      check_field, "A field of an MQTT packet CONNECT or CONNACK, or a property by its number." },
};
REGISTER(converter, converters);
