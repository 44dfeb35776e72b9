/*
 * inet, and cidr, which differs in the text that it takes: src/backend/utils/adt/network.c,
 * inet_net_pton.c, src/port/inet_net_ntop.c.  Binary: family (2 or 3), bits of the netmask, 1 for
 * cidr, bytes of the address, the address.
 */
#include "codec.h"

#include "number.h"

#include <assert.h>
#include <stdio.h>

#define FAMILY_4 2
#define FAMILY_6 3
#define HEADER 4
#define OID_CIDR 650

static const char not_an_address[] = "is not an IP address as 10.0.0.1, 10.0.0.0/8 or ::1";

static size_t size_of(const bm_inet *inet)
{
    return inet->family == 4 ? 4 : 16;
}

/* ---- text in: inet_net_pton_ipv4, inet_net_pton_ipv6 */

typedef struct reading {
    const char *at;
    const char *end;
} reading;

static char peek(const reading *r)
{
    return r->at < r->end ? *r->at : '\0';
}

/* Decimal digits to the end, at most `most`; -1 where they are none. */
static int read_bits(const char *at, const char *end, int most)
{
    int bits = 0;
    if (at == end) {
        return -1;
    }
    for (; at < end; at++) {
        if (!bm__is_digit(*at) || (bits = bits * 10 + (*at - '0')) > most) {
            return -1;
        }
    }
    return bits;
}

/* One to four octets, with a netmask where they are fewer than four. */
static bool read_ipv4(reading r, bm_inet *out)
{
    size_t n = 0;
    int bits = 32;
    while (bm__is_digit(peek(&r))) {
        int octet = 0;
        for (; bm__is_digit(peek(&r)) && octet <= 255; r.at++) {
            octet = octet * 10 + (*r.at - '0');
        }
        if (octet > 255 || n == 4) {
            return false;
        }
        out->address[n++] = (uint8_t)octet;
        if (peek(&r) != '.') {
            break;
        }
        r.at++;
    }
    if (n > 0 && peek(&r) == '/') {
        bits = read_bits(r.at + 1, r.end, 32);
        r.at = r.end;
    } else if (n != 4) {
        return false;
    }
    out->family = 4;
    out->bits = (uint8_t)bits;
    return r.at == r.end && bits >= 0 && (size_t)bits / 8 <= n;
}

/* getv4: the last four bytes of an IPv6 address, written as those of IPv4.  The server takes fewer
 * octets, and none before a point; but no leading zeros. */
static bool read_tail(reading *r, uint8_t *out)
{
    memset(out, 0, 4);
    for (size_t n = 0; n < 4; n++, r->at++) {
        const char *start = r->at;
        int octet = 0;
        for (; bm__is_digit(peek(r)) && octet <= 255; r->at++) {
            octet = octet * 10 + (*r->at - '0');
        }
        bool ends = r->at == r->end;
        if (octet > 255 || (r->at - start > 1 && *start == '0') || (ends && r->at == start)) {
            return false;
        }
        out[n] = (uint8_t)octet;
        if (ends || *r->at == '/') {
            return n > 0;
        }
        if (*r->at != '.') {
            return false;
        }
    }
    return false;
}

/* One to four hexadecimal digits, and what may stand behind them. */
static bool read_group(reading *r, uint8_t *out)
{
    const char *start = r->at;
    unsigned value = 0;
    for (; bm__hex_digit(peek(r)) >= 0 && r->at - start < 4; r->at++) {
        value = value << 4 | (unsigned)bm__hex_digit(*r->at);
    }
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
    bool ends = r->at == r->end || *r->at == ':' || *r->at == '/';
    return r->at > start && ends;
}

