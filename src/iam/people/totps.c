#include "iam/people/totps.h"

#include <string.h>

#include "iam/people/second_factors.h"
#include "iam/rows.h"
#include "iam/upkeep/seals.h"

#define SEALED_LEN (TOTP_SECRET_LEN + KEYRING_SEAL_OVERHEAD)

static const struct sql TOTP_SELECT =
	SQL("SELECT secret, created_us, confirmed_us, last_step FROM totps WHERE person = $1");
static const struct sql TOTP_PUT =
	SQL("INSERT INTO totps (person, secret, last_step, created_us) VALUES ($1, $2, $3, $4)"
	    " ON CONFLICT (person) DO UPDATE SET secret = $2, confirmed_us = NULL, last_step = $3,"
	    " created_us = $4");
static const struct sql TOTP_CONFIRM =
	SQL("UPDATE totps SET last_step = $2, confirmed_us = $3"
	    " WHERE person = $1 AND last_step < $2 AND confirmed_us IS NULL");
static const struct sql TOTP_USE =
	SQL("UPDATE totps SET last_step = $2"
	    " WHERE person = $1 AND last_step < $2 AND confirmed_us IS NOT NULL");
static const struct sql TOTP_DELETE = SQL("DELETE FROM totps WHERE person = $1");

static struct str
name_row(struct seal_name *name, struct person_id person)
{
	return SEAL_NAME(name, "totps", SEAL_KEY(person.id));
}

static enum status
open_secret(struct totp *out, struct call *call, struct str sealed, struct error *err)
{
	struct seal_name name;
	struct buf plain;

	buf_init_fixed(&plain, (char *)out->secret.bytes, sizeof(out->secret.bytes));
	enum status rc =
		keyring_open(call->keyring, &plain, sealed, name_row(&name, out->person), err);
	if (rc == OK && plain.len != TOTP_SECRET_LEN)
		rc = error_set(err, ERR_CORRUPT, "totp-broken",
			"The secret of an authenticator app cannot be read.");
	return rc;
}

enum status
totp_find(struct totp *out, bool *found, struct call *call, struct person_id person,
	struct error *err)
{
	struct query q;

	*found = false;
	*out = (struct totp){.person = person};
	enum status rc = query_begin(&q, call->tx, &TOTP_SELECT, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, person.id);
	rc = query_next(&q, err);
	*found = rc == OK && q.row;
	if (*found) {
		out->created_us = query_int(&q, 1);
		out->confirmed_us = query_int(&q, 2);
		out->last_step = query_int(&q, 3);
		rc = open_secret(out, call, query_bytes(&q, 0), err);
	}
	query_end(&q);
	return rc;
}

static enum status
put(struct call *call, const struct totp *totp, struct error *err)
{
	char space[SEALED_LEN];
	struct seal_name name;
	struct buf sealed;
	struct query q;

	buf_init_fixed(&sealed, space, sizeof(space));
	enum status rc = keyring_seal(call->keyring, &sealed,
		(struct str){(const char *)totp->secret.bytes, TOTP_SECRET_LEN},
		name_row(&name, totp->person), err);
	if (rc == OK)
		rc = query_begin(&q, call->tx, &TOTP_PUT, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, totp->person.id);
	query_bind_bytes(&q, 2, sealed.ptr, sealed.len);
	query_bind_int(&q, 3, totp->last_step);
	query_bind_int(&q, 4, totp->created_us);
	return query_run(&q, NULL, err);
}

static enum status
is_on(struct error *err)
{
	return error_set(err, ERR_CONFLICT, "totp-is-on",
		"An authenticator app is set up already: turn it off first.");
}

enum status
totp_begin(struct totp *out, struct call *call, struct person_id person, struct error *err)
{
	bool found;

	ASSERT(org_is_platform(call->chain.org));
	enum status rc = totp_find(out, &found, call, person, err);
	if (rc != OK)
		return rc;
	if (out->confirmed_us)
		return is_on(err);
	if (found && call->now_us - out->created_us < TOTP_SET_UP_LIFE_US)
		return OK;
	*out = (struct totp){.person = person, .created_us = call->now_us};
	totp_secret_new(&out->secret);
	return put(call, out, err);
}

