#include "jose/jwt.h"
#include "signin/upstream_internal.h"

#define FORM_MAX ((size_t)32 * 1024)
#define BASIC_MAX 1500
#define LEEWAY_S 60
#define TOKEN_DEPTH 16

/* What a provider answered, taken apart. */
struct token_answer {
	const char *access_token; /* secret; NULL: none */
	struct str id_token;
};

/* base64 as RFC 4648 section 4 has it, of what RFC 6749 section 2.3.1 wants encoded first. */
static enum status
write_basic(struct str *out, const struct upstream_task *task, struct error *err)
{
	char plain[BASIC_MAX / 4 * 3];
	struct buf both, part;
	size_t size = BASIC_MAX + sizeof("Basic ");
	char *text = arena_alloc(task->arena, size);

	if (!text)
		return error_no_memory(err);
	buf_init_fixed(&both, plain, sizeof(plain));
	buf_init(&part, sizeof(plain));
	http_client_add_field(&both, "", task->provider->client_id);
	buf_char(&both, ':');
	http_client_add_field(&part, "", task->secret);
	if (!both.failed && !part.failed) {
		/* Each is written as a field without a name: "=value". */
		memmove(both.ptr, both.ptr + 1, --both.len);
		buf_str(&both, (struct str){part.ptr + 1, part.len - 1});
	}
	bool fits = !both.failed && !part.failed && (both.len + 2) / 3 * 4 < BASIC_MAX;
	if (fits) {
		memcpy(text, "Basic ", 6);
		size_t len = 6 + crypto_base64url(text + 6, size - 6, both.ptr, both.len);
		for (size_t i = 6; i < len; i++)
			text[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
		while ((len - 6) % 4)
			text[len++] = '=';
		*out = (struct str){text, len};
	}
	crypto_wipe(plain, sizeof(plain));
	if (part.ptr)
		crypto_wipe(part.ptr, part.len);
	buf_clear(&part);
	return fits ? OK : upstream__refused(err, "client id or secret is too long");
}

static void
write_form(struct buf *out, const struct upstream_task *task, bool in_form)
{
	char verifier[UPSTREAM_PROOF_SIZE];

	upstream_prove(verifier, task->visit, UPSTREAM_VERIFIER);
	http_client_add_field(out, "grant_type", STR("authorization_code"));
	http_client_add_field(out, "code", task->code);
	http_client_add_field(out, "redirect_uri", task->redirect_uri);
	http_client_add_field(out, "code_verifier", str_from(verifier));
	if (in_form || !task->secret.ptr)
		http_client_add_field(out, "client_id", task->provider->client_id);
	if (in_form && task->secret.ptr)
		http_client_add_field(out, "client_secret", task->secret);
}

/* RFC 6749 section 4.1.3. */
static enum status
redeem(struct str *out, struct upstream_run *run, const struct upstream_metadata *metadata,
	struct error *err)
{
	struct http_client_header headers[2] = {{"Accept", STR("application/json")}};
	struct http_client_request request = {.method = "POST",
		.url = metadata->token,
		.content_type = HTTP_CLIENT_FORM,
		.headers = headers,
		.header_count = 1};
	struct buf form;
	enum status rc = OK;

	if (metadata->basic && run->task->secret.ptr) {
		headers[request.header_count++].name = "Authorization";
		rc = write_basic(&headers[1].value, run->task, err);
	}
	buf_init(&form, FORM_MAX);
	write_form(&form, run->task, !metadata->basic);
	request.body = buf_view(&form);
	if (rc == OK)
		rc = form.failed ? upstream__refused(err, "a code that is too long")
				 : upstream__ask(out, run, &request, err);
	if (form.ptr)
		crypto_wipe(form.ptr, form.len);
	buf_clear(&form);
	return rc;
}

static enum status
read_answer(struct token_answer *out, struct str text, struct arena *arena, struct error *err)
{
	const struct json_limits limits = {UPSTREAM_ANSWER_MAX, TOKEN_DEPTH, UPSTREAM_ANSWER_MAX};
	struct error why = {0};
	struct json *doc = NULL;

	*out = (struct token_answer){0};
	if (json_parse(&doc, text, limits, &why) != OK)
		return upstream__untrusted(err, "a malformed answer to the code");
	struct str access = json_str(json_get(doc, "access_token"));
	struct str id = json_str(json_get(doc, "id_token"));
	out->access_token = arena_copy(arena, access).ptr;
	out->id_token = arena_copy(arena, id);
	bool lost = (access.ptr && !out->access_token) || (id.ptr && !out->id_token.ptr);
	json_free(&doc);
	if (lost)
		return error_no_memory(err);
	return out->id_token.ptr ? OK : upstream__untrusted(err, "no ID token");
}

/* Section 3.1.3.6: the left half of the hash of the access token that goes with the signature. */
static enum status
check_access_token(const struct jwt_claims *claims, enum sign_alg alg, const char *access_token,
	struct arena *arena, struct error *err)
{
	char half[UPSTREAM_PROOF_SIZE];
	uint8_t hash[SHA512_LEN];
	size_t len = alg == SIGN_EDDSA ? SHA512_LEN : SHA256_LEN;
	enum status rc = OK;

	if (!access_token || !jwt_get(claims, STR("at_hash")).ptr)
		return OK;
	if (alg == SIGN_EDDSA)
		rc = crypto_sha512(hash, str_from(access_token), err);
	else
		crypto_sha256(hash, access_token, strlen(access_token));
	if (rc != OK)
		return rc;
	crypto_base64url(half, sizeof(half), hash, len / 2);
	return str_eq(jwt_get_str(claims, arena, STR("at_hash")), str_from(half))
		? OK
		: upstream__untrusted(err, "another access token than the ID token says");
}

/* Section 3.1.3.7, what jwt_check does not know; why not, or NULL. */
static const char *
find_fault(const struct jwt_claims *claims, const struct jws *jws, const struct upstream_task *task,
	int64_t now_us)
{
	char nonce[UPSTREAM_PROOF_SIZE];
	struct str azp = jwt_get_str(claims, task->arena, STR("azp"));
	bool has_azp = jwt_get(claims, STR("azp")).ptr != NULL;

	upstream_prove(nonce, task->visit, UPSTREAM_NONCE);
	if (jws->typ.ptr && !jws_typ_is(jws->typ, STR("JWT")))
		return "a token of another type";
	if ((has_azp || claims->aud_count > 1) && !str_eq(azp, task->provider->client_id))
		return "a token for another client (azp)";
	if (!claims->iat_us || claims->iat_us > now_us + LEEWAY_S * US_PER_S)
		return "a token from the future, or of no time";
	if (!str_eq(jwt_get_str(claims, task->arena, STR("nonce")), str_from(nonce)))
		return "a token of another sign-in (nonce)";
	if (!claims->sub.ptr || claims->sub.len == 0 || claims->sub.len > IDENTITY_SUBJECT_MAX)
		return "a token without a subject";
	return NULL;
}

static enum status
check_claims(const struct jwt_claims *claims, const struct jws *jws,
	const struct upstream_task *task, const char *access_token, struct error *err)
{
	int64_t now_us = clock_now_us();
	struct error why = {0};
	const struct jwt_expect expect = {.iss = task->provider->issuer,
		.aud = &task->provider->client_id,
		.aud_count = 1,
		.now_us = now_us,
		.leeway_s = LEEWAY_S};

	if (jwt_check(claims, jws->typ, &expect, &why) != OK)
		return upstream__untrusted(err, why.code);
	const char *fault = find_fault(claims, jws, task, now_us);
	return fault ? upstream__untrusted(err, fault)
		     : check_access_token(claims, jws->alg, access_token, task->arena, err);
}

/* By what refused a token; its code is for the log. */
static enum status
distrust(enum status rc, const struct error *why, struct error *err)
{
	return rc == ERR_NO_MEMORY ? error_no_memory(err) : upstream__untrusted(err, why->code);
}

static enum status
verify(struct upstream_run *run, const struct upstream_metadata *metadata, const struct jws *jws,
	struct error *err)
{
	const struct verify_key *key;
	struct jwk_set *keys = NULL;
	struct error why = {0};

	enum status rc = upstream__find_key(&key, &keys, run, metadata, jws, err);
	if (rc == OK && (rc = jws_verify(jws, key, &why)) != OK)
		rc = distrust(rc, &why, err);
	jwk_set_free(&keys);
	return rc;
}

static enum status
take_token(bool *has_groups, struct upstream_run *run, const struct upstream_metadata *metadata,
	const struct token_answer *answer, struct error *err)
{
	struct upstream_task *task = run->task;
	struct jwt_claims claims;
	struct error why = {0};
	struct json *doc = NULL;
	struct jws jws;

	enum status rc = jws_parse(&jws, task->arena, answer->id_token, &why);
	if (rc != OK)
		return distrust(rc, &why, err);
	rc = verify(run, metadata, &jws, err);
	if (rc != OK)
		return rc;
	rc = jwt_claims_parse(&claims, task->arena, jws.payload, &why);
	if (rc == OK)
		rc = json_parse(&doc, jws.payload, JSON_LIMITS_DEFAULT, &why);
	if (rc != OK)
		return distrust(rc, &why, err);
	rc = check_claims(&claims, &jws, task, answer->access_token, err);
	task->claims.subject = claims.sub;
	if (rc == OK)
		rc = upstream__read_claims(&task->claims, has_groups, doc, task, err);
	json_free(&doc);
	return rc;
}

/* Section 5.3.2: it is about the same one, or it is not used. */
static enum status
take_userinfo(bool *has_groups, struct upstream_run *run, struct str text, struct error *err)
{
	struct upstream_task *task = run->task;
	struct error why = {0};
	struct json *doc = NULL;

	if (json_parse(&doc, text, JSON_LIMITS_DEFAULT, &why) != OK)
		return upstream__untrusted(err, "malformed user information");
	enum status rc = str_eq(json_str(json_get(doc, "sub")), task->claims.subject)
		? upstream__read_claims(&task->claims, has_groups, doc, task, err)
		: upstream__untrusted(err, "user information about somebody else");
	json_free(&doc);
	return rc;
}

static enum status
ask_userinfo(bool *has_groups, struct upstream_run *run, const struct upstream_metadata *metadata,
	const char *access_token, struct error *err)
{
	const struct http_client_header accept = {"Accept", STR("application/json")};
	const struct http_client_request request = {.method = "GET",
		.url = metadata->userinfo,
		.bearer = access_token,
		.headers = &accept,
		.header_count = 1};
	struct str text;

	enum status rc = upstream__ask(&text, run, &request, err);
	return rc == OK ? take_userinfo(has_groups, run, text, err) : rc;
}

enum status
upstream__exchange(
	struct upstream_run *run, const struct upstream_metadata *metadata, struct error *err)
{
	struct upstream_task *task = run->task;
	struct token_answer answer;
	struct str text;
	bool has_groups = false;

	task->claims = (struct identity_claims){0};
	enum status rc = redeem(&text, run, metadata, err);
	if (rc == OK)
		rc = read_answer(&answer, text, task->arena, err);
	if (rc == OK)
		rc = take_token(&has_groups, run, metadata, &answer, err);
	if (rc != OK)
		return rc;
	bool lacking =
		!task->claims.email.ptr || (task->provider->groups_claim.len > 0 && !has_groups);
	if (lacking && metadata->userinfo && answer.access_token)
		rc = ask_userinfo(&has_groups, run, metadata, answer.access_token, err);
	return rc;
}
