#include "signin/passkey.h"

#include <stdio.h>

#include "base/random.h"
#include "signin/carried.h"
#include "json/writer.h"

#define RANDOM_LEN 32
#define PLAIN_LEN (8 + RANDOM_LEN)
#define AAD_MAX 256
#define OPTIONS_MAX ((size_t)64 * 1024)
#define TIMEOUT_MS 300000

/* In the order of preference; RS256 is what Windows Hello has. */
static const int algorithms[] = {-7, -8, -257};

enum status
passkey__refuse(struct error *err, const char *reason)
{
	error_set(err, ERR_UNAUTHENTICATED, "passkey-refused",
		"This passkey was not accepted. Try again.");
	return error_detail(err, "%s", reason);
}

static bool
is_domain(struct str host)
{
	bool letter = false;
	for (size_t i = 0; i < host.len; i++) {
		char c = host.ptr[i];
		bool alphabetic = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!alphabetic && !(c >= '0' && c <= '9') && c != '.' && c != '-')
			return false;
		letter |= alphabetic;
	}
	return letter;
}

static void
lower(char *text)
{
	for (; *text; text++) {
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
	}
}

/* An origin leaves the usual port out (RFC 6454 section 6.2). */
bool
passkey__party(struct passkey__party *out, struct str base_url)
{
	bool secure = str_starts(base_url, STR("https://"));
	if (!secure && !str_starts(base_url, STR("http://")))
		return false;
	size_t scheme = secure ? 8 : 7;
	struct str port = {base_url.ptr + scheme, base_url.len - scheme};
	struct str host = str_cut(&port, ':');
	bool usual = !port.ptr || str_eq(port, secure ? STR("443") : STR("80"));
	if (!is_domain(host) || base_url.len >= PASSKEY_PARTY_MAX)
		return false;
	snprintf(out->id, sizeof(out->id), "%.*s", STR_ARG(host));
	snprintf(out->origin, sizeof(out->origin), "%.*s%.*s%s%.*s", (int)scheme, base_url.ptr,
		STR_ARG(host), usual ? "" : ":", usual ? 0 : (int)port.len,
		port.ptr ? port.ptr : "");
	lower(out->id);
	lower(out->origin);
	return true;
}

bool
passkey_available(struct str base_url)
{
	struct passkey__party party;
	return passkey__party(&party, base_url);
}

static struct str
name_challenge(char space[AAD_MAX], const struct passkey_ceremony *ceremony)
{
	struct buf out;
	buf_init_fixed(&out, space, AAD_MAX);
	buf_printf(&out, "passkey %d ", (int)ceremony->purpose);
	buf_str(&out, ceremony->browser);
	ASSERT(!out.failed);
	return buf_view(&out);
}

enum status
passkey__challenge_new(struct str *out, const struct passkey_ceremony *ceremony, struct error *err)
{
	char aad[AAD_MAX], plain[PLAIN_LEN];

	for (size_t i = 0; i < 8; i++)
		plain[i] = (char)((uint64_t)ceremony->now_us >> (56 - 8 * i));
	random_bytes(plain + 8, RANDOM_LEN);
	return carried_seal(out, (struct str){plain, sizeof(plain)}, ceremony->ring,
		name_challenge(aad, ceremony), ceremony->arena, err);
}

enum status
passkey__challenge_open(bool *sound, int64_t *made_us, const struct passkey_ceremony *ceremony,
	struct str text, struct error *err)
{
	char aad[AAD_MAX], plain_space[PLAIN_LEN];
	struct buf plain;

	*made_us = 0;
	buf_init_fixed(&plain, plain_space, sizeof(plain_space));
	enum status rc = carried_open(
		sound, &plain, text, ceremony->ring, name_challenge(aad, ceremony), err);
	if (rc != OK || !*sound)
		return rc;
	uint64_t made = 0;
	for (size_t i = 0; i < 8; i++)
		made = made << 8 | (uint8_t)plain_space[i];
	*made_us = (int64_t)made;
	int64_t age_us = ceremony->now_us - *made_us;
	*sound = plain.len == PLAIN_LEN && age_us >= 0 && age_us < PASSKEY_CHALLENGE_LIFE_US;
	return OK;
}

