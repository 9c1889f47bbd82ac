#include "oauth/exchange.h"

/* A new key is published at least a day before it signs. */
#define KEPT_S 900
#define BODY_MAX ((size_t)64 * 1024)

/* RFC 7517 section 5: every key that is published. */
static void
write_keys(struct buf *out, const struct keys_view *keys)
{
	struct json_writer w;
	jw_init(&w, out);
	jw_object(&w, NULL);
	jw_array(&w, "keys");
	for (uint32_t i = 0; i < keys->count; i++)
		jw_raw(&w, NULL, keys->keys[i].public_key);
	jw_end_array(&w);
	jw_end_object(&w);
}

enum status
oauth__jwks(struct exchange *x, struct error *err)
{
	struct signer signer;
	struct buf body;
	enum status rc = oauth__find_issuer(x, err);
	/* An issuer whose keys nobody needed yet gets its first one now. */
	if (rc == OK)
		rc = oauth__signer(&signer, x, SIGN_ES256, err);
	if (rc != OK)
		return rc;
	buf_init(&body, BODY_MAX);
	write_keys(
		&body, directory_keys(x->signin->directory, x->org->id, x->workspace, x->misses));
	oauth__answer_kept(x, &body, KEPT_S);
	buf_clear(&body);
	return OK;
}
