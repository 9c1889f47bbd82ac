#include "jose/jws.h"

#include "crypto/crypto.h"
#include "jose/internal.h"
#include "json/reader.h"
#include "json/writer.h"

#define HEADER_DEPTH_MAX 8
#define HEADER_MADE_MAX (64 + 6 * (JWS_TYP_MAX + JWS_KID_MAX)) /* every byte escaped */

static void
put_base64url(struct buf *out, struct str bytes)
{
	size_t size = (bytes.len * 4 + 2) / 3 + 1;
	char *room = bytes.len <= JWS_TOKEN_MAX ? buf_extend(out, size) : NULL;
	if (!room) {
		out->failed = true;
		return;
	}
	crypto_base64url(room, size, bytes.ptr, bytes.len);
	out->len--; /* the NUL */
}

static void
put_header(struct buf *out, enum sign_alg alg, struct str typ, struct str kid)
{
	char space[HEADER_MADE_MAX];
	struct json_writer w;
	struct buf header;
	buf_init_fixed(&header, space, sizeof(space));
	jw_init(&w, &header);
	jw_object(&w, NULL);
	jw_z(&w, "alg", sign_alg_name(alg));
	if (typ.ptr)
		jw_str(&w, "typ", typ);
	if (kid.ptr)
		jw_str(&w, "kid", kid);
	jw_end_object(&w);
	ASSERT(!header.failed);
	put_base64url(out, buf_view(&header));
}

enum status
jws_sign(struct buf *out, const struct sign_key *key, struct str typ, struct str kid,
	struct str payload, struct error *err)
{
	uint8_t signature[SIGNATURE_MAX];
	size_t before = out->len, len = 0;
	enum status rc = OK;
	if (typ.len <= JWS_TYP_MAX && kid.len <= JWS_KID_MAX) {
		put_header(out, sign_key_public(key)->alg, typ, kid);
		buf_char(out, '.');
		put_base64url(out, payload);
	} else {
		out->failed = true;
	}
	if (!out->failed) {
		struct str text = {out->ptr + before, out->len - before};
		rc = sign_key_sign(signature, &len, key, text, err);
		buf_char(out, '.');
		put_base64url(out, (struct str){(const char *)signature, len});
	}
	if (rc == OK && (out->failed || out->len - before > JWS_TOKEN_MAX))
		rc = error_set(err, ERR_TOO_LARGE, "jws-too-large",
			"The token is too large: it holds more than fits into one.");
	if (rc != OK)
		out->len = before;
	return rc;
}

static enum status
decode(struct str *out, struct arena *arena, struct str part, struct error *err)
{
	size_t size = part.len * 3 / 4 + 1, len = 0;
	uint8_t *bytes = arena_alloc(arena, size);
	if (!bytes)
		return error_no_memory(err);
	if (!crypto_base64url_decode(bytes, size, &len, part))
		return jose__refuse(err, "jws-malformed");
	*out = (struct str){(const char *)bytes, len};
	return OK;
}

/* What is unknown is passed over (RFC 7515 section 4), what would change the meaning refused. */
static bool
read_members(struct jws *out, struct json_reader *r)
{
	struct str name, alg = {0};
	if (!json_reader_enter_object(r))
		return false;
	while (json_reader_next_member(r, &name)) {
		if (str_eq(name, STR("alg")))
			json_reader_string(r, &alg);
		else if (str_eq(name, STR("typ")))
			json_reader_string(r, &out->typ);
		else if (str_eq(name, STR("kid")))
			json_reader_string(r, &out->kid);
		else if (str_eq(name, STR("crit")) || str_eq(name, STR("b64")))
			return false;
		else
			json_reader_skip(r, NULL);
	}
	out->alg = sign_alg_parse(alg);
	return json_reader_end(r);
}

static enum status
read_header(struct jws *out, struct arena *arena, struct str header, struct error *err)
{
	struct json_reader r;
	char *scratch = arena_alloc(arena, header.len);
	if (!scratch)
		return error_no_memory(err);
	json_reader_init(&r, header, HEADER_DEPTH_MAX, JWS_TOKEN_MAX, scratch, header.len);
	if (!read_members(out, &r) || out->typ.len > JWS_TYP_MAX || out->kid.len > JWS_KID_MAX ||
		(out->kid.ptr && out->kid.len == 0))
		return jose__refuse(err, "jws-header");
	if (out->alg == SIGN_ALG_NONE)
		return jose__refuse(err, "jws-alg");
	return OK;
}

enum status
jws_parse(struct jws *out, struct arena *arena, struct str token, struct error *err)
{
	struct str header, rest = token;
	*out = (struct jws){0};
	if (token.len > JWS_TOKEN_MAX)
		return jose__refuse(err, "jws-too-large");
	struct str first = str_cut(&rest, '.'), second = str_cut(&rest, '.');
	if (!rest.ptr)
		return jose__refuse(err, "jws-malformed");
	out->signed_text = (struct str){token.ptr, token.len - rest.len - 1};
	enum status rc = decode(&header, arena, first, err);
	if (rc == OK)
		rc = decode(&out->payload, arena, second, err);
	if (rc == OK)
		rc = decode(&out->signature, arena, rest, err);
	if (rc == OK)
		rc = read_header(out, arena, header, err);
	return rc;
}

enum status
jws_verify(const struct jws *jws, const struct verify_key *key, struct error *err)
{
	struct error why = {0};
	if (jws->alg == SIGN_ALG_NONE || jws->alg != verify_key_public(key)->alg)
		return jose__refuse(err, "jws-alg");
	enum status rc = verify_key_check(key, jws->signed_text, jws->signature, &why);
	if (rc == ERR_UNAUTHENTICATED)
		return jose__refuse(err, "signature-wrong");
	if (rc != OK)
		*err = why;
	return rc;
}

bool
jws_typ_is(struct str typ, struct str wanted)
{
	struct str prefix = STR("application/");
	if (typ.len > prefix.len && str_eq_nocase((struct str){typ.ptr, prefix.len}, prefix))
		typ = (struct str){typ.ptr + prefix.len, typ.len - prefix.len};
	return str_eq_nocase(typ, wanted);
}
