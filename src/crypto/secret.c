#include "crypto/secret.h"

#include <string.h>

#include "base/random.h"
#include "crypto/internal.h"

#define BODY_LEN (16 + 16 + SECRET_RANDOM_LEN + 4)
#define BODY_TEXT_LEN ((BODY_LEN * 4 + 2) / 3)

static const char *const prefixes[] = {
	"twk_", "twc_", "tws_", "twd_", "twr_", "twa_", "twb_", "twg_", "twl_"};

static bool
is_prefix(const char *prefix)
{
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		if (memcmp(prefix, prefixes[i], SECRET_PREFIX_LEN) == 0)
			return true;
	}
	return false;
}

/* What half a byte at each of the eight places of a word adds to the CRC of the word. */
static const uint32_t crc_table[8][16] = {
	{0x00000000, 0xb8bc6765, 0xaa09c88b, 0x12b5afee, 0x8f629757, 0x37def032, 0x256b5fdc,
		0x9dd738b9, 0xc5b428ef, 0x7d084f8a, 0x6fbde064, 0xd7018701, 0x4ad6bfb8, 0xf26ad8dd,
		0xe0df7733, 0x58631056},
	{0x00000000, 0x5019579f, 0xa032af3e, 0xf02bf8a1, 0x9b14583d, 0xcb0d0fa2, 0x3b26f703,
		0x6b3fa09c, 0xed59b63b, 0xbd40e1a4, 0x4d6b1905, 0x1d724e9a, 0x764dee06, 0x2654b999,
		0xd67f4138, 0x866616a7},
	{0x00000000, 0x01c26a37, 0x0384d46e, 0x0246be59, 0x0709a8dc, 0x06cbc2eb, 0x048d7cb2,
		0x054f1685, 0x0e1351b8, 0x0fd13b8f, 0x0d9785d6, 0x0c55efe1, 0x091af964, 0x08d89353,
		0x0a9e2d0a, 0x0b5c473d},
	{0x00000000, 0x1c26a370, 0x384d46e0, 0x246be590, 0x709a8dc0, 0x6cbc2eb0, 0x48d7cb20,
		0x54f16850, 0xe1351b80, 0xfd13b8f0, 0xd9785d60, 0xc55efe10, 0x91af9640, 0x8d893530,
		0xa9e2d0a0, 0xb5c473d0},
	{0x00000000, 0x191b3141, 0x32366282, 0x2b2d53c3, 0x646cc504, 0x7d77f445, 0x565aa786,
		0x4f4196c7, 0xc8d98a08, 0xd1c2bb49, 0xfaefe88a, 0xe3f4d9cb, 0xacb54f0c, 0xb5ae7e4d,
		0x9e832d8e, 0x87981ccf},
	{0x00000000, 0x4ac21251, 0x958424a2, 0xdf4636f3, 0xf0794f05, 0xbabb5d54, 0x65fd6ba7,
		0x2f3f79f6, 0x3b83984b, 0x71418a1a, 0xae07bce9, 0xe4c5aeb8, 0xcbfad74e, 0x8138c51f,
		0x5e7ef3ec, 0x14bce1bd},
	{0x00000000, 0x77073096, 0xee0e612c, 0x990951ba, 0x076dc419, 0x706af48f, 0xe963a535,
		0x9e6495a3, 0x0edb8832, 0x79dcb8a4, 0xe0d5e91e, 0x97d2d988, 0x09b64c2b, 0x7eb17cbd,
		0xe7b82d07, 0x90bf1d91},
	{0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158,
		0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4,
		0xa00ae278, 0xbdbdf21c}};

/* CRC-32 of IEEE 802.3, a word of four bytes at a time; `len` is a multiple of four. */
static uint32_t
crc_add(uint32_t crc, const void *bytes, size_t len)
{
	const uint8_t *in = bytes;
	for (size_t i = 0; i < len; i += 4) {
		crc ^= (uint32_t)in[i] | (uint32_t)in[i + 1] << 8 | (uint32_t)in[i + 2] << 16 |
			(uint32_t)in[i + 3] << 24;
		uint32_t next = 0;
		for (unsigned place = 0; place < 8; place++)
			next ^= crc_table[place][crc >> (4 * place) & 15];
		crc = next;
	}
	return crc;
}

static uint32_t
checksum(const char *prefix, const uint8_t *body)
{
	_Static_assert(SECRET_PREFIX_LEN % 4 == 0 && BODY_LEN % 4 == 0, "whole words");
	uint32_t crc = crc_add(UINT32_MAX, prefix, SECRET_PREFIX_LEN);
	return ~crc_add(crc, body, BODY_LEN - 4);
}

void
secret__write(struct secret_text *out, const struct secret_parts *parts, const uint8_t *random)
{
	uint8_t body[BODY_LEN];
	_Static_assert(SECRET_PREFIX_LEN + BODY_TEXT_LEN + 1 <= SECRET_TEXT_MAX, "a secret fits");
	memcpy(body, parts->org.bytes, 16);
	memcpy(body + 16, parts->credential.bytes, 16);
	memcpy(body + 32, random, SECRET_RANDOM_LEN);
	uint32_t crc = checksum(parts->prefix, body);
	for (int i = 0; i < 4; i++)
		body[BODY_LEN - 4 + i] = (uint8_t)(crc >> (8 * i));
	memcpy(out->text, parts->prefix, SECRET_PREFIX_LEN);
	crypto_base64url(out->text + SECRET_PREFIX_LEN, SECRET_TEXT_MAX - SECRET_PREFIX_LEN, body,
		sizeof(body));
	crypto_wipe(body, sizeof(body));
}

void
secret_issue(struct secret_text *out, const char *prefix, struct uuid org, struct uuid credential)
{
	struct secret_parts parts = {.org = org, .credential = credential};
	uint8_t random[SECRET_RANDOM_LEN];
	ASSERT(strlen(prefix) == SECRET_PREFIX_LEN && is_prefix(prefix));
	memcpy(parts.prefix, prefix, SECRET_PREFIX_LEN);
	random_bytes(random, sizeof(random));
	secret__write(out, &parts, random);
	crypto_wipe(random, sizeof(random));
}

bool
secret_parse(struct secret_parts *out, struct str text)
{
	uint8_t body[BODY_LEN];
	size_t len = 0;
	*out = (struct secret_parts){0};
	if (!text.ptr || text.len != SECRET_PREFIX_LEN + BODY_TEXT_LEN || !is_prefix(text.ptr))
		return false;
	struct str rest = {text.ptr + SECRET_PREFIX_LEN, BODY_TEXT_LEN};
	bool good = crypto_base64url_decode(body, sizeof(body), &len, rest) && len == BODY_LEN;
	if (good) {
		uint32_t crc = checksum(text.ptr, body);
		for (int i = 0; i < 4; i++)
			good = good && body[BODY_LEN - 4 + i] == (uint8_t)(crc >> (8 * i));
	}
	if (good) {
		memcpy(out->prefix, text.ptr, SECRET_PREFIX_LEN);
		memcpy(out->org.bytes, body, 16);
		memcpy(out->credential.bytes, body + 16, 16);
	}
	crypto_wipe(body, sizeof(body));
	return good;
}
