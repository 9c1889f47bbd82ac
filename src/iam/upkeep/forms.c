#include "iam/upkeep/forms.h"

#include "base/log.h"
#include "iam/people/persons.h"
#include "iam/upkeep/verify_rules.h"
#include "model/names.h"

#define ROWS_PER_PAGE 200
#define ARENA_MAX ((size_t)1024 * 1024)

/* What a row should hold. */
struct row {
	struct uuid org, id;
	struct str source; /* what the form is of */
	struct str form; /* absent: it has none, as no address is well-formed */
};

/* The last column is the form of the one before it. */
typedef enum status form_maker(
	struct row *row, const struct query *q, struct arena *arena, struct error *err);

static enum status
form_of_email(struct row *row, const struct query *q, struct arena *arena, struct error *err)
{
	struct str nfc;

	enum status rc = text_nfc(&nfc, query_str(q, 2), "email", arena, err);
	if (rc == OK)
		rc = email_check(nfc, "email", arena, &row->form, err);
	row->source = arena_copy(arena, rc == OK ? nfc : query_str(q, 2));
	return rc == OK && !row->source.ptr ? error_no_memory(err) : rc;
}

/* An account that a provider alone vouches for is its organisation's: person_own_name. */
static enum status
form_of_person(struct row *row, const struct query *q, struct arena *arena, struct error *err)
{
	struct str rest = query_str(q, 3);
	struct org_id org;

	(void)str_cut(&rest, ':');
	struct str stated = str_cut(&rest, ':');
	bool own = rest.ptr && uuid_parse(stated, &org.id);
	enum status rc = form_of_email(row, q, arena, err);
	if (rc != OK || !own)
		return rc;
	row->form = person_own_name(arena, org, row->form);
	return row->form.ptr ? OK : error_no_memory(err);
}

static enum status
form_of_member(struct row *row, const struct query *q, struct arena *arena, struct error *err)
{
	char text[UUID_TEXT_LEN + 1];

	uuid_format(text, query_uuid(q, 2));
	if (query_is_null(q, 2))
		return error_set(err, ERR_INVALID, "no-person", "A member has no person.");
	row->source = arena_copy(arena, query_bytes(q, 2));
	row->form = arena_copy(arena, str_from(text));
	return row->source.ptr && row->form.ptr ? OK : error_no_memory(err);
}

static enum status
form_of_machine(struct row *row, const struct query *q, struct arena *arena, struct error *err)
{
	row->source = row->form = arena_copy(arena, query_str(q, 2));
	return row->form.ptr ? OK : error_no_memory(err);
}

/* No other of its kind in its workspace. */
#define NOBODY_HAS_LABEL                                                                           \
	" AND NOT EXISTS (SELECT 1 FROM principals p WHERE p.org = $1"                             \
	" AND p.kind = principals.kind AND p.workspace = principals.workspace"                     \
	" AND p.label = $4 AND p.principal <> $2)"

/* Each lists the rows of every organisation after the one that its first columns name, and writes
 * one unless another has its form. */
static const struct form {
	const char *rule, *remedy;
	form_maker *make;
	struct sql page;
	struct sql write; /* no text: it never was otherwise */
} FORMS[] = {
	{"an account is unique by its address in small letters",
		"another account has this address: suspend this one, and invite its person to the "
		"other",
		form_of_person,
		/* Of every organisation, as all that follow. */
		SQL("SELECT person, person, email, email_normal FROM persons"
		    " WHERE (person, person) > ($1, $2) ORDER BY person LIMIT $3"),
		SQL("UPDATE persons SET email = $3, email_normal = $4"
		    " WHERE (person, person) = ($1, $2) AND NOT EXISTS (SELECT 1 FROM persons p"
		    " WHERE p.email_normal = $4 AND p.person <> $2)")},
	{"a member is unique by its person", "restore a backup that is sound", form_of_member,
		/* Of every organisation. */
		SQL("SELECT org, principal, person, label FROM principals"
		    " WHERE kind = 1 AND (org, principal) > ($1, $2)"
		    " ORDER BY org, principal LIMIT $3"),
		SQL(NULL)},
	{"an end-user is unique by its address in small letters",
		"another end-user has this address: delete the one that is not used", form_of_email,
		/* Of every organisation. */
		SQL("SELECT org, principal, email, label FROM principals"
		    " WHERE kind = 2 AND (org, principal) > ($1, $2)"
		    " ORDER BY org, principal LIMIT $3"),
		SQL("UPDATE principals SET email = $3, label = $4"
		    " WHERE org = $1 AND principal = $2" NOBODY_HAS_LABEL)},
	{"a machine is unique by its name", "another has this name: rename this one",
		form_of_machine,
		/* Of every organisation. */
		SQL("SELECT org, principal, name, label FROM principals"
		    " WHERE kind IN (3, 4, 5) AND (org, principal) > ($1, $2)"
		    " ORDER BY org, principal LIMIT $3"),
		SQL("UPDATE principals SET name = $3, label = $4"
		    " WHERE org = $1 AND principal = $2" NOBODY_HAS_LABEL)},
	{"a link is found by its address in small letters", "wait until it is over", form_of_email,
		/* Of every organisation. */
		SQL("SELECT org, link, email, email_normal FROM links"
		    " WHERE (org, link) > ($1, $2) ORDER BY org, link LIMIT $3"),
		SQL("UPDATE links SET email = $3, email_normal = $4 WHERE org = $1 AND link = $2")},
	{"a mail is counted by its address in small letters", "wait until it is purged",
		form_of_email,
		/* Of every organisation. */
		SQL("SELECT org, mail, recipient, recipient_normal FROM mails"
		    " WHERE (org, mail) > ($1, $2) ORDER BY org, mail LIMIT $3"),
		SQL("UPDATE mails SET recipient = $3, recipient_normal = $4"
		    " WHERE org = $1 AND mail = $2")},
};

