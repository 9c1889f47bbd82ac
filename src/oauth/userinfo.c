#include "iam/principals/metadata.h"
#include "iam/tokens/scopes_of_token.h"
#include "oauth/client_auth.h"
#include "oauth/id_token.h"
#include "signin/token.h"

/* OpenID Connect Core section 5.3: what a client that the user let in is told about him, and the
 * metadata that others keep about him, as far as they fit. */
#define METADATA_TOLD_MAX ((size_t)1024 * 1024)
#define ANSWER_MAX (METADATA_TOLD_MAX + 64 * 1024)

struct telling {
	const struct exchange *exchange;
	struct token token;
	bool found;
	struct profile profile;
	struct str claims; /* that were asked for by name; JSON */
	struct str metadata; /* JSON */
	bool complete;
};

/* One page after another, until one does not fit. */
static enum status
write_metadata(struct json_writer *w, struct telling *t, struct call *call, struct error *err)
{
	struct page page = {.limit = METADATA_PAGE_MAX, .more = true};
	enum status rc = OK;

	while (rc == OK && page.more && t->complete) {
		struct metadata *items;
		size_t count;
		page.more = false;
		page.after = page.last;
		rc = metadata_list(&items, &count, call, t->token.principal, &page, err);
		for (size_t i = 0; rc == OK && i < count && t->complete; i++) {
			t->complete = w->out->len + items[i].value.len < METADATA_TOLD_MAX;
			if (t->complete)
				jw_raw(w, items[i].key.ptr, items[i].value);
		}
	}
	return rc;
}

static enum status
load_metadata(struct telling *t, struct call *call, struct error *err)
{
	struct json_writer w;
	struct buf out;

	buf_init(&out, ANSWER_MAX);
	jw_init(&w, &out);
	jw_object(&w, NULL);
	t->complete = true;
	enum status rc = write_metadata(&w, t, call, err);
	jw_end_object(&w);
	if (rc == OK) {
		t->metadata =
			out.failed ? (struct str){0} : arena_copy(call->arena, buf_view(&out));
		rc = t->metadata.ptr ? OK : error_no_memory(err);
	}
	buf_clear(&out);
	return rc;
}

static enum status
read_user(void *context, struct tx *tx, struct error *err)
{
	struct telling *t = context;
	struct call call = oauth__call(t->exchange);

	call_open_event(&call, tx, t->token.org);
	enum status rc = profile_load(&t->profile, &t->found, &call, t->token.principal, err);
	if (rc == OK)
		rc = family_claims_load(
			&t->claims, &call, (struct family_id){t->token.family}, err);
	return rc == OK ? load_metadata(t, &call, err) : rc;
}

/* RFC 6750 section 2: by the header, or by the form, and not by both. */
static enum status
find_token(struct str *out, struct exchange *x, struct error *err)
{
	struct str form = {0};

	*out = oauth__bearer(x);
	if (http_method(x->http) == HTTP_POST &&
		http_content_is(x->http, "application/x-www-form-urlencoded")) {
		enum status rc = oauth__read_form(x, err);
		if (rc != OK)
			return rc;
		form = oauth__parameter(x, "access_token");
	}
	if (form.ptr && x->authorized)
		return oauth__refuse(err, "invalid_request",
			"Send the access token in one way: by the header, or by the form.");
	if (form.ptr)
		*out = form;
	return out->ptr ? OK : oauth__refuse_token(x, err, NULL);
}

static enum status
begin(struct exchange *x, struct error *err)
{
	const struct principal_view *holder;
	struct proof proof = {.now_us = x->now_us, .arena = http_arena(x->http)};
	struct error why = {0};
	struct telling *t = arena_new_one(http_arena(x->http), struct telling);

	if (!t)
		return error_no_memory(err);
	enum status rc = find_token(&proof.text, x, err);
	if (rc != OK)
		return rc;
	t->exchange = x;
	rc = signin_token(&t->token, &holder, x->signin, &proof, x->misses, &why);
	if (rc != OK || !uuid_eq(t->token.workspace.id, x->workspace.id))
		return oauth__refuse_token(x, err, &why);
	if (!scope_has(t->token.scope, STR("openid"))) {
		x->bearer_error = "insufficient_scope";
		return error_set(err, ERR_FORBIDDEN, "insufficient_scope",
			"This needs an access token with the scope openid.");
	}
	x->state = t;
	return oauth__want_reading(x, &(struct wait_job){read_user, t, t->token.org.id}, err);
}

/* Whoever is deleted meanwhile has no row any more. */
static enum status
answer(struct exchange *x, const struct telling *t, struct error *err)
{
	char sub[UUID_TEXT_LEN + 1];
	struct json_writer w;
	struct buf body;

	if (!t->found)
		return oauth__refuse_token(x, err, &(struct error){0});
	uuid_format(sub, t->token.principal.id);
	buf_init(&body, ANSWER_MAX);
	jw_init(&w, &body);
	jw_object(&w, NULL);
	jw_z(&w, "sub", sub);
	claims_write(&w, &t->profile, claims_wanted(t->token.scope, t->claims, "userinfo"));
	jw_raw(&w, "metadata", t->metadata);
	if (!t->complete)
		jw_bool(&w, "metadata_complete", false);
	jw_end_object(&w);
	oauth__answer(x, &body);
	buf_clear(&body);
	return OK;
}

enum status
oauth__userinfo(struct exchange *x, struct error *err)
{
	enum status rc = oauth__find_issuer(x, err);
	if (rc != OK)
		return rc;
	return x->state ? answer(x, x->state, err) : begin(x, err);
}
