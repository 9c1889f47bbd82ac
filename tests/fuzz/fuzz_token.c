/* Secrets as they come in: any bytes. What is accepted is exactly what could have been issued. */
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "fuzz.h"

/* A secret that is accepted stops being one when any of its characters changes. */
static void
check_accepted(struct str text, const struct secret_parts *parts)
{
	char changed[SECRET_TEXT_MAX];
	struct secret_parts other;

	require(text.len < sizeof(changed));
	require(memcmp(parts->prefix, text.ptr, SECRET_PREFIX_LEN) == 0);
	for (size_t i = 0; i < text.len; i++) {
		memcpy(changed, text.ptr, text.len);
		changed[i] = (char)(changed[i] ^ 1);
		require(!secret_parse(&other, (struct str){changed, text.len}));
	}
}

/* Decoding base64url is the inverse of encoding, and accepts nothing else. */
static void
check_base64url(struct str text)
{
	size_t len;
	uint8_t *bytes = malloc(text.len + 1);
	char *again = malloc(text.len + 1);

	require(bytes && again);
	if (crypto_base64url_decode(bytes, text.len + 1, &len, text)) {
		require(crypto_base64url(again, text.len + 1, bytes, len) == text.len);
		require(text.len == 0 || memcmp(again, text.ptr, text.len) == 0);
	}
	free(bytes);
	free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct secret_parts parts;

	if (secret_parse(&parts, text))
		check_accepted(text, &parts);
	if (size <= 4096)
		check_base64url(text);
	return 0;
}
