#include "api/cursor.h"

#include "crypto/crypto.h"

#define CURSOR_VERSION 1

void
cursor_format(char out[CURSOR_TEXT_MAX], struct uuid last)
{
	uint8_t bytes[1 + sizeof(last.bytes)] = {CURSOR_VERSION};
	memcpy(bytes + 1, last.bytes, sizeof(last.bytes));
	crypto_base64url(out, CURSOR_TEXT_MAX, bytes, sizeof(bytes));
}

bool
cursor_parse(struct str text, struct uuid *last)
{
	uint8_t bytes[1 + sizeof(last->bytes)];
	size_t len;
	if (text.len >= CURSOR_TEXT_MAX)
		return false;
	if (!crypto_base64url_decode(bytes, sizeof(bytes), &len, text))
		return false;
	if (len != sizeof(bytes) || bytes[0] != CURSOR_VERSION)
		return false;
	memcpy(last->bytes, bytes + 1, sizeof(last->bytes));
	return true;
}
