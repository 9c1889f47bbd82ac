#include "signin/token.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "jose/jwk.h"
#include "jose/jwt.h"

/*
 * What this thread has verified: tokens by their text, keys by their id. Both are immutable facts;
 * whether they still count is looked up each time. A token is found in one row only, where a newer
 * one takes the place of the oldest; a key in one place only.
 */
#define ROWS 64
#define TOKENS_OF_ROW 8
#define KEYS 64
#define TEXTS_MAX 2048 /* bytes; what has more is verified each time */
#define TAGGED 16 /* characters of a token, of 96 random bits */

struct verified {
	struct uuid key;
	struct token token;
	size_t len;
	char texts[TEXTS_MAX]; /* secret: the token as it came, then its scope and its resource */
};

struct row {
	uint64_t tags[TOKENS_OF_ROW];
	struct verified tokens[TOKENS_OF_ROW];
	unsigned oldest;
};

struct opened {
	struct uuid key;
	struct jwk_set *set; /* owned; NULL: empty */
};

struct memory {
	struct row rows[ROWS];
	struct opened keys[KEYS];
};

static pthread_key_t forgetting;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Thread_local struct memory *memory;

static void
forget(void *arg)
{
	struct memory *m = arg;
	for (size_t i = 0; i < KEYS; i++)
		jwk_set_free(&m->keys[i].set);
	crypto_wipe(m->rows, sizeof(m->rows));
	free(m);
	memory = NULL;
}

static void
make_key(void)
{
	ASSERT(pthread_key_create(&forgetting, forget) == 0);
}

static struct memory *
memory_of_thread(void)
{
	if (memory)
		return memory;
	pthread_once(&once, make_key);
	struct memory *m = calloc(1, sizeof(*m));
	if (!m || pthread_setspecific(forgetting, m) != 0) {
		free(m);
		return NULL;
	}
	memory = m;
	return m;
}

/* Of the end of the signature: who does not have it gets no text compared with his. */
static uint64_t
tag_of(struct str text)
{
	return hash_bytes(text.ptr + text.len - TAGGED, TAGGED, hash_seed());
}

bool
token_is_jwt(struct str text)
{
	const char *first = text.ptr ? memchr(text.ptr, '.', text.len) : NULL;
	return first && memchr(first + 1, '.', (size_t)(text.ptr + text.len - first - 1));
}

/* {base}, or {base}/w/{workspace}. */
static bool
issuer_parse(struct workspace_id *out, struct str base, struct str iss)
{
	*out = (struct workspace_id){0};
	if (!str_starts(iss, base))
		return false;
	struct str rest = {iss.ptr + base.len, iss.len - base.len};
	if (rest.len == 0)
		return true;
	if (!str_starts(rest, STR("/w/")))
		return false;
	rest = (struct str){rest.ptr + 3, rest.len - 3};
	return uuid_parse(rest, &out->id) && !uuid_is_nil(out->id);
}

/* Of the claims that stand for an identifier. Absent ones are nil, when they may be. */
static bool
id_parse(struct uuid *out, struct str text, bool may_be_absent)
{
	*out = (struct uuid){0};
	return text.ptr ? uuid_parse(text, out) : may_be_absent;
}

/* Every token is for its issuer: the workspace, or the installation. */
static bool
is_ours(struct str aud, struct workspace_id workspace, struct str issuer)
{
	char text[UUID_TEXT_LEN + 1];
	uuid_format(text, workspace.id);
	return str_eq(aud, uuid_is_nil(workspace.id) ? issuer : str_from(text));
}

static bool
is_for_us(const struct jwt_claims *claims, struct workspace_id workspace)
{
	for (size_t i = 0; i < claims->aud_count; i++) {
		if (is_ours(claims->aud[i], workspace, claims->iss))
			return true;
	}
	return false;
}

