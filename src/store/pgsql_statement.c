#include <stdio.h>
#include <stdlib.h>

#include "store/internal.h"
#include "store/pgsql.h"

#define VALUES_MAX ((size_t)16 * 1024 * 1024)

/* Types of the engine, by the numbers that they have in every server. */
enum { TYPE_BOOL = 16, TYPE_BYTES = 17, TYPE_INT8 = 20, TYPE_INT4 = 23, TYPE_TEXT = 25 };

/* The greatest place that a text names; what is in quotes is none. */
static int
count_places(const char *text)
{
	int most = 0;
	char quote = 0;
	for (const char *p = text; *p; p++) {
		if (quote)
			quote = *p == quote ? 0 : quote;
		else if (*p == '\'' || *p == '"')
			quote = *p;
		else if (*p == '$' && p[1] >= '1' && p[1] <= '9') {
			int place = (int)strtol(p + 1, NULL, 10);
			most = place > most ? place : most;
		}
	}
	return most;
}

static enum status
unsuitable(struct error *err, const char *what, int at)
{
	error_set(err, ERR_INTERNAL, "internal", "Something went wrong.");
	return error_detail(err,
		"%s %d has a type that the other engine does not know: write a "
		"CAST",
		what, at);
}

/* Narrow numbers in a place would refuse what the other engine takes; columns of other types
 * could not be read. */
static enum status
check_types(const PGresult *described, struct error *err)
{
	for (int i = 0; i < PQnparams(described); i++) {
		Oid type = PQparamtype(described, i);
		if (type != TYPE_BYTES && type != TYPE_INT8 && type != TYPE_TEXT)
			return unsuitable(err, "place", i + 1);
	}
	for (int i = 0; i < PQnfields(described); i++) {
		Oid type = PQftype(described, i);
		if (type != TYPE_BYTES && type != TYPE_INT8 && type != TYPE_TEXT &&
			type != TYPE_INT4 && type != TYPE_BOOL)
			return unsuitable(err, "column", i);
	}
	return OK;
}

/* Asks the server what it makes of a statement that nobody is going to run. */
static enum status
try_now(struct pgsql_statement *s, struct error *err)
{
	struct pgsql_connection *c = s->connection;
	PGresult *described = NULL;
	if (!c->pg || PQsendPrepare(c->pg, "", s->text, 0, NULL) != 1)
		return pgsql__lost(c, err);
	c->unread++;
	if (PQsendDescribePrepared(c->pg, "") != 1)
		return pgsql__lost(c, err);
	c->unread++;
	enum status rc = pgsql__settle(c, &described, err);
	if (rc == OK)
		rc = check_types(described, err);
	PQclear(described);
	return rc;
}

enum status
pgsql__prepare(
	void **statement, void *connection, const char *text, bool persistent, struct error *err)
{
	struct pgsql_connection *c = connection;
	struct pgsql_statement *s = calloc(1, sizeof(*s));
	enum status rc = OK;
	*statement = NULL;
	if (!s)
		return error_no_memory(err);
	s->connection = c;
	s->places = count_places(text);
	s->text = strdup(text);
	buf_init(&s->values, VALUES_MAX);
	if (s->places > PGSQL_PLACES_MAX)
		rc = unsuitable(err, "the number of places,", s->places);
	else if (!s->text)
		rc = error_no_memory(err);
	else if (!persistent)
		rc = try_now(s, err);
	else
		snprintf(s->name, sizeof(s->name), "s%llu", (unsigned long long)c->statements++);
	*statement = s;
	if (rc != OK)
		pgsql__finalize(statement);
	return rc;
}

/* The server forgets it with the session: only these are ever kept. */
void
pgsql__finalize(void **statement)
{
	struct pgsql_statement *s = *statement;
	if (!s)
		return;
	*statement = NULL;
	PQclear(s->result);
	buf_clear(&s->values);
	free(s->text);
	free(s);
}

void
pgsql__reset(void *statement)
{
	struct pgsql_statement *s = statement;
	PQclear(s->result);
	s->result = NULL;
	s->ran = false;
	s->row = s->rows = 0;
	memset(s->value, 0, (size_t)s->places * sizeof(s->value[0]));
	if (s->values.cap > 64 * 1024)
		buf_clear(&s->values);
	buf_reset(&s->values);
}

