#include "signin/passkey.h"
#include "json/json.h"

#define CLIENT_DATA_MAX ((size_t)4 * 1024)
#define USER_HANDLE_MAX 64 /* section 4 */
#define BYTES_MAX ((size_t)16 * 1024)

#define ANSWER_LIMITS ((struct json_limits){PASSKEY_ANSWER_MAX, 4, PASSKEY_ANSWER_MAX})
#define CLIENT_DATA_LIMITS ((struct json_limits){CLIENT_DATA_MAX, 8, CLIENT_DATA_MAX})

/* Of a member in base64url, which may be absent. False: it is something else, or too long. */
static bool
read_bytes(struct str *out, const struct json *v, size_t max, struct arena *arena)
{
	struct str text = json_str(v);
	size_t len = 0;

	*out = (struct str){NULL, 0};
	if (json_type(v) == JSON_ABSENT || json_type(v) == JSON_NULL)
		return true;
	if (!text.ptr || text.len / 4 > max / 3)
		return false;
	size_t size = text.len / 4 * 3 + 3;
	uint8_t *bytes = arena_alloc(arena, size);
	if (!bytes || !crypto_base64url_decode(bytes, size, &len, text) || len > max)
		return false;
	*out = (struct str){(const char *)bytes, len};
	return true;
}

static bool
read_answer(struct passkey_answer *out, const struct json *doc, struct arena *arena)
{
	const struct json *from = json_get(doc, "response");

	return str_eq(json_str(json_get(doc, "type")), STR("public-key")) &&
		read_bytes(&out->credential_id, json_get(doc, "rawId"), PASSKEY_CREDENTIAL_MAX,
			arena) &&
		read_bytes(&out->client_data, json_get(from, "clientDataJSON"), CLIENT_DATA_MAX,
			arena) &&
		read_bytes(
			&out->attestation, json_get(from, "attestationObject"), BYTES_MAX, arena) &&
		read_bytes(&out->authenticator_data, json_get(from, "authenticatorData"), BYTES_MAX,
			arena) &&
		read_bytes(&out->signature, json_get(from, "signature"), BYTES_MAX, arena) &&
		read_bytes(&out->user_handle, json_get(from, "userHandle"), USER_HANDLE_MAX, arena);
}

/* Sections 7.1 and 7.2, the steps about the client data. */
static enum status
check_client_data(struct passkey_answer *out, const struct passkey_ceremony *ceremony,
	const struct json *data, struct error *err)
{
	bool adds = ceremony->purpose == PASSKEY_ADD;
	struct str challenge = json_str(json_get(data, "challenge"));
	struct passkey__party party;
	bool sound;

	if (!str_eq(json_str(json_get(data, "type")),
		    adds ? STR("webauthn.create") : STR("webauthn.get")))
		return passkey__refuse(err, "another type");
	enum status rc =
		passkey__challenge_open(&sound, &out->challenged_us, ceremony, challenge, err);
	if (rc != OK)
		return rc;
	if (!sound)
		return passkey__refuse(err, "another challenge");
	if (!passkey__party(&party, ceremony->base_url) ||
		!str_eq(json_str(json_get(data, "origin")), str_from(party.origin)))
		return passkey__refuse(err, "another origin");
	if (json_bool(json_get(data, "crossOrigin")))
		return passkey__refuse(err, "in a frame of another origin");
	return OK;
}

static enum status
read_json(struct json **out, struct str text, struct json_limits limits, struct error *err)
{
	struct error why = {0};
	enum status rc = json_parse(out, text, limits, &why);
	if (rc == ERR_NO_MEMORY)
		return error_no_memory(err);
	return rc == OK ? OK : passkey__refuse(err, "no JSON");
}

enum status
passkey_read(struct passkey_answer *out, const struct passkey_ceremony *ceremony, struct str text,
	struct error *err)
{
	struct json *doc = NULL, *data = NULL;

	*out = (struct passkey_answer){0};
	enum status rc = read_json(&doc, text, ANSWER_LIMITS, err);
	if (rc == OK && !read_answer(out, doc, ceremony->arena))
		rc = passkey__refuse(err, "no answer of a credential");
	json_free(&doc);
	if (rc == OK)
		rc = read_json(&data, out->client_data, CLIENT_DATA_LIMITS, err);
	if (rc == OK)
		rc = check_client_data(out, ceremony, data, err);
	json_free(&data);
	return rc;
}
