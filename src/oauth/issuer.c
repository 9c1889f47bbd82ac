#include "iam/tokens/signing_keys.h"
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

/* A signing key that is missing, on its way through the store. */
struct making {
	const struct exchange *exchange;
	struct signing_key_draft draft;
	unsigned asked;
};

/* RSA keys take too long for the writer: they are made beside it. */
static enum status
generate(void *context, struct tx *tx, struct error *err)
{
	struct making *making = context;
	const struct call call = oauth__call(making->exchange);

	(void)tx;
	return signing_key_make(&making->draft, call.keyring, call.arena, err);
}

static enum status
keep(void *context, struct tx *tx, struct error *err)
{
	const struct making *making = context;
	const struct actor server = {0};
	struct call call = oauth__call(making->exchange);

	directory_enter();
	enum status rc = call_open_as(&call, tx, making->draft.org, &server, err);
	if (rc == OK)
		rc = signing_key_ensure(&call, &making->draft, err);
	if (rc == OK)
		rc = call_close(&call, err);
	directory_leave();
	return rc;
}

static enum status
start_making(struct exchange *x, enum sign_alg alg, struct error *err)
{
	x->making = arena_new_one(http_arena(x->http), struct making);
	if (!x->making)
		return error_no_memory(err);
	*x->making = (struct making){
		.exchange = x, .draft = {.org = x->org->id, .issuer = x->workspace, .alg = alg}};
	return OK;
}

/* Another node may have made it meanwhile, and this one not know yet. */
static enum status
want_key(struct exchange *x, enum sign_alg alg, struct error *err)
{
	if (!x->making || x->making->draft.alg != alg) {
		enum status rc = start_making(x, alg, err);
		if (rc != OK)
			return rc;
	}
	struct making *making = x->making;
	const struct wait_job generates = {generate, making, making->draft.org.id};
	const struct wait_job keeps = {keep, making, making->draft.org.id};
	unsigned asked = making->asked++;
	if (asked == 0)
		return oauth__want_reading(x, &generates, err);
	if (asked == 1)
		return oauth__want_change(x, &keeps, err);
	if (asked == 2 && directory_is_shared(x->signin->directory))
		return oauth__want_news(x, err);
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
		return want_key(x, alg, err);
	if (rc != OK)
		*err = none;
	return rc;
}