/* RFC 9068 section 2.2, with what is our own: org, person, sid, gen, cgen, pgen. */
static bool
claims_read(struct token *out, const struct jwt_claims *claims, const struct issuer_view *issuer,
	struct arena *arena)
{
	const struct {
		struct uuid *id;
		const char *name;
		bool may_be_absent;
	} ids[] = {{&out->client.id, "client_id", false}, {&out->family, "sid", true},
		{&out->org.id, "org", true}, {&out->person.id, "person", true}};
	bool good = id_parse(&out->principal.id, claims->sub, false) &&
		id_parse(&out->id, claims->jti, false) && claims->exp_us > 0;
	for (size_t i = 0; good && i < ARRAY_LEN(ids); i++)
		good = id_parse(ids[i].id, jwt_get_str(claims, arena, str_from(ids[i].name)),
			ids[i].may_be_absent);
	good = good && jwt_get_int(claims, STR("gen"), &out->generation) &&
		jwt_get_int(claims, STR("cgen"), &out->client_generation);
	if (good && !uuid_is_nil(out->person.id))
		good = jwt_get_int(claims, STR("pgen"), &out->person_generation);
	out->workspace = issuer->workspace;
	out->client_org = issuer->org;
	if (!uuid_is_nil(issuer->workspace.id))
		out->org = issuer->org;
	out->issued_us = claims->iat_us;
	out->expires_us = claims->exp_us;
	out->scope = jwt_get_str(claims, arena, STR("scope"));
	for (size_t i = 0; i < claims->aud_count; i++) {
		if (!is_ours(claims->aud[i], issuer->workspace, claims->iss))
			out->resource = claims->aud[i];
	}
	return good;
}

static const struct signing_key_view *
find_key(const struct keys_view *keys, struct uuid id)
{
	for (uint32_t i = 0; keys && i < keys->count; i++) {
		if (uuid_eq(keys->keys[i].id, id))
			return &keys->keys[i];
	}
	return NULL;
}

/* Prepared from its JWK, once on each thread. NULL when it is none, or memory fails. */
static const struct verify_key *
open_key(const struct signing_key_view *view, struct jwk_set **temporary, struct error *why)
{
	struct memory *m = memory_of_thread();
	struct opened *place = m ? &m->keys[view->id.bytes[15] % KEYS] : NULL;
	if (place && place->set && uuid_eq(place->key, view->id))
		return jwk_set_at(place->set, 0)->key;
	if (jwk_set_parse(temporary, view->public_key, why) != OK || jwk_set_count(*temporary) != 1)
		return NULL;
	if (!place)
		return jwk_set_at(*temporary, 0)->key;
	jwk_set_free(&place->set);
	*place = (struct opened){view->id, *temporary};
	*temporary = NULL;
	return jwk_set_at(place->set, 0)->key;
}

static bool
signature_holds(const struct jws *jws, const struct signing_key_view *view, struct error *why)
{
	struct jwk_set *temporary = NULL;
	const struct verify_key *key = open_key(view, &temporary, why);
	bool holds = key && jws_verify(jws, key, why) == OK;
	jwk_set_free(&temporary);
	return holds;
}

/* Takes the token apart and proves its signature. False as well while a miss is noted. */
static bool
verify(struct token *out, struct uuid *key, const struct signin *signin, const struct proof *proof,
	struct misses *misses, struct error *why)
{
	struct jws jws;
	struct jwt_claims claims;
	struct workspace_id workspace;
	if (jws_parse(&jws, proof->arena, proof->text, why) != OK ||
		!jws_typ_is(jws.typ, STR("at+jwt")) || !jws.kid.ptr || !uuid_parse(jws.kid, key))
		return false;
	if (jwt_claims_parse(&claims, proof->arena, jws.payload, why) != OK ||
		!issuer_parse(&workspace, signin->base_url, claims.iss) ||
		!is_for_us(&claims, workspace))
		return false;
	const struct issuer_view *issuer = directory_issuer(signin->directory, workspace, misses);
	if (!issuer)
		return false;
	const struct signing_key_view *view =
		find_key(directory_keys(signin->directory, issuer->org, workspace, misses), *key);
	/* A claim that did not fit into memory is not one that is absent. */
	return view && signature_holds(&jws, view, why) &&
		claims_read(out, &claims, issuer, proof->arena) && !arena_starved(proof->arena);
}

static char *
append(char *at, struct str text)
{
	if (text.len)
		memcpy(at, text.ptr, text.len);
	return at + text.len;
}

static void
remember(struct str text, struct uuid key, const struct token *token)
{
	struct memory *m = memory_of_thread();
	if (!m || text.len + token->scope.len + token->resource.len > TEXTS_MAX)
		return;
	uint64_t tag = tag_of(text);
	struct row *row = &m->rows[tag % ROWS];
	unsigned place = row->oldest++ % TOKENS_OF_ROW;
	struct verified *v = &row->tokens[place];
	row->tags[place] = tag;
	v->key = key;
	v->token = *token;
	v->len = text.len;
	append(append(append(v->texts, text), token->scope), token->resource);
}

