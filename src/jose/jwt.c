#include "jose/jwt.h"

#include "base/clock.h"
#include "jose/internal.h"

#define LEEWAY_MAX_S INT64_C(86400)

static void
write_time(struct json_writer *w, const char *name, int64_t time_us)
{
	if (time_us > 0)
		jw_int(w, name, time_us / US_PER_S);
}

static void
write_text(struct json_writer *w, const char *name, struct str value)
{
	if (value.ptr)
		jw_str(w, name, value);
}

void
jwt_claims_write(struct json_writer *w, const struct jwt_claims *claims)
{
	write_text(w, "iss", claims->iss);
	write_text(w, "sub", claims->sub);
	if (claims->aud_count == 1) {
		jw_str(w, "aud", claims->aud[0]);
	} else if (claims->aud_count > 1) {
		jw_array(w, "aud");
		for (size_t i = 0; i < claims->aud_count; i++)
			jw_str(w, NULL, claims->aud[i]);
		jw_end_array(w);
	}
	write_time(w, "exp", claims->exp_us);
	write_time(w, "nbf", claims->nbf_us);
	write_time(w, "iat", claims->iat_us);
	write_text(w, "jti", claims->jti);
}

/* Only what has an escape needs to be decoded, and memory for it. */
static bool
needs_decoding(struct str json)
{
	return json.len > 0 && memchr(json.ptr, '\\', json.len) != NULL;
}

static enum status
start_reader(struct json_reader *r, struct arena *arena, struct str json, struct error *err)
{
	char *scratch = NULL;
	if (needs_decoding(json)) {
		scratch = arena_alloc(arena, json.len);
		if (!scratch)
			return error_no_memory(err);
	}
	json_reader_init(r, json, JWT_DEPTH_MAX, JWS_TOKEN_MAX, scratch, scratch ? json.len : 0);
	return OK;
}

static enum status
read_members(struct jwt_claims *out, struct arena *arena, struct str payload, struct error *err)
{
	struct json_reader r;
	struct jwt_member *members =
		arena_new_array(arena, struct jwt_member, JSON_READER_MEMBERS_MAX);
	if (!members)
		return error_no_memory(err);
	enum status rc = start_reader(&r, arena, payload, err);
	if (rc != OK)
		return rc;
	size_t count = 0;
	struct jwt_member m;
	json_reader_enter_object(&r);
	while (json_reader_next_member(&r, &m.name) && json_reader_skip(&r, &m.json)) {
		ASSERT(count < JSON_READER_MEMBERS_MAX);
		members[count++] = m;
	}
	if (!json_reader_end(&r))
		return jose__refuse(err, "jwt-malformed");
	out->members = members;
	out->member_count = count;
	return OK;
}

/* Absent stays absent; ERR_UNAUTHENTICATED for anything but a string. */
static enum status
read_string(struct str *out, struct arena *arena, struct str json, struct error *err)
{
	struct json_reader r;
	*out = (struct str){0};
	if (!json.ptr)
		return OK;
	enum status rc = start_reader(&r, arena, json, err);
	if (rc == OK && !json_reader_string(&r, out))
		rc = jose__refuse(err, "jwt-malformed");
	return rc;
}

/* RFC 7519 section 2, NumericDate. */
static bool
read_time(int64_t *out_us, struct str json)
{
	struct json_reader r;
	double seconds;
	bool whole;
	int64_t whole_seconds;
	if (!json.ptr)
		return true;
	json_reader_init(&r, json, 1, 1, NULL, 0);
	if (!json_reader_number(&r, &seconds, &whole, &whole_seconds) || !(seconds >= 0) ||
		seconds > (double)(CLOCK_MAX_US / US_PER_S))
		return false;
	*out_us = whole ? whole_seconds * US_PER_S : (int64_t)(seconds * (double)US_PER_S);
	return true;
}