/* All before the netmask: `n` bytes, and where "::" was, or -1. */
static bool read_groups(reading *r, uint8_t out[16], int *n, int *gap)
{
    *n = 0;
    *gap = -1;
    if (peek(r) == ':' && (++r->at, peek(r) != ':')) {
        return false;
    }
    while (r->at < r->end && *r->at != '/') {
        if (*r->at == ':') {
            if (*gap >= 0) {
                return false;
            }
            *gap = *n;
            r->at++;
            continue;
        }
        reading tail = *r;
        if (*n <= 12 && read_tail(&tail, out + *n)) {
            *r = tail;
            *n += 4;
            return true;
        }
        if (*n > 14 || !read_group(r, out + *n)) {
            return false;
        }
        *n += 2;
        if (peek(r) == ':' && ++r->at == r->end) {
            return false;
        }
    }
    return true;
}

static bool read_ipv6(reading r, bm_inet *out)
{
    int n;
    int gap;
    if (!read_groups(&r, out->address, &n, &gap) || (gap >= 0 ? n == 16 : n != 16)) {
        return false;
    }
    if (gap >= 0) {
        size_t behind = (size_t)(n - gap);
        memmove(out->address + 16 - behind, out->address + gap, behind);
        memset(out->address + gap, 0, 16 - (size_t)n);
    }
    out->family = 6;
    int bits = 128;
    if (r.at < r.end) { /* getbits: no leading zeros */
        bool wrong = *r.at != '/' || (r.end - r.at > 2 && r.at[1] == '0');
        bits = wrong ? -1 : read_bits(r.at + 1, r.end, 128);
    }
    out->bits = (uint8_t)bits;
    return bits >= 0;
}

static const char *parse(bm_slice text, char *room, void *value)
{
    const reading r = {text.data, text.data + text.size};
    bm_inet read = {0};
    (void)room;
    bool six = text.size > 0 && memchr(text.data, ':', text.size) != NULL;
    if (!(six ? read_ipv6(r, &read) : read_ipv4(r, &read))) {
        return not_an_address;
    }
    memcpy(value, &read, sizeof read);
    return NULL;
}

/* ---- text out: pg_inet_net_ntop */

/* The longest run of groups that are 0, the first of several; of one group it is none. */
static int zero_groups(const bm_inet *inet, int *first)
{
    int best = 1;
    int run = 0;
    for (int i = 0; i < 8; i++) {
        bool zero = inet->address[2 * i] == 0 && inet->address[2 * i + 1] == 0;
        run = zero ? run + 1 : 0;
        if (run > best) {
            best = run;
            *first = i + 1 - run;
        }
    }
    return best > 1 ? best : 0;
}

static size_t put_ipv4(const uint8_t *at, char *out, size_t room)
{
    return (size_t)snprintf(out, room, "%d.%d.%d.%d", at[0], at[1], at[2], at[3]);
}

static unsigned group_of(const bm_inet *inet, int i)
{
    return (unsigned)inet->address[2 * i] << 8 | inet->address[2 * i + 1];
}

static size_t put_ipv6(const bm_inet *inet, char *out, size_t room)
{
    int first = 8;
    int zeros = zero_groups(inet, &first);
    size_t size = 0;
    bool encapsulated = zeros > 0 && first == 0 &&
                        (zeros == 6 || (zeros == 7 && group_of(inet, 7) != 1) ||
                         (zeros == 5 && group_of(inet, 5) == 0xFFFF));
    for (int i = 0; i < 8; i++) {
        if (i == first) {
            size += (size_t)snprintf(out + size, room - size, "::");
        }
        if (zeros > 0 && i >= first && i < first + zeros) {
            continue;
        }
        const char *colon = i > 0 && i != first + zeros ? ":" : "";
        if (i == 6 && encapsulated) {
            size += (size_t)snprintf(out + size, room - size, "%s", colon);
            return size + put_ipv4(inet->address + 12, out + size, room - size);
        }
        size += (size_t)snprintf(out + size, room - size, "%s%x", colon, group_of(inet, i));
    }
    return size;
}

static bm_inet load(const void *value)
{
    bm_inet inet;
    memcpy(&inet, value, sizeof inet);
    return inet;
}