static void
totp_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct totp *totp = entity;

	jw_object(w, name);
	jw_uuid(w, "person", totp->person.id);
	jw_time(w, "created_at", totp->created_us);
	jw_time(w, "confirmed_at", totp->confirmed_us);
	jw_end_object(w);
}

/* Moves the last step on, and says whether nobody else did so before. */
static enum status
advance(bool *moved, struct call *call, const struct sql *sql, const struct totp *totp,
	struct error *err)
{
	int64_t changed;
	struct query q;

	*moved = false;
	enum status rc = query_begin(&q, call->tx, sql, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, totp->person.id);
	query_bind_int(&q, 2, totp->last_step);
	if (sql == &TOTP_CONFIRM)
		query_bind_int(&q, 3, totp->confirmed_us);
	rc = query_run(&q, &changed, err);
	*moved = rc == OK && changed == 1;
	return rc;
}

/* Whether it is a code that can be used now; the step is then its last one. */
static enum status
match(bool *matched, struct totp *totp, const struct call *call, struct str code, struct error *err)
{
	struct totp_clock clock = {call->now_us, totp->last_step};
	int64_t step;

	enum status rc = totp_match(&step, &totp->secret, code, clock, err);
	*matched = rc == OK && step != TOTP_NO_STEP;
	if (*matched)
		totp->last_step = step;
	return rc;
}

enum status
totp_confirm(bool *accepted, struct call *call, struct person_id person, struct str code,
	struct error *err)
{
	struct totp totp;
	bool found;

	ASSERT(org_is_platform(call->chain.org));
	*accepted = false;
	enum status rc = totp_find(&totp, &found, call, person, err);
	if (rc == OK && totp.confirmed_us)
		rc = is_on(err);
	if (rc == OK && (!found || call->now_us - totp.created_us >= TOTP_SET_UP_LIFE_US))
		rc = error_set(err, ERR_CONFLICT, "totp-not-begun",
			"This has waited for too long: begin the set-up again.");
	if (rc == OK)
		rc = match(accepted, &totp, call, code, err);
	if (rc == OK && *accepted) {
		totp.confirmed_us = call->now_us;
		rc = advance(accepted, call, &TOTP_CONFIRM, &totp, err);
	}
	if (rc == OK && *accepted)
		rc = iam__record(call, "totps.create", "person", person.id,
			VERSIONS(NOTHING, call_json(call, totp_write, &totp)), err);
	crypto_wipe(&totp.secret, sizeof(totp.secret));
	return rc;
}

enum status
totp_use(bool *accepted, struct call *call, struct person_id person, struct str code,
	struct error *err)
{
	struct totp totp;
	bool found;

	*accepted = false;
	enum status rc = totp_find(&totp, &found, call, person, err);
	if (rc == OK && totp.confirmed_us)
		rc = match(accepted, &totp, call, code, err);
	if (rc == OK && *accepted)
		rc = advance(accepted, call, &TOTP_USE, &totp, err);
	crypto_wipe(&totp.secret, sizeof(totp.secret));
	return rc;
}

enum status
totp_remove(struct call *call, struct person_id person, struct error *err)
{
	struct totp totp;
	struct query q;
	bool found;

	ASSERT(org_is_platform(call->chain.org));
	enum status rc = totp_find(&totp, &found, call, person, err);
	crypto_wipe(&totp.secret, sizeof(totp.secret));
	if (rc == OK && !totp.confirmed_us)
		rc = error_set(err, ERR_NOT_FOUND, "totp-is-off", "No authenticator app is on.");
	if (rc == OK)
		rc = second_factors__check_last(call, person, err);
	if (rc == OK)
		rc = iam__record(call, "totps.delete", "person", person.id,
			VERSIONS(call_json(call, totp_write, &totp), NOTHING), err);
	if (rc == OK)
		rc = query_begin(&q, call->tx, &TOTP_DELETE, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, person.id);
	rc = query_run(&q, NULL, err);
	return rc == OK ? second_factors__clean(call, person, err) : rc;
}