static enum status
read_aud(struct jwt_claims *out, struct arena *arena, struct str json, struct error *err)
{
	struct json_reader r;
	enum status rc = start_reader(&r, arena, json, err);
	if (rc != OK || !json.ptr)
		return rc;
	if (json_reader_peek(&r) == '"') {
		json_reader_string(&r, &out->aud[out->aud_count++]);
	} else if (json_reader_enter_array(&r)) {
		while (json_reader_next_element(&r)) {
			if (out->aud_count == JWT_AUD_MAX)
				return jose__refuse(err, "jwt-malformed");
			json_reader_string(&r, &out->aud[out->aud_count++]);
		}
	}
	return r.failed ? jose__refuse(err, "jwt-malformed") : OK;
}

enum status
jwt_claims_parse(struct jwt_claims *out, struct arena *arena, struct str payload, struct error *err)
{
	*out = (struct jwt_claims){0};
	enum status rc = read_members(out, arena, payload, err);
	if (rc == OK)
		rc = read_string(&out->iss, arena, jwt_get(out, STR("iss")), err);
	if (rc == OK)
		rc = read_string(&out->sub, arena, jwt_get(out, STR("sub")), err);
	if (rc == OK)
		rc = read_string(&out->jti, arena, jwt_get(out, STR("jti")), err);
	if (rc == OK)
		rc = read_aud(out, arena, jwt_get(out, STR("aud")), err);
	if (rc == OK &&
		!(read_time(&out->exp_us, jwt_get(out, STR("exp"))) &&
			read_time(&out->nbf_us, jwt_get(out, STR("nbf"))) &&
			read_time(&out->iat_us, jwt_get(out, STR("iat")))))
		rc = jose__refuse(err, "jwt-malformed");
	return rc;
}

struct str
jwt_get(const struct jwt_claims *claims, struct str name)
{
	for (size_t i = 0; i < claims->member_count; i++) {
		if (str_eq(claims->members[i].name, name))
			return claims->members[i].json;
	}
	return (struct str){0};
}

struct str
jwt_get_str(const struct jwt_claims *claims, struct arena *arena, struct str name)
{
	struct error err = {0};
	struct str out;
	enum status rc = read_string(&out, arena, jwt_get(claims, name), &err);
	return rc == OK ? out : (struct str){0};
}

bool
jwt_get_int(const struct jwt_claims *claims, struct str name, int64_t *out)
{
	return str_to_i64(jwt_get(claims, name), out);
}

bool
jwt_has_aud(const struct jwt_claims *claims, struct str aud)
{
	for (size_t i = 0; i < claims->aud_count; i++) {
		if (str_eq(claims->aud[i], aud))
			return true;
	}
	return false;
}

static bool
has_any_aud(const struct jwt_claims *claims, const struct jwt_expect *expect)
{
	for (size_t i = 0; i < expect->aud_count; i++) {
		if (jwt_has_aud(claims, expect->aud[i]))
			return true;
	}
	return false;
}

enum status
jwt_check(const struct jwt_claims *claims, struct str typ, const struct jwt_expect *expect,
	struct error *err)
{
	ASSERT(expect->leeway_s >= 0 && expect->leeway_s <= LEEWAY_MAX_S);
	int64_t leeway_us = expect->leeway_s * US_PER_S;
	if (expect->typ.ptr && !jws_typ_is(typ, expect->typ))
		return jose__refuse(err, "jwt-typ");
	if (!str_eq(claims->iss, expect->iss))
		return jose__refuse(err, "jwt-issuer");
	if (!has_any_aud(claims, expect))
		return jose__refuse(err, "jwt-audience");
	if (claims->exp_us == 0)
		return jose__refuse(err, "jwt-no-expiry");
	if (expect->now_us >= claims->exp_us + leeway_us)
		return jose__refuse(err, "jwt-expired");
	if (claims->nbf_us > expect->now_us + leeway_us)
		return jose__refuse(err, "jwt-not-yet-valid");
	return OK;
}