/* As inet_out writes it: without the netmask of a single host. */
static void print(const void *value, bm__sink *out)
{
    const bm_inet inet = load(value);
    char text[BM__PRINT_MAX];
    size_t size = inet.family == 4 ? put_ipv4(inet.address, text, sizeof text)
                                   : put_ipv6(&inet, text, sizeof text);
    if (inet.bits != 8 * size_of(&inet)) {
        size += (size_t)snprintf(text + size, sizeof text - size, "/%d", inet.bits);
    }
    bm__put(out, text, size);
}

/* ---- order: network_cmp_internal */

static int compare_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    int c = memcmp(a, b, bits / 8);
    if (c != 0 || bits % 8 == 0) {
        return c;
    }
    unsigned mask = 0xFFU << (8 - bits % 8) & 0xFFU;
    return (int)(a[bits / 8] & mask) - (int)(b[bits / 8] & mask);
}

static int compare(const void *a, const void *b)
{
    const bm_inet x = load(a);
    const bm_inet y = load(b);
    if (x.family != y.family) {
        return (int)x.family - (int)y.family;
    }
    int c = compare_bits(x.address, y.address, x.bits < y.bits ? x.bits : y.bits);
    c = c != 0 ? c : (int)x.bits - (int)y.bits;
    return c != 0 ? c : memcmp(x.address, y.address, size_of(&x));
}

/* ---- PostgreSQL's bytes: network_send, network_recv */

static const char *fault_of(const bm_inet *inet, bool cidr)
{
    if ((inet->family != 4 && inet->family != 6) || inet->bits > 8 * size_of(inet)) {
        return "is not an IP address: its family is not 4 or 6, or its netmask is too long";
    }
    bm_inet network = *inet;
    for (size_t bit = inet->bits; cidr && bit < 8 * size_of(inet); bit++) {
        network.address[bit / 8] &= (uint8_t) ~(0x80U >> bit % 8);
    }
    return memcmp(network.address, inet->address, size_of(inet)) != 0
               ? "has bits to the right of its netmask, and its column holds networks"
               : NULL;
}

static const char *measure_inet(const bm__slot *slot, const bm__cells *cells, uint32_t *sizes,
                                size_t *bad)
{
    for (size_t i = 0; i < cells->n; i++) {
        sizes[i] = 0;
        if (bm__is_null(cells, i)) {
            continue;
        }
        const bm_inet inet = load(bm__fixed_cell(cells, i));
        const char *fault = fault_of(&inet, slot->to.oid == OID_CIDR);
        if (fault != NULL) {
            *bad = i;
            return fault;
        }
        sizes[i] = (uint32_t)(HEADER + size_of(&inet));
    }
    return NULL;
}

static void put_inet(const bm_inet *inet, bool cidr, uint8_t *to)
{
    to[0] = inet->family == 4 ? FAMILY_4 : FAMILY_6;
    to[1] = inet->bits;
    to[2] = cidr;
    to[3] = (uint8_t)size_of(inet);
    memcpy(to + HEADER, inet->address, size_of(inet));
}

static void write_inet(const bm__slot *slot, const bm__cells *cells, const uint32_t *sizes,
                       uint8_t **out)
{
    for (size_t i = 0; i < cells->n; i++) {
        uint8_t *to = bm__put_length(bm__is_null(cells, i), sizes[i], &out[i]);
        if (to != NULL) {
            const bm_inet inet = load(bm__fixed_cell(cells, i));
            put_inet(&inet, slot->to.oid == OID_CIDR, to);
        }
    }
}

static const bm__codec bm__codec_inet = {.measure = measure_inet, .write = write_inet};

static const char *read_inet(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                             void *member, bm__arena *arena)
{
    bm_inet read = {0};
    (void)reader;
    (void)arena;
    if (size < HEADER || (data[0] != FAMILY_4 && data[0] != FAMILY_6)) {
        return "not an IP address";
    }
    read.family = data[0] == FAMILY_4 ? 4 : 6;
    read.bits = data[1];
    if (size != HEADER + size_of(&read) || data[3] != size_of(&read) ||
        fault_of(&read, false) != NULL) {
        return "not an IP address";
    }
    memcpy(read.address, data + HEADER, size_of(&read));
    memcpy(member, &read, sizeof read);
    return NULL;
}

