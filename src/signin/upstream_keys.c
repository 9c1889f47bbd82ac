#include "signin/upstream_internal.h"

static enum status
find_in(const struct verify_key **out, struct jwk_set **set, struct str text, const struct jws *jws,
	struct error *err)
{
	struct error why = {0};

	enum status rc = jwk_set_parse(set, text, &why);
	if (rc == ERR_NO_MEMORY)
		return error_no_memory(err);
	if (rc != OK)
		return upstream__untrusted(err, why.code);
	*out = jwk_set_find(*set, jws->alg, jws->kid);
	return *out ? OK : upstream__untrusted(err, "a key that it does not publish");
}

enum status
upstream__find_key(const struct verify_key **out, struct jwk_set **set, struct upstream_run *run,
	const struct upstream_metadata *metadata, const struct jws *jws, struct error *err)
{
	struct str url = str_from(metadata->jwks), text;
	bool fresh;

	*out = NULL;
	*set = NULL;
	enum status rc = upstream__published(&text, run, url, false, &fresh, err);
	if (rc == OK)
		rc = find_in(out, set, text, jws, err);
	if (rc != ERR_UNAUTHENTICATED || fresh)
		return rc;
	/* OpenID Connect Core section 10.1.1: keys are rotated by being named. */
	jwk_set_free(set);
	rc = upstream__published(&text, run, url, true, &fresh, err);
	return rc == OK ? find_in(out, set, text, jws, err) : rc;
}
