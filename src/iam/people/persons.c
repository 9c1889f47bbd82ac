#include "iam/people/persons.h"

#include "iam/people/second_factors.h"
#include "iam/rows.h"
#include "iam/tokens/endings.h"
#include "model/names.h"

#define PERSON_COLUMNS                                                                             \
	" person, email, email_normal, name, state, password, password_us, verified_us,"           \
	" created_us, generation, changed, password_short "

static const struct sql PERSON_BY_EMAIL =
	SQL("SELECT" PERSON_COLUMNS "FROM persons WHERE email_normal = $1");
static const struct sql PERSON_BY_ID =
	SQL("SELECT" PERSON_COLUMNS "FROM persons WHERE person = $1");
static const struct sql PERSON_LIST =
	SQL("SELECT" PERSON_COLUMNS "FROM persons WHERE person > $1 AND email_normal >= $2"
	    " AND email_normal < $3 ORDER BY person LIMIT $4");
static const struct sql PERSON_INSERT =
	SQL("INSERT INTO persons (person, email, email_normal, name, state, created_us, changed)"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7)");
static const struct sql PERSON_UPDATE =
	SQL("UPDATE persons SET name = $2, state = $3, password = $4, password_us = $5,"
	    " verified_us = $6, generation = $7, changed = $8, password_short = $9"
	    " WHERE person = $1");
static const struct sql PERSON_REHASH =
	SQL("UPDATE persons SET password = $3 WHERE person = $1 AND password = $2");
/* Of every organisation that the person belongs to. */
static const struct sql MEMBERSHIPS =
	SQL("SELECT p.org, o.name, p.principal, p.state, p.expires_us, o.state FROM principals p"
	    " JOIN orgs o ON o.org = p.org WHERE p.person = $1 AND p.kind = 1 AND o.state <> 3"
	    " ORDER BY o.name, p.org LIMIT 200");

static void
person_read(struct person *out, struct query *q, struct call *call)
{
	*out = (struct person){
		.id = {query_uuid(q, 0)},
		.email = iam__text(q, 1, call),
		.email_normal = iam__text(q, 2, call),
		.name = iam__text(q, 3, call),
		.state = (enum state)query_int(q, 4),
		.password = iam__text(q, 5, call),
		.password_us = query_int(q, 6),
		.verified_us = query_int(q, 7),
		.created_us = query_int(q, 8),
		.generation = query_int(q, 9),
		.changed = query_int(q, 10),
		.password_short = query_int(q, 11) != 0,
	};
}

void
person_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct person *person = entity;

	jw_object(w, name);
	jw_uuid(w, "id", person->id.id);
	jw_str(w, "email", person->email);
	jw_str(w, "name", person->name);
	jw_z(w, "state", state_name(person->state));
	jw_bool(w, "has_password", person->password.ptr != NULL);
	jw_time(w, "password_at", person->password_us);
	jw_time(w, "verified_at", person->verified_us);
	jw_time(w, "created_at", person->created_us);
	jw_int(w, "changed", person->changed);
	jw_end_object(w);
}

/* Reads the row of a query that is bound, and ends it. */
static enum status
read_one(struct person *out, bool *found, struct call *call, struct query *q, struct error *err)
{
	enum status rc = query_next(q, err);
	*found = rc == OK && q->row;
	if (*found) {
		person_read(out, q, call);
		rc = query_next(q, err);
	}
	query_end(q);
	return rc;
}

enum status
person_find(struct person *out, bool *found, struct call *call, struct str email_normal,
	struct error *err)
{
	struct query q;

	*found = false;
	enum status rc = query_begin(&q, call->tx, &PERSON_BY_EMAIL, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 1, email_normal);
	return read_one(out, found, call, &q, err);
}

enum status
person_find_by_id(
	struct person *out, bool *found, struct call *call, struct person_id id, struct error *err)
{
	struct query q;

	*found = false;
	enum status rc = query_begin(&q, call->tx, &PERSON_BY_ID, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, id.id);
	return read_one(out, found, call, &q, err);
}

struct str
person_own_name(struct arena *arena, struct org_id org, struct str email_normal)
{
	char text[UUID_TEXT_LEN + 1];

	uuid_format(text, org.id);
	return arena_printf(arena, "org:%s:%.*s", text, STR_ARG(email_normal));
}

enum status
person_list(
	struct person **out, size_t *count, struct call *call, struct page *page, struct error *err)
{
	struct str low = page->search.ptr ? page->search : STR("");
	struct str high = arena_printf(call->arena, "%.*s%s", STR_ARG(low), SEARCH_ALL_HIGH);
	struct query q;

	*count = 0;
	*out = arena_new_array(call->arena, struct person, page->limit);
	if (!*out || !high.ptr)
		return error_no_memory(err);
	enum status rc = query_begin(&q, call->tx, &PERSON_LIST, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, page->after);
	query_bind_str(&q, 2, low);
	query_bind_str(&q, 3, high);
	query_bind_int(&q, 4, (int64_t)page->limit + 1);
	while ((rc = query_next(&q, err)) == OK && q.row) {
		page->more = *count == page->limit;
		if (page->more)
			break;
		page->last = query_uuid(&q, 0);
		person_read(&(*out)[(*count)++], &q, call);
	}
	query_end(&q);
	return rc;
}

bool
person_is_established(const struct person *person)
{
	return person->password.ptr || person->verified_us != 0;
}