/* On its way along all rows. */
struct pass {
	struct tx *tx;
	struct arena *arena; /* of the page at hand */
	const struct form *form;
	struct uuid org, id; /* of the last row */
	bool begun;
	size_t rows, count; /* of the page; of these, otherwise than they should be */
	struct row otherwise[ROWS_PER_PAGE];
};

/* What is done with each row that is otherwise. */
typedef enum status row_visit(
	void *context, struct pass *pass, const struct row *row, struct error *err);

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
look_at_row(struct pass *pass, const struct query *q, struct error *err)
{
	struct row row = {.org = query_uuid(q, 0), .id = query_uuid(q, 1)};
	struct error why = {0};

	pass->begun = true;
	pass->org = row.org;
	pass->id = row.id;
	pass->rows++;
	enum status rc = pass->form->make(&row, q, pass->arena, &why);
	if (rc != OK && rc != ERR_INVALID) {
		*err = why;
		return rc;
	}
	if (rc == ERR_INVALID)
		row.form = (struct str){0};
	if (rc != OK || !str_eq(row.source, query_bytes(q, 2)) ||
		!str_eq(row.form, query_str(q, 3)))
		pass->otherwise[pass->count++] = row;
	return OK;
}

static enum status
look_at_page(struct pass *pass, struct error *err)
{
	struct query q;

	pass->rows = pass->count = 0;
	arena_reset(pass->arena);
	enum status rc = query_begin(&q, pass->tx, &pass->form->page, err);
	if (rc != OK)
		return rc;
	bind_place(&q, pass);
	while ((rc = query_next(&q, err)) == OK && q.row) {
		rc = look_at_row(pass, &q, err);
		if (rc != OK)
			break;
	}
	query_end(&q);
	return rc;
}

static enum status
visit_all(struct pass *pass, const struct form *form, row_visit *visit, void *context,
	struct error *err)
{
	pass->form = form;
	pass->begun = false;
	enum status rc = OK;
	do {
		rc = look_at_page(pass, err);
		for (size_t i = 0; rc == OK && i < pass->count; i++)
			rc = visit(context, pass, &pass->otherwise[i], err);
	} while (rc == OK && pass->rows == ROWS_PER_PAGE);
	return rc;
}

static enum status
count_row(void *context, struct pass *pass, const struct row *row, struct error *err)
{
	struct invariant_report *report = context;

	(void)pass, (void)err;
	if (report->violations++ == 0) {
		report->org = row->org;
		report->first = row->id;
	}
	return OK;
}

static enum status
verify_all(bool *sound, struct pass *pass, const struct store_verify_listener *listener,
	struct error *err)
{
	enum status rc = OK;

	for (size_t i = 0; rc == OK && i < ARRAY_LEN(FORMS); i++) {
		struct invariant_report report = {.rule = FORMS[i].rule, .remedy = FORMS[i].remedy};
		rc = visit_all(pass, &FORMS[i], count_row, &report, err);
		if (rc != OK)
			break;
		*sound = *sound && report.violations == 0;
		listener->invariant(listener->context, &report);
	}
	return rc;
}

enum status
verify__forms(
	bool *sound, struct tx *tx, const struct store_verify_listener *listener, struct error *err)
{
	struct pass pass = {.tx = tx, .arena = arena_new(ARENA_MAX)};

	enum status rc =
		pass.arena ? verify_all(sound, &pass, listener, err) : error_no_memory(err);
	arena_free(&pass.arena);
	return rc;
}

struct converted {
	int64_t written, left;
};

static enum status
write_row(void *context, struct pass *pass, const struct row *row, struct error *err)
{
	struct converted *converted = context;
	struct query q;
	int64_t changed = 0;

	if (!row->form.ptr || !pass->form->write.text) {
		converted->left++;
		return OK;
	}
	enum status rc = query_begin(&q, pass->tx, &pass->form->write, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, row->org);
	query_bind_uuid(&q, 2, row->id);
	query_bind_str(&q, 3, row->source);
	query_bind_str(&q, 4, row->form);
	rc = query_run(&q, &changed, err);
	converted->written += changed;
	converted->left += changed == 0;
	return rc;
}

static enum status
name_row(void *context, struct pass *pass, const struct row *row, struct error *err)
{
	(void)context, (void)err;
	log_event(LOG_WARN, "form-left", LOG_Z("rule", pass->form->rule), LOG_U("org", row->org),
		LOG_U("id", row->id), LOG_Z("remedy", pass->form->remedy));
	return OK;
}

/* A row that had the form of another may have been given its own meanwhile. */
static enum status
convert(struct pass *pass, const struct form *form, struct error *err)
{
	struct converted converted;
	enum status rc = OK;

	do {
		converted = (struct converted){0};
		rc = visit_all(pass, form, write_row, &converted, err);
	} while (rc == OK && converted.written > 0 && converted.left > 0);
	return rc == OK && converted.left > 0 ? visit_all(pass, form, name_row, NULL, err) : rc;
}

enum status
forms_convert(struct tx *tx, struct error *err)
{
	struct pass pass = {.tx = tx, .arena = arena_new(ARENA_MAX)};
	enum status rc = pass.arena ? OK : error_no_memory(err);

	for (size_t i = 0; rc == OK && i < ARRAY_LEN(FORMS); i++)
		rc = convert(&pass, &FORMS[i], err);
	arena_free(&pass.arena);
	return rc;
}
