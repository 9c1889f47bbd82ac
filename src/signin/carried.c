#include "signin/carried.h"

#define SEALED_MAX (CARRIED_TEXT_MAX / 4 * 3)

enum status
carried_open(bool *sound, struct buf *plain, struct str text, const struct keyring *ring,
	struct str aad, struct error *err)
{
	uint8_t sealed[SEALED_MAX];
	struct error why = {0};
	size_t len = 0;

	*sound = false;
	if (!text.len || !crypto_base64url_decode(sealed, sizeof(sealed), &len, text) ||
		len <= KEYRING_SEAL_OVERHEAD)
		return OK;
	struct str bytes = {(const char *)sealed, len};
	enum status rc = keyring_open(ring, plain, bytes, aad, &why);
	*sound = rc == OK;
	if (rc == OK || rc == ERR_CORRUPT || rc == ERR_TOO_LARGE)
		return OK;
	*err = why;
	return rc;
}
