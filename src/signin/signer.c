#include "signin/signer.h"

#include "iam/tokens/signing_keys.h"

static enum status
unseal(struct sign_key **out, const struct signin *signin, const struct keys_view *keys,
	const struct signing_key_view *view, struct error *err)
{
	char space[SIGN_KEY_PRIVATE_MAX];
	struct seal_name name;
	struct buf der;

	buf_init_fixed(&der, space, sizeof(space));
	enum status rc = keyring_open(signin->keyring, &der, view->private_key,
		signing_key_name(&name, keys->org, keys->workspace, view->id), err);
	if (rc == OK)
		rc = sign_key_load(out, view->algorithm, buf_view(&der), err);
	crypto_wipe(space, sizeof(space));
	return rc;
}

/* Whoever comes second takes what the first has put there. */
static enum status
open_key(const struct sign_key **out, const struct signin *signin, const struct keys_view *keys,
	const struct signing_key_view *view, struct error *err)
{
	struct sign_key *key = atomic_load(&view->opened->key), *none = NULL;

	if (!key) {
		enum status rc = unseal(&key, signin, keys, view, err);
		if (rc != OK)
			return rc;
		if (!atomic_compare_exchange_strong(&view->opened->key, &none, key)) {
			sign_key_free(&key);
			key = none;
		}
	}
	*out = key;
	return OK;
}

enum status
signer_open(struct signer *out, const struct signin *signin, const struct keys_view *keys,
	enum sign_alg alg, struct error *err)
{
	for (uint32_t i = 0; i < keys->count; i++) {
		const struct signing_key_view *view = &keys->keys[i];
		if (view->state != KEY_SIGNS || view->algorithm != alg)
			continue;
		uuid_format(out->kid, view->id);
		return open_key(&out->key, signin, keys, view, err);
	}
	return error_set(err, ERR_NOT_FOUND, "no-signing-key", "There is no key yet to sign with.");
}
