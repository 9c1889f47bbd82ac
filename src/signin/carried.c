#include "signin/carried.h"

#define SEALED_MAX (CARRIED_TEXT_MAX / 4 * 3)

enum status
carried_seal(struct str *out, struct str plain, const struct keyring *ring, struct str aad,
	struct arena *arena, struct error *err)
{
	char space[SEALED_MAX];
	struct buf sealed;

	*out = (struct str){NULL, 0};
	ASSERT(plain.len <= SEALED_MAX - KEYRING_SEAL_OVERHEAD);
	buf_init_fixed(&sealed, space, sizeof(space));
	enum status rc = keyring_seal(ring, &sealed, plain, aad, err);
	if (rc != OK)
		return rc;
	size_t room = sealed.len * 4 / 3 + 4;
	char *text = arena_alloc(arena, room);
	if (!text)
		return error_no_memory(err);
	*out = (struct str){text, crypto_base64url(text, room, sealed.ptr, sealed.len)};
	return OK;
}

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