static enum status
insert(struct call *call, const struct person *person, struct error *err)
{
	struct query q;

	enum status rc = query_begin(&q, call->tx, &PERSON_INSERT, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, person->id.id);
	query_bind_str(&q, 2, person->email);
	query_bind_str(&q, 3, person->email_normal);
	query_bind_str(&q, 4, person->name);
	query_bind_int(&q, 5, person->state);
	query_bind_int(&q, 6, person->created_us);
	query_bind_int(&q, 7, person->changed);
	return iam__taken(query_run(&q, NULL, err), "person-exists",
		"There is an account with this address already.", err);
}

enum status
person_create(
	struct person *out, struct call *call, const struct person_draft *draft, struct error *err)
{
	ASSERT(org_is_platform(call->chain.org));
	*out = (struct person){.id = {uuid_new()},
		.email = draft->email,
		.email_normal = draft->email_normal,
		.name = draft->name,
		.state = STATE_ACTIVE,
		.created_us = call->now_us,
		.changed = call_next_revision(call)};
	enum status rc = name_check(draft->name, "name", err);
	if (rc == OK)
		rc = insert(call, out, err);
	if (rc == OK)
		rc = iam__record(call, "persons.create", "person", out->id.id,
			VERSIONS(NOTHING, call_json(call, person_write, out)), err);
	if (rc == OK)
		call_touch(call, VIEW_PERSON, out->id.id);
	return rc;
}

static enum status
write(struct call *call, const struct person *person, struct error *err)
{
	struct query q;

	enum status rc = query_begin(&q, call->tx, &PERSON_UPDATE, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, person->id.id);
	query_bind_str(&q, 2, person->name);
	query_bind_int(&q, 3, person->state);
	query_bind_str(&q, 4, person->password);
	query_bind_int_or_null(&q, 5, person->password_us);
	query_bind_int_or_null(&q, 6, person->verified_us);
	query_bind_int(&q, 7, person->generation);
	query_bind_int(&q, 8, person->changed);
	query_bind_int(&q, 9, person->password_short);
	return query_run(&q, NULL, err);
}

/* Says whether what was given out before has to end. */
static bool
apply(struct person *person, const struct call *call, const struct person_update *update)
{
	bool ends = update->state != STATE_NONE && update->state != person->state;

	if (update->name.ptr)
		person->name = update->name;
	if (update->state != STATE_NONE)
		person->state = update->state;
	if (update->verified && !person->verified_us)
		person->verified_us = call->now_us;
	if (update->recovers) {
		if (person->password_short)
			person->password = NOTHING;
		person->password_short = false;
		ends = true;
	}
	if (update->password.ptr) {
		person->password = update->password;
		person->password_short = update->password_short;
		person->password_us = call->now_us;
		ends = true;
	}
	person->generation += ends;
	person->changed = call_next_revision(call);
	return ends;
}

static enum status
check_password(struct call *call, const struct person *person, const struct person_update *update,
	struct error *err)
{
	struct second_factors factors;

	if (!update->password.ptr || !update->password_short)
		return OK;
	enum status rc = second_factors_find(&factors, call, person->id, err);
	if (rc == OK && !second_factors_any(&factors))
		rc = error_set(err, ERR_INVALID, "password-too-short",
			"Without a second factor a password has at least 15 characters.");
	return rc;
}

enum status
person_update(struct person *person, struct call *call, const struct person_update *update,
	struct error *err)
{
	const struct person before = *person;
	const char *action = update->password.ptr ? "persons.set_password"
		: update->recovers                ? "persons.recover"
						  : "persons.update";

	ASSERT(org_is_platform(call->chain.org));
	bool ends = apply(person, call, update);
	enum status rc = name_check(person->name, "name", err);
	if (rc == OK)
		rc = check_password(call, person, update, err);
	if (rc == OK)
		rc = iam__record(call, action, "person", person->id.id,
			VERSIONS(call_json(call, person_write, &before),
				call_json(call, person_write, person)),
			err);
	if (rc == OK)
		rc = write(call, person, err);
	if (rc == OK && ends)
		rc = endings_of_person(call, person->id, update->kept, err);
	if (rc == OK)
		call_touch(call, VIEW_PERSON, person->id.id);
	return rc;
}

enum status
person_rehash(struct call *call, const struct person *person, struct str phc, struct error *err)
{
	struct query q;

	enum status rc = query_begin(&q, call->tx, &PERSON_REHASH, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, person->id.id);
	query_bind_str(&q, 2, person->password);
	query_bind_str(&q, 3, phc);
	return query_run(&q, NULL, err);
}

static void
membership_read(struct membership *out, struct query *q, struct call *call)
{
	bool ended = !query_is_null(q, 4) && query_int(q, 4) <= call->now_us;
	bool closed = query_int(q, 5) != STATE_ACTIVE;

	*out = (struct membership){.org = {query_uuid(q, 0)},
		.name = iam__text(q, 1, call),
		.principal = {query_uuid(q, 2)},
		.state = (enum state)query_int(q, 3)};
	if (out->state == STATE_ACTIVE && (ended || closed))
		out->state = STATE_SUSPENDED;
}

enum status
person_memberships(struct membership **out, size_t *count, struct call *call,
	struct person_id person, struct error *err)
{
	struct query q;

	*count = 0;
	*out = arena_new_array(call->arena, struct membership, MEMBERSHIPS_MAX);
	if (!*out)
		return error_no_memory(err);
	enum status rc = query_begin(&q, call->tx, &MEMBERSHIPS, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, person.id);
	while ((rc = query_next(&q, err)) == OK && q.row && *count < MEMBERSHIPS_MAX)
		membership_read(&(*out)[(*count)++], &q, call);
	query_end(&q);
	return rc;
}