/* Values end with a NUL, which those in text form need. */
static bool
bind(struct pgsql_statement *s, int at, struct str value, bool binary)
{
	if (at < 1 || at > s->places)
		return false;
	s->value[at - 1] = (struct pgsql_value){s->values.len, value.len, true, binary};
	buf_append(&s->values, value.ptr, value.len);
	buf_char(&s->values, '\0');
	return !s->values.failed;
}

bool
pgsql__bind_int(void *statement, int at, int64_t value)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%lld", (long long)value);
	return bind(statement, at, (struct str){digits, (size_t)len}, false);
}

bool
pgsql__bind_text(void *statement, int at, struct str value)
{
	return bind(statement, at, value, true);
}

bool
pgsql__bind_bytes(void *statement, int at, const void *bytes, size_t len)
{
	return bind(statement, at, (struct str){len ? bytes : "", len}, true);
}

bool
pgsql__bind_null(void *statement, int at)
{
	struct pgsql_statement *s = statement;
	if (at < 1 || at > s->places)
		return false;
	s->value[at - 1] = (struct pgsql_value){0};
	return true;
}

static bool
send(struct pgsql_statement *s)
{
	struct pgsql_connection *c = s->connection;
	const char *values[PGSQL_PLACES_MAX];
	int lengths[PGSQL_PLACES_MAX], formats[PGSQL_PLACES_MAX];
	for (int i = 0; i < s->places; i++) {
		const struct pgsql_value *v = &s->value[i];
		values[i] = v->present ? s->values.ptr + v->at : NULL;
		lengths[i] = (int)v->len;
		formats[i] = v->binary;
	}
	return PQsendQueryPrepared(c->pg, s->name, s->places, values, lengths, formats, 1) == 1;
}

static enum status
run(struct pgsql_statement *s, struct error *err)
{
	struct pgsql_connection *c = s->connection;
	bool fresh = s->generation != c->generation;
	if (!c->pg || !c->in_tx)
		return pgsql__error(c, NULL, err);
	if (fresh) {
		snprintf(s->name, sizeof(s->name), "s%llu", (unsigned long long)c->statements++);
		if (PQsendPrepare(c->pg, s->name, s->text, 0, NULL) != 1)
			return pgsql__lost(c, err);
		c->unread++;
	}
	if (!send(s))
		return pgsql__lost(c, err);
	c->unread++;
	enum status rc = pgsql__settle(c, &s->result, err);
	if (fresh && (rc == OK || c->unread_failed == 1))
		s->generation = c->generation;
	if (rc != OK)
		return rc;
	s->ran = true;
	s->rows = PQntuples(s->result);
	s->changed = strtoll(PQcmdTuples(s->result), NULL, 10);
	return OK;
}

enum status
pgsql__step(void *statement, bool *row, struct error *err)
{
	struct pgsql_statement *s = statement;
	*row = false;
	if (s->ran) {
		s->row++;
	} else {
		enum status rc = run(s, err);
		if (rc != OK)
			return rc;
	}
	*row = s->row < s->rows;
	return OK;
}

int64_t
pgsql__changed(void *statement)
{
	const struct pgsql_statement *s = statement;
	return s->changed;
}

bool
pgsql__column_is_null(void *statement, int column)
{
	const struct pgsql_statement *s = statement;
	return PQgetisnull(s->result, s->row, column) != 0;
}

/* Numbers come in network order. */
int64_t
pgsql__column_int(void *statement, int column)
{
	struct str bytes = pgsql__column_bytes(statement, column);
	const struct pgsql_statement *s = statement;
	int64_t value = 0;
	if (!bytes.ptr)
		return 0;
	if (PQftype(s->result, column) == TYPE_TEXT)
		return str_to_i64(bytes, &value) ? value : 0;
	uint64_t bits = bytes.len && (signed char)bytes.ptr[0] < 0 ? UINT64_MAX : 0;
	for (size_t i = 0; i < bytes.len && i < sizeof(bits); i++)
		bits = bits << 8 | (unsigned char)bytes.ptr[i];
	return (int64_t)bits;
}

struct str
pgsql__column_bytes(void *statement, int column)
{
	const struct pgsql_statement *s = statement;
	if (PQgetisnull(s->result, s->row, column))
		return (struct str){0};
	return (struct str){PQgetvalue(s->result, s->row, column),
		(size_t)PQgetlength(s->result, s->row, column)};
}
