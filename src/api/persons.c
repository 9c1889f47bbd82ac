/* Accounts of people, which are the installation's. */
#include "api/body.h"
#include "api/list.h"
#include "api/operations.h"
#include "iam/people/recovery.h"

static enum status
load(struct person *out, struct operation_call *op, struct error *err)
{
	bool found;

	enum status rc = person_find_by_id(
		out, &found, &op->call, (struct person_id){path_uuid(op, 0)}, err);
	if (rc == OK && !found)
		rc = error_set(err, ERR_NOT_FOUND, "person-not-found", "There is no such person.");
	return rc;
}

static enum status
show(struct operation_call *op, const struct person *person, enum status rc)
{
	if (rc != OK)
		return rc;
	person_write(&op->out, NULL, person);
	op->etag = person->changed;
	return OK;
}

enum status
api_person_list(struct operation_call *op, struct error *err)
{
	struct person *persons;
	size_t count;

	enum status rc = person_list(&persons, &count, &op->call, &op->page, err);
	if (rc == OK)
		list_write(op, persons, count, sizeof(*persons), person_write);
	return rc;
}

enum status
api_person_get(struct operation_call *op, struct error *err)
{
	struct person person;

	return show(op, &person, load(&person, op, err));
}

enum status
api_person_update(struct operation_call *op, struct error *err)
{
	const struct person_update update = {
		.name = body_str(op, "name"), .state = body_state(op, "state")};
	struct person person;

	enum status rc = load(&person, op, err);
	if (rc == OK)
		rc = call_check_match(op->if_match, person.changed, err);
	if (rc == OK)
		rc = person_update(&person, &op->call, &update, err);
	return show(op, &person, rc);
}

enum status
api_person_recover(struct operation_call *op, struct error *err)
{
	const struct recovery_wish wish = {.person = {path_uuid(op, 0)},
		.base_url = op->base_url,
		.mails = true,
		.if_match = op->if_match};
	struct recovery recovery;

	enum status rc = person_recover(&recovery, &op->call, &wish, err);
	return show(op, &recovery.person, rc);
}
