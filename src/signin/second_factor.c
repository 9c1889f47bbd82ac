#include "signin/second_factor.h"

#include "iam/people/recovery_codes.h"
#include "iam/people/sessions.h"
#include "iam/people/totps.h"
#include "iam/tokens/scopes_of_token.h"
#include "signin/acr.h"
#include "signin/carried.h"
#include "json/json.h"
#include "json/writer.h"

#define PLAIN_MAX (FIRST_FACTOR_TEXT_MAX / 4 * 3 - KEYRING_SEAL_OVERHEAD)
#define AAD_MAX 128

static struct str
name_cookie(char space[AAD_MAX], struct str browser)
{
	struct buf out;
	buf_init_fixed(&out, space, AAD_MAX);
	buf_str(&out, STR("first factor "));
	buf_str(&out, browser);
	ASSERT(!out.failed);
	return buf_view(&out);
}

static void
write_first(struct buf *out, const struct first_factor *first, int64_t now_us)
{
	struct json_writer w;

	jw_init(&w, out);
	jw_object(&w, NULL);
	jw_int(&w, "at", now_us);
	jw_uuid(&w, "pe", first->person.id);
	jw_int(&w, "ge", first->generation);
	jw_uuid(&w, "oo", first->only_org.id);
	jw_uuid(&w, "pr", first->provider);
	jw_str(&w, "me", first->methods);
	jw_int(&w, "au", first->auth_us);
	jw_end_object(&w);
	ASSERT(!out->failed);
}

enum status
first_factor_close(struct str *out, const struct first_factor *first,
	const struct first_factor_seal *seal, struct error *err)
{
	char space[PLAIN_MAX], aad[AAD_MAX];
	struct buf plain;

	ASSERT(first->methods.len <= SESSION_METHODS_MAX);
	buf_init_fixed(&plain, space, sizeof(space));
	write_first(&plain, first, seal->now_us);
	return carried_seal(out, buf_view(&plain), seal->ring, name_cookie(aad, seal->browser),
		seal->arena, err);
}

static struct uuid
read_id(const struct json *doc, const char *name)
{
	struct uuid id;
	return uuid_parse(json_str(json_get(doc, name)), &id) ? id : (struct uuid){{0}};
}

static enum status
read_first(struct first_factor *out, bool *found, const struct json *doc,
	const struct first_factor_seal *seal, struct error *err)
{
	int64_t age_us = seal->now_us - json_int(json_get(doc, "at"));

	*out = (struct first_factor){
		.person = {read_id(doc, "pe")},
		.generation = json_int(json_get(doc, "ge")),
		.only_org = {read_id(doc, "oo")},
		.provider = read_id(doc, "pr"),
		.methods = arena_copy(seal->arena, json_str(json_get(doc, "me"))),
		.auth_us = json_int(json_get(doc, "au")),
	};
	*found = age_us >= 0 && age_us < FIRST_FACTOR_LIFE_US;
	return out->methods.ptr ? OK : error_no_memory(err);
}

enum status
first_factor_open(struct first_factor *out, bool *found, struct str text,
	const struct first_factor_seal *seal, struct error *err)
{
	char space[PLAIN_MAX], aad[AAD_MAX];
	struct json *doc = NULL;
	struct buf plain;

	*out = (struct first_factor){0};
	*found = false;
	if (!seal->browser.len)
		return OK;
	buf_init_fixed(&plain, space, sizeof(space));
	enum status rc =
		carried_open(found, &plain, text, seal->ring, name_cookie(aad, seal->browser), err);
	if (rc == OK && *found)
		rc = json_parse(&doc, buf_view(&plain), JSON_LIMITS_DEFAULT, err);
	if (rc == OK && *found)
		rc = read_first(out, found, doc, seal, err);
	json_free(&doc);
	return rc;
}

static struct str
method_of(const struct passkey_proof *proof)
{
	return proof->copyable ? METHOD_SOFTWARE : METHOD_HARDWARE;
}

/* What fails to prove is no failure of the job: what came of it has to be written down. */
static enum status
prove_passkey(struct passkey_holder *out, struct call *call,
	const struct passkey_ceremony *ceremony, const struct passkey_answer *answer,
	struct error *err)
{
	struct passkey passkey;
	struct passkey_proof proof;
	struct error why = {0};
	bool found, accepted;

	*out = (struct passkey_holder){0};
	enum status rc = passkey_find(&passkey, &found, call, answer->credential_id, err);
	if (rc != OK || !found)
		return rc;
	rc = passkey_verify(&proof, ceremony, answer, &passkey, &why);
	if (rc == ERR_UNAUTHENTICATED)
		return OK;
	if (rc != OK) {
		*err = why;
		return rc;
	}
	rc = passkey_use(&accepted, call, &passkey, &proof.answered, err);
	if (rc == OK && accepted)
		*out = (struct passkey_holder){passkey.person, method_of(&proof)};
	return rc;
}

enum status
passkey_prove(struct passkey_holder *out, struct call *call,
	const struct passkey_ceremony *ceremony, const struct passkey_answer *answer,
	struct error *err)
{
	ASSERT(ceremony->purpose == PASSKEY_SIGN_IN);
	return prove_passkey(out, call, ceremony, answer, err);
}

static enum status
prove_second_passkey(struct str *method, struct call *call, struct person_id person,
	const struct second_factor *second, struct error *err)
{
	struct passkey_holder holder;

	ASSERT(second->ceremony->purpose == PASSKEY_SECOND);
	enum status rc = prove_passkey(&holder, call, second->ceremony, second->passkey, err);
	if (rc == OK && uuid_eq(holder.person.id, person.id))
		*method = holder.method;
	return rc;
}

enum status
second_factor_prove(struct str *method, struct call *call, struct person_id person,
	const struct second_factor *second, struct error *err)
{
	bool accepted = false;
	enum status rc = OK;

	*method = (struct str){NULL, 0};
	if (second->passkey)
		return prove_second_passkey(method, call, person, second, err);
	if (second->code.ptr)
		rc = totp_use(&accepted, call, person, second->code, err);
	else if (second->recovery_code.ptr)
		rc = recovery_code_use(&accepted, call, person, second->recovery_code, err);
	if (rc == OK && accepted)
		*method = METHOD_OTP;
	return rc;
}

enum status
methods_with_second(struct str *out, struct str methods, struct str method, struct arena *arena,
	struct error *err)
{
	const struct str more[] = {method, METHOD_SECOND};
	char space[SESSION_METHODS_MAX];
	struct buf list;

	buf_init_fixed(&list, space, sizeof(space));
	buf_str(&list, methods);
	for (size_t i = 0; i < ARRAY_LEN(more); i++) {
		if (scope_has(buf_view(&list), more[i]))
			continue;
		if (list.len)
			buf_char(&list, ' ');
		buf_str(&list, more[i]);
	}
	ASSERT(!list.failed);
	*out = arena_copy(arena, buf_view(&list));
	return out->ptr ? OK : error_no_memory(err);
}