static void
write_bytes(struct json_writer *w, const char *name, struct str bytes)
{
	char text[PASSKEY_CREDENTIAL_MAX * 4 / 3 + 4];
	size_t len = crypto_base64url(text, sizeof(text), bytes.ptr, bytes.len);
	jw_str(w, name, (struct str){text, len});
}

static void
write_known(struct json_writer *w, const char *name, const struct passkey *known, size_t count)
{
	jw_array(w, name);
	for (size_t i = 0; i < count; i++) {
		jw_object(w, NULL);
		jw_z(w, "type", "public-key");
		write_bytes(w, "id", known[i].key.credential_id);
		jw_end_object(w);
	}
	jw_end_array(w);
}

/* What both kinds of options begin with. */
static enum status
begin(struct json_writer *w, struct buf *json, const struct passkey_ceremony *ceremony,
	struct error *err)
{
	struct str challenge;

	enum status rc = passkey__challenge_new(&challenge, ceremony, err);
	if (rc != OK)
		return rc;
	buf_init(json, OPTIONS_MAX);
	jw_init(w, json);
	jw_object(w, NULL);
	jw_str(w, "challenge", challenge);
	jw_int(w, "timeout", TIMEOUT_MS);
	return OK;
}

static enum status
finish(struct str *out, struct buf *json, struct arena *arena, struct error *err)
{
	*out = json->failed ? (struct str){NULL, 0} : arena_copy(arena, buf_view(json));
	buf_clear(json);
	return out->ptr ? OK : error_no_memory(err);
}

enum status
passkey_request(struct str *options, const struct passkey_ceremony *ceremony,
	const struct passkey *known, size_t count, struct error *err)
{
	bool alone = ceremony->purpose == PASSKEY_SIGN_IN;
	struct passkey__party party;
	struct json_writer w;
	struct buf json;

	if (!passkey__party(&party, ceremony->base_url)) {
		*options = STR("");
		return OK;
	}
	enum status rc = begin(&w, &json, ceremony, err);
	if (rc != OK)
		return rc;
	jw_z(&w, "rpId", party.id);
	write_known(&w, "allowCredentials", known, count);
	jw_z(&w, "userVerification", alone ? "required" : "preferred");
	jw_end_object(&w);
	return finish(options, &json, ceremony->arena, err);
}

static void
write_creation(struct json_writer *w, const struct passkey__party *party,
	const struct passkey_owner *owner)
{
	const struct uuid id = owner->person.id;

	jw_object(w, "rp");
	jw_z(w, "id", party->id);
	jw_str(w, "name", owner->brand);
	jw_end_object(w);
	jw_object(w, "user");
	write_bytes(w, "id", (struct str){(const char *)id.bytes, sizeof(id.bytes)});
	jw_str(w, "name", owner->email);
	jw_str(w, "displayName", owner->name);
	jw_end_object(w);
	jw_array(w, "pubKeyCredParams");
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		jw_object(w, NULL);
		jw_z(w, "type", "public-key");
		jw_int(w, "alg", algorithms[i]);
		jw_end_object(w);
	}
	jw_end_array(w);
	jw_object(w, "authenticatorSelection");
	jw_z(w, "residentKey", "preferred");
	jw_z(w, "userVerification", "preferred");
	jw_end_object(w);
	jw_z(w, "attestation", "none");
}

enum status
passkey_creation(struct str *options, const struct passkey_ceremony *ceremony,
	const struct passkey_owner *owner, const struct passkey *known, size_t count,
	struct error *err)
{
	struct passkey__party party;
	struct json_writer w;
	struct buf json;

	ASSERT(ceremony->purpose == PASSKEY_ADD);
	if (!passkey__party(&party, ceremony->base_url)) {
		*options = STR("");
		return OK;
	}
	enum status rc = begin(&w, &json, ceremony, err);
	if (rc != OK)
		return rc;
	write_creation(&w, &party, owner);
	write_known(&w, "excludeCredentials", known, count);
	jw_end_object(&w);
	return finish(options, &json, ceremony->arena, err);
}
