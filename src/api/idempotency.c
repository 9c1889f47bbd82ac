/* POST with an Idempotency-Key: a repeated request is given the answer of the first. */
#include "api/exchange.h"

#define KEY_MAX 255

static bool
is_key(struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] < '!' || value.ptr[i] > '~')
			return false;
	}
	return value.len > 0 && value.len <= KEY_MAX;
}

/* Method and path hold no blank, and names of query parameters are the contract's. A token is told
 * only what one of the same client and scope was told: another may have been let do more. */
static void
digest_request(uint8_t out[SHA256_LEN], const struct exchange *x)
{
	const struct str path = http_path(x->http), body = http_body(x->http);
	const struct crypto_piece whole[] = {
		{"POST ", 5}, {path.ptr, path.len}, {" ", 1}, {body.ptr, body.len}};
	struct str name, value;

	crypto_sha256_pieces(out, whole, ARRAY_LEN(whole));
	for (size_t i = 0; (value = http_query_at(x->http, i, &name)).ptr; i++) {
		const struct crypto_piece more[] = {
			{out, SHA256_LEN}, {name.ptr, name.len}, {"=", 1}, {value.ptr, value.len}};
		crypto_sha256_pieces(out, more, ARRAY_LEN(more));
	}
	const struct token *token = x->caller.token;
	if (token) {
		const struct crypto_piece bounds[] = {{out, SHA256_LEN},
			{token->client.id.bytes, sizeof(struct uuid)},
			{token->scope.ptr, token->scope.len}};
		crypto_sha256_pieces(out, bounds, ARRAY_LEN(bounds));
	}
}

enum status
exchange_read_key(struct exchange *x, struct error *err)
{
	struct str value = http_header(x->http, "Idempotency-Key");

	if (!x->route->repeats || !value.ptr)
		return OK;
	if (http_header_count(x->http, "Idempotency-Key") > 1 || !is_key(value))
		return error_set(err, ERR_INVALID, "invalid-idempotency-key",
			"Idempotency-Key: send 1 to %d visible ASCII characters, once.", KEY_MAX);
	x->keyed = !x->op.preview;
	crypto_sha256(x->key.key_hash, value.ptr, value.len);
	digest_request(x->key.request, x);
	return OK;
}

enum status
exchange_recall(struct exchange *x, struct error *err)
{
	struct operation_call *op = &x->op;
	struct kept_answer kept;

	x->recalled = false;
	if (!x->keyed)
		return OK;
	enum status rc = idempotency_find(&x->recalled, &kept, &op->call, &x->key, err);
	if (rc != OK || !x->recalled)
		return rc;
	op->content_type = "application/json";
	op->http_status = kept.status;
	op->etag = kept.etag;
	op->location = kept.location;
	x->revision = kept.revision;
	x->answer = kept.body;
	return OK;
}

enum status
exchange_keep(struct exchange *x, struct error *err)
{
	struct operation_call *op = &x->op;
	const struct kept_answer kept = {
		.status = op->http_status,
		.etag = op->etag,
		.revision = x->revision,
		.location = op->location,
		.body = x->answer,
	};

	return x->keyed ? idempotency_keep(&op->call, &x->key, &kept, err) : OK;
}
