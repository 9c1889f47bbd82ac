/*
 * Rules about the rows of a store that only code can judge: what is unique by a form of something,
 * as an account is by its address in small letters, is stored under that form.
 */
#include "iam/persons.h"
#include "iam/verify_rules.h"
#include "model/names.h"

#define ROWS_PER_PAGE 200
#define ARENA_MAX ((size_t)64 * 1024)

/* Whether the last column is the form of the one before it. */
typedef bool form_test(const struct query *q, struct arena *arena);

static bool
is_normal(struct str form, struct str email, struct arena *arena)
{
	struct str normal;
	struct error ignored = {0};

	return email_check(email, "email", arena, &normal, &ignored) == OK && str_eq(form, normal);
}

static bool
is_of_email(const struct query *q, struct arena *arena)
{
	return is_normal(query_str(q, 3), query_str(q, 2), arena);
}

/* An account that a provider alone vouches for is its organisation's: person_own_name. */
static bool
is_of_person(const struct query *q, struct arena *arena)
{
	struct str form = query_str(q, 3), rest = form;
	struct org_id org;

	(void)str_cut(&rest, ':');
	struct str stated = str_cut(&rest, ':');
	if (!rest.ptr || !uuid_parse(stated, &org.id))
		return is_of_email(q, arena);
	return str_eq(form, person_own_name(arena, org, rest)) &&
		is_normal(rest, query_str(q, 2), arena);
}

static bool
is_of_member(const struct query *q, struct arena *arena)
{
	char text[UUID_TEXT_LEN + 1];

	(void)arena;
	uuid_format(text, query_uuid(q, 2));
	return str_eq(query_str(q, 3), str_from(text));
}

/* Each lists the rows of every organisation after the one that its first columns name. */
static const struct form {
	const char *rule;
	form_test *holds;
	struct sql page;
} FORMS[] = {
	{"an account is unique by its address in small letters", is_of_person,
		/* Of every organisation, as all that follow. */
		SQL("SELECT person, person, email, email_normal FROM persons"
		    " WHERE (person, person) > ($1, $2) ORDER BY person LIMIT $3")},
	{"a member is unique by its person", is_of_member,
		/* Of every organisation. */
		SQL("SELECT org, principal, person, label FROM principals"
		    " WHERE kind = 1 AND (org, principal) > ($1, $2)"
		    " ORDER BY org, principal LIMIT $3")},
	{"an end-user is unique by its address in small letters", is_of_email,
		/* Of every organisation. */
		SQL("SELECT org, principal, email, label FROM principals"
		    " WHERE kind = 2 AND (org, principal) > ($1, $2)"
		    " ORDER BY org, principal LIMIT $3")},
	{"a link is found by its address in small letters", is_of_email,
		/* Of every organisation. */
		SQL("SELECT org, link, email, email_normal FROM links"
		    " WHERE (org, link) > ($1, $2) ORDER BY org, link LIMIT $3")},
	{"a mail is counted by its address in small letters", is_of_email,
		/* Of every organisation. */
		SQL("SELECT org, mail, recipient, recipient_normal FROM mails"
		    " WHERE (org, mail) > ($1, $2) ORDER BY org, mail LIMIT $3")},
};

/* On its way along all rows. */
struct pass {
	struct tx *tx;
	struct arena *arena;
	struct uuid org, id; /* of the last row */
	bool begun;
};

static void
bind_place(struct query *q, const struct pass *pass)
{
	if (pass->begun) {
		query_bind_uuid(q, 1, pass->org);
		query_bind_uuid(q, 2, pass->id);
	} else {
		query_bind_bytes(q, 1, "", 0);
		query_bind_bytes(q, 2, "", 0);
	}
	query_bind_int(q, 3, ROWS_PER_PAGE);
}

static enum status
look_at_page(struct pass *pass, int *count, int64_t *violations, const struct form *form,
	struct error *err)
{
	struct query q;

	*count = 0;
	enum status rc = query_begin(&q, pass->tx, &form->page, err);
	if (rc != OK)
		return rc;
	bind_place(&q, pass);
	while ((rc = query_next(&q, err)) == OK && q.row) {
		pass->begun = true;
		pass->org = query_uuid(&q, 0);
		pass->id = query_uuid(&q, 1);
		arena_reset(pass->arena);
		*violations += !form->holds(&q, pass->arena);
		++*count;
	}
	query_end(&q);
	return rc;
}

static enum status
look_at_all(int64_t *violations, struct tx *tx, struct arena *arena, const struct form *form,
	struct error *err)
{
	struct pass pass = {.tx = tx, .arena = arena};
	int count = ROWS_PER_PAGE;
	enum status rc = OK;

	while (rc == OK && count == ROWS_PER_PAGE)
		rc = look_at_page(&pass, &count, violations, form, err);
	return rc;
}

enum status
verify__forms(
	bool *sound, struct tx *tx, const struct store_verify_listener *listener, struct error *err)
{
	struct arena *arena = arena_new(ARENA_MAX);
	enum status rc = arena ? OK : error_no_memory(err);

	for (size_t i = 0; rc == OK && i < ARRAY_LEN(FORMS); i++) {
		struct invariant_report report = {.rule = FORMS[i].rule};
		rc = look_at_all(&report.violations, tx, arena, &FORMS[i], err);
		if (rc != OK)
			break;
		*sound = *sound && report.violations == 0;
		listener->invariant(listener->context, &report);
	}
	arena_free(&arena);
	return rc;
}