static const struct verified *
find_verified(struct str text)
{
	if (!memory || text.len < TAGGED)
		return NULL;
	uint64_t tag = tag_of(text);
	const struct row *row = &memory->rows[tag % ROWS];
	for (size_t i = 0; i < TOKENS_OF_ROW; i++) {
		const struct verified *v = &row->tokens[i];
		if (row->tags[i] == tag && str_eq(text, (struct str){v->texts, v->len}))
			return v;
	}
	return NULL;
}

/* What was verified before; its texts are copied, since the place may be taken. */
static bool
recall(struct token *out, struct uuid *key, struct str text, struct arena *arena)
{
	const struct verified *v = find_verified(text);
	if (!v)
		return false;
	*out = v->token;
	*key = v->key;
	size_t len = out->scope.len + out->resource.len;
	if (len == 0)
		return true;
	struct str texts = arena_copy(arena, (struct str){v->texts + v->len, len});
	if (!texts.ptr)
		return false;
	if (out->scope.ptr)
		out->scope.ptr = texts.ptr;
	if (out->resource.ptr)
		out->resource.ptr = texts.ptr + out->scope.len;
	return true;
}

/* Keys are published as long as what they signed may live; a key that is gone proves nothing. */
static bool
key_counts(const struct signin *signin, const struct token *token, struct uuid key,
	struct misses *misses)
{
	struct org_id org = uuid_is_nil(token->workspace.id) ? PLATFORM : token->org;
	const struct keys_view *keys =
		directory_keys(signin->directory, org, token->workspace, misses);
	return find_key(keys, key) != NULL;
}

static bool
person_counts(const struct signin *signin, const struct token *token, struct misses *misses)
{
	if (uuid_is_nil(token->person.id))
		return true;
	const struct person_view *person =
		directory_person(signin->directory, token->person, misses);
	return person && person->state == STATE_ACTIVE &&
		token->person_generation >= person->generation;
}

static bool
is_refused(const struct signin *signin, const struct token *token, int64_t now_us,
	struct misses *misses)
{
	struct directory *d = signin->directory;
	return directory_is_refused(d, token->org, token->id, now_us, misses) ||
		(!uuid_is_nil(token->family) &&
			directory_is_refused(d, token->org, token->family, now_us, misses));
}

/* By client credentials. */
static bool
is_of_itself(const struct token *token)
{
	return uuid_eq(token->principal.id, token->client.id) &&
		uuid_eq(token->org.id, token->client_org.id);
}

/* Everything that can change while the token lives. */
static bool
counts(const struct principal_view **principal, const struct signin *signin,
	const struct token *token, int64_t now_us, struct misses *misses)
{
	*principal = signin__principal(signin, token->org, token->principal, now_us, misses);
	const struct principal_view *client = is_of_itself(token)
		? *principal
		: signin__principal(signin, token->client_org, token->client, now_us, misses);
	bool holds = *principal && token->generation >= (*principal)->generation && client &&
		client->kind == KIND_APPLICATION && token->client_generation >= client->generation;
	if (holds && !uuid_is_nil(token->workspace.id))
		holds = uuid_eq((*principal)->workspace.id, token->workspace.id) &&
			uuid_eq(client->workspace.id, token->workspace.id);
	return holds && person_counts(signin, token, misses) &&
		!is_refused(signin, token, now_us, misses);
}

/* Whatever is wrong with a token is told alike; what went wrong here is not wrong with it. */
static enum status
refuse(const struct error *why, const struct arena *arena, struct error *err)
{
	if (arena_starved(arena))
		return error_no_memory(err);
	if (why->status != ERR_INTERNAL && why->status != ERR_NO_MEMORY)
		return signin__refuse(err);
	*err = *why;
	return err->status;
}

enum status
signin_token(struct token *out, const struct principal_view **principal,
	const struct signin *signin, const struct proof *proof, struct misses *misses,
	struct error *err)
{
	struct uuid key;
	struct error why = {0};
	*out = (struct token){0};
	*principal = NULL;
	if (!proof->text.ptr || proof->text.len > JWS_TOKEN_MAX)
		return signin__refuse(err);
	bool known = recall(out, &key, proof->text, proof->arena);
	if (!known && verify(out, &key, signin, proof, misses, &why)) {
		known = true;
		remember(proof->text, key, out);
	}
	bool good = known && proof->now_us < out->expires_us &&
		key_counts(signin, out, key, misses) &&
		counts(principal, signin, out, proof->now_us, misses);
	if (misses->count)
		return ERR_UNAUTHENTICATED;
	return good ? OK : refuse(&why, proof->arena, err);
}