/* ---- cidr's text: inet_cidr_pton_ipv4; IPv6 as above */

/* Digits in pairs, behind "0x". */
static size_t read_hex(reading *r, uint8_t *out)
{
    size_t n = 0;
    while (bm__hex_digit(peek(r)) >= 0 && n < 4) {
        unsigned byte = (unsigned)bm__hex_digit(*r->at++) << 4;
        if (bm__hex_digit(peek(r)) >= 0) {
            byte |= (unsigned)bm__hex_digit(*r->at++);
        }
        out[n++] = (uint8_t)byte;
    }
    return n;
}

static size_t read_octets(reading *r, uint8_t *out)
{
    size_t n = 0;
    while (bm__is_digit(peek(r)) && n < 4) {
        int octet = 0;
        for (; bm__is_digit(peek(r)) && octet <= 255; r->at++) {
            octet = octet * 10 + (*r->at - '0');
        }
        if (octet > 255) {
            return 0;
        }
        out[n++] = (uint8_t)octet;
        bool more = r->end - r->at > 1 && *r->at == '.' && bm__is_digit(r->at[1]);
        if (!more) {
            break;
        }
        r->at++;
    }
    return n;
}

/* Without a netmask it is that of the old classes, or of the octets that are there. */
static int bits_of_class(uint8_t first, size_t octets)
{
    int bits = first >= 240 ? 32 : first >= 224 ? 8 : first >= 192 ? 24 : first >= 128 ? 16 : 8;
    bits = bits < (int)octets * 8 ? (int)octets * 8 : bits;
    return bits == 8 && first == 224 ? 4 : bits;
}

static bool read_network(reading r, bm_inet *out)
{
    bool hex = r.end - r.at > 2 && r.at[0] == '0' && (r.at[1] | 0x20) == 'x' &&
               bm__hex_digit(r.at[2]) >= 0;
    r.at += hex ? 2 : 0;
    size_t n = hex ? read_hex(&r, out->address) : read_octets(&r, out->address);
    int bits = n > 0 ? bits_of_class(out->address[0], n) : -1;
    if (n > 0 && peek(&r) == '/') {
        bits = read_bits(r.at + 1, r.end, 32);
        r.at = r.end;
    }
    out->family = 4;
    out->bits = (uint8_t)bits;
    return r.at == r.end && bits >= 0;
}

const char *bm__form_cidr(bm_slice text, bm__sink *out)
{
    const reading r = {text.data, text.data + text.size};
    bm_inet read = {0};
    bool six = text.size > 0 && memchr(text.data, ':', text.size) != NULL;
    if (!(six ? read_ipv6(r, &read) : read_network(r, &read))) {
        return "is not a network as 10.0.0.0/8 or 2001:db8::/32";
    }
    const char *fault = fault_of(&read, true);
    if (fault == NULL) {
        uint8_t bytes[HEADER + 16];
        put_inet(&read, true, bytes);
        bm__put(out, (const char *)bytes, HEADER + size_of(&read));
    }
    return fault;
}

const bm__type_ops bm__ops_inet = {
    .parse = parse,
    .print = print,
    .compare = compare,
    .bare = true,
    .from_text = true,
    .to = (const bm__pg_to[]){{BM__OID_INET, BM__FIXED(inet)}, {OID_CIDR, BM__FIXED(inet)}, {0}},
    .from = (const bm__pg_from[]){{BM__OID_INET, read_inet}, {OID_CIDR, read_inet}, {0}},
};

void bm__print_cidr(const uint8_t *bytes, size_t size, bm__sink *out)
{
    bm_inet inet;
    const char *fault = read_inet(NULL, bytes, size, &inet, NULL);
    assert(fault == NULL);
    (void)fault;
    print(&inet, out);
}
