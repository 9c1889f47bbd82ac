#include "iam/signing_keys.h"
#include "oauth/exchange.h"

static enum status
no_issuer(struct error *err)
{
	return error_set(err, ERR_NOT_FOUND, "no-such-issuer", "There is no such issuer.");
}

enum status
oauth__find_issuer(struct exchange *x, struct error *err)
{
	struct directory *d = x->signin->directory;
	const struct issuer_view *issuer = directory_issuer(d, x->workspace, x->misses);
	if (!issuer)
		return no_issuer(err);
	x->org = directory_org(d, issuer->org, x->misses);
	x->place = NULL;
	if (!uuid_is_nil(x->workspace.id)) {
		x->place = directory_workspace(d, issuer->org, x->workspace, x->misses);
		if (!x->place || x->place->state != STATE_ACTIVE)
			return no_issuer(err);
	}
	return x->org && x->org->state == STATE_ACTIVE ? OK : no_issuer(err);
}

struct making {
	struct exchange *exchange;
	struct org_id org;
	enum sign_alg alg;
};

static enum status
make_keys(void *context, struct tx *tx, struct error *err)
{
	const struct making *making = context;
	const struct exchange *x = making->exchange;
	const struct actor server = {0};
	struct call call = {
		.address = http_peer(x->http),
		.now_us = x->now_us,
		.arena = http_arena(x->http),
		.directory = x->signin->directory,
		.keyring = x->signin->keyring,
	};

	directory_enter();
	enum status rc = call_open_as(&call, tx, making->org, &server, err);
	if (rc == OK)
		rc = signing_keys_ensure(&call, x->workspace, making->alg, err);
	if (rc == OK)
		rc = call_close(&call, err);
	directory_leave();
	return rc;
}

/* Another node may have made it meanwhile, and this one not know yet. */
static enum status
want_keys(struct exchange *x, enum sign_alg alg, struct error *err)
{
	struct making *making = arena_new_one(http_arena(x->http), struct making);

	if (!making)
		return error_no_memory(err);
	*making = (struct making){x, x->org->id, alg};
	unsigned asked = x->keys_asked++;
	if (asked == 0)
		x->change = (struct wait_job){make_keys, making, x->org->id.id};
	else if (asked == 1 && directory_is_shared(x->signin->directory))
		x->wants_news = true;
	return error_set(err, ERR_BUSY, "no-signing-key", "There is no key yet; try again.");
}

enum status
oauth__signer(struct signer *out, struct exchange *x, enum sign_alg alg, struct error *err)
{
	struct error none = {0};
	const struct keys_view *keys =
		directory_keys(x->signin->directory, x->org->id, x->workspace, x->misses);

	if (!keys)
		return error_set(err, ERR_BUSY, "not-loaded", "The keys are not loaded yet.");
	enum status rc = signer_open(out, x->signin, keys, alg, &none);
	if (rc == ERR_NOT_FOUND)
		return want_keys(x, alg, err);
	if (rc != OK)
		*err = none;
	return rc;
}
