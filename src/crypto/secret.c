#include "crypto/secret.h"

#include <string.h>

#include "base/random.h"

#define RANDOM_LEN 32
#define BODY_LEN (16 + 16 + RANDOM_LEN + 4)
#define BODY_TEXT_LEN ((BODY_LEN * 4 + 2) / 3)

static const char *const prefixes[] = {"twk_", "twc_", "tws_", "twd_", "twr_", "twa_"};

static bool
is_prefix(const char *prefix)
{
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		if (memcmp(prefix, prefixes[i], SECRET_PREFIX_LEN) == 0)
			return true;
	}
	return false;
}

/* CRC-32 of IEEE 802.3, half a byte at a time. */
static uint32_t
crc_add(uint32_t crc, const void *bytes, size_t len)
{
	static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
		0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8,
		0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
	const uint8_t *in = bytes;
	for (size_t i = 0; i < len; i++) {
		crc ^= in[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return crc;
}

static uint32_t
checksum(const char *prefix, const uint8_t *body)
{
	uint32_t crc = crc_add(UINT32_MAX, prefix, SECRET_PREFIX_LEN);
	return ~crc_add(crc, body, BODY_LEN - 4);
}

void
secret_issue(struct secret_text *out, const char *prefix, struct uuid org, struct uuid credential)
{
	uint8_t body[BODY_LEN];
	_Static_assert(SECRET_PREFIX_LEN + BODY_TEXT_LEN + 1 <= SECRET_TEXT_MAX, "a secret fits");
	ASSERT(strlen(prefix) == SECRET_PREFIX_LEN && is_prefix(prefix));
	memcpy(body, org.bytes, 16);
	memcpy(body + 16, credential.bytes, 16);
	random_bytes(body + 32, RANDOM_LEN);
	uint32_t crc = checksum(prefix, body);
	for (int i = 0; i < 4; i++)
		body[BODY_LEN - 4 + i] = (uint8_t)(crc >> (8 * i));
	memcpy(out->text, prefix, SECRET_PREFIX_LEN);
	crypto_base64url(out->text + SECRET_PREFIX_LEN, SECRET_TEXT_MAX - SECRET_PREFIX_LEN, body,
		sizeof(body));
	crypto_wipe(body, sizeof(body));
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
