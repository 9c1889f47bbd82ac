#include "signin/entrance.h"

#include "iam/people/second_factors.h"
#include "iam/people/sign_out.h"

/* Hashing takes its time: a password that was changed meanwhile opens nothing. */
static enum status
check_password_stands(const struct person *verified, struct call *call, struct error *err)
{
	struct person person;
	bool found;

	if (uuid_is_nil(verified->id.id))
		return OK;
	enum status rc = person_find_by_id(&person, &found, call, verified->id, err);
	if (rc != OK || (found && person.generation == verified->generation))
		return rc;
	return error_set(err, ERR_FORBIDDEN, "password-changed",
		"The password was changed meanwhile: sign in again.");
}

/* Whether the person has to prove more: then what was proved goes with the browser. */
static enum status
keep_first(struct str *first, struct call *call, const struct entrance *at,
	const struct proved *proved, struct error *err)
{
	struct second_factors factors;
	struct person person;
	bool found;

	if (uuid_is_nil(proved->person.id) || !uuid_is_nil(proved->provider) || proved->second)
		return OK;
	enum status rc = second_factors_find(&factors, call, proved->person, err);
	if (rc != OK || !second_factors_any(&factors))
		return rc;
	rc = person_find_by_id(&person, &found, call, proved->person, err);
	if (rc != OK)
		return rc;
	if (!found)
		return error_set(err, ERR_FORBIDDEN, "account-not-active",
			"This account is not there any more.");
	const struct first_factor kept = {.person = proved->person,
		.generation = person.generation,
		.methods = proved->methods,
		.auth_us = call->now_us};
	return first_factor_close(first, &kept, &at->seal, err);
}

/* Another than who was signed in here until now: he is signed out, as by himself. */
static enum status
end_other(const struct call *call, const struct session *before, const struct proved *proved,
	struct error *err)
{
	struct call own = {.address = call->address,
		.now_us = call->now_us,
		.arena = call->arena,
		.directory = call->directory,
		.keyring = call->keyring};
	struct error why = {0};

	if (!before ||
		(uuid_eq(before->person.id, proved->person.id) &&
			uuid_eq(before->principal.id, proved->principal.id)))
		return OK;
	enum status rc = sign_out(&own, call->tx, before, &why);
	if (rc == OK || rc == ERR_NOT_FOUND)
		return OK;
	*err = why;
	return rc;
}

static enum status
begin(struct entered *out, struct call *call, const struct entrance *at,
	const struct proved *proved, struct error *err)
{
	const struct session_draft draft = {.workspace = at->workspace,
		.principal = proved->principal,
		.person = proved->person,
		.only_org = proved->only_org,
		.provider = proved->provider,
		.methods = proved->methods,
		.second = proved->second,
		.auth_us = proved->auth_us,
		.agent = at->agent,
		.lives = at->lives};

	enum status rc = end_other(call, at->before, proved, err);
	if (rc == OK)
		rc = session_begin(&out->session, &out->secret, call, &draft, at->before, err);
	out->email_normal = proved->email_normal;
	return rc;
}

enum status
entrance_pass(struct entered *out, struct call *call, const struct entrance *at,
	const struct proved *proved, struct error *err)
{
	*out = (struct entered){0};
	enum status rc = check_password_stands(&proved->rehash, call, err);
	if (rc == OK)
		rc = keep_first(&out->first, call, at, proved, err);
	if (rc == OK && !out->first.ptr)
		rc = begin(out, call, at, proved, err);
	if (rc == OK && proved->phc.ptr)
		rc = person_rehash(call, &proved->rehash, proved->phc, err);
	return rc;
}
