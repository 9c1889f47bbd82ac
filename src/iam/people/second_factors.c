#include "iam/people/second_factors.h"

#include "iam/rows.h"

static const struct sql FACTORS_SELECT =
	SQL("SELECT"
	    " (SELECT COUNT(*) FROM totps WHERE person = $1 AND confirmed_us IS NOT NULL),"
	    " (SELECT COUNT(*) FROM passkeys WHERE person = $1),"
	    " (SELECT COUNT(*) FROM recovery_codes WHERE person = $1 AND used_us IS NULL)");
static const struct sql PASSWORD_IS_SHORT =
	SQL("SELECT password_short FROM persons WHERE person = $1 AND password IS NOT NULL");
static const struct sql FACTORS_DELETE[] = {
	SQL("DELETE FROM totps WHERE person = $1"),
	SQL("DELETE FROM passkeys WHERE person = $1"),
	SQL("DELETE FROM recovery_codes WHERE person = $1"),
};
static const struct sql RECOVERY_CODES_DELETE = SQL("DELETE FROM recovery_codes WHERE person = $1");

enum status
second_factors_find(
	struct second_factors *out, struct call *call, struct person_id person, struct error *err)
{
	struct query q;

	*out = (struct second_factors){0};
	enum status rc = query_begin(&q, call->tx, &FACTORS_SELECT, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, person.id);
	rc = query_next(&q, err);
	if (rc == OK && q.row)
		*out = (struct second_factors){.totp = query_int(&q, 0) > 0,
			.passkeys = (uint32_t)query_int(&q, 1),
			.recovery_codes = (uint32_t)query_int(&q, 2)};
	query_end(&q);
	return rc;
}

static void
factors_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct second_factors *factors = entity;

	jw_object(w, name);
	jw_bool(w, "totp", factors->totp);
	jw_int(w, "passkeys", factors->passkeys);
	jw_int(w, "recovery_codes", factors->recovery_codes);
	jw_end_object(w);
}

enum status
second_factors_remove(struct call *call, struct person_id person, struct error *err)
{
	struct second_factors factors;

	enum status rc = second_factors_find(&factors, call, person, err);
	if (rc == OK && (second_factors_any(&factors) || factors.recovery_codes))
		rc = iam__record(call, "second_factors.delete", "person", person.id,
			VERSIONS(call_json(call, factors_write, &factors), NOTHING), err);
	for (size_t i = 0; rc == OK && i < ARRAY_LEN(FACTORS_DELETE); i++) {
		struct query q;
		rc = query_begin(&q, call->tx, &FACTORS_DELETE[i], err);
		if (rc != OK)
			break;
		query_bind_uuid(&q, 1, person.id);
		rc = query_run(&q, NULL, err);
	}
	return rc;
}

static enum status
password_is_short(bool *out, struct call *call, struct person_id person, struct error *err)
{
	struct query q;

	*out = false;
	enum status rc = query_begin(&q, call->tx, &PASSWORD_IS_SHORT, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, person.id);
	rc = query_next(&q, err);
	*out = rc == OK && q.row && query_int(&q, 0) != 0;
	query_end(&q);
	return rc;
}

enum status
second_factors__check_last(struct call *call, struct person_id person, struct error *err)
{
	struct second_factors factors;
	bool is_short = false;

	enum status rc = second_factors_find(&factors, call, person, err);
	bool last = factors.passkeys + factors.totp <= 1;
	if (rc == OK && last)
		rc = password_is_short(&is_short, call, person, err);
	if (rc == OK && is_short)
		rc = error_set(err, ERR_CONFLICT, "password-too-short-alone",
			"Your password is too short to stand alone: choose a longer one first.");
	return rc;
}

enum status
second_factors__clean(struct call *call, struct person_id person, struct error *err)
{
	struct second_factors factors;
	struct query q;

	enum status rc = second_factors_find(&factors, call, person, err);
	if (rc != OK || second_factors_any(&factors))
		return rc;
	rc = query_begin(&q, call->tx, &RECOVERY_CODES_DELETE, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, person.id);
	return query_run(&q, NULL, err);
}

enum status
second_factors__open(
	struct call *own, const struct call *event, struct person_id person, struct error *err)
{
	const struct actor self = {.org = PLATFORM, .id = person.id, .kind = KIND_NONE};

	*own = *event;
	return call_open_as(own, event->tx, PLATFORM, &self, err);
}
