#include "iam/token.h"

#include "directory/rows.h"
#include "policy/lookup.h"

static const struct sql CLIENT_STATE = SQL(
	"SELECT state, expires_us, generation FROM principals WHERE org = $1 AND principal = $2");
static const struct sql REFUSED =
	SQL("SELECT COUNT(*) FROM refusals WHERE org = $1 AND (refused = $2 OR refused = $3)"
	    " AND until_us > $4");

static enum status
client_holds(
	bool *holds, struct tx *tx, const struct token *token, int64_t now_us, struct error *err)
{
	struct query q;
	enum status rc = query_begin(&q, tx, &CLIENT_STATE, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, token->client_org.id);
	query_bind_uuid(&q, 2, token->client.id);
	rc = query_next(&q, err);
	*holds = rc == OK && q.row && query_int(&q, 0) == STATE_ACTIVE &&
		(query_is_null(&q, 1) || now_us < query_int(&q, 1)) &&
		token->client_generation >= query_int(&q, 2);
	query_end(&q);
	return rc;
}

static enum status
is_refused(
	bool *refused, struct tx *tx, const struct token *token, int64_t now_us, struct error *err)
{
	struct query q;
	enum status rc = query_begin(&q, tx, &REFUSED, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, token->org.id);
	query_bind_uuid(&q, 2, token->id);
	query_bind_uuid(&q, 3, token->family);
	query_bind_int(&q, 4, now_us);
	rc = query_next(&q, err);
	*refused = rc == OK && q.row && query_int(&q, 0) > 0;
	query_end(&q);
	return rc;
}

/* In memory that is gone with the answer: what is read is a few numbers. */
#define SCRATCH_BYTES ((size_t)4096)

static enum status
place_holds(bool *holds, struct tx *tx, const struct token *token, struct error *err)
{
	const struct workspace_view *workspace = NULL;
	const struct person_view *person = NULL;
	struct arena *scratch = arena_new(SCRATCH_BYTES);
	enum status rc = scratch ? OK : error_no_memory(err);
	*holds = true;
	if (rc == OK && !uuid_is_nil(token->workspace.id)) {
		rc = rows_load_workspace(
			&workspace, tx, token->org, token->workspace, scratch, err);
		*holds = rc == OK && workspace && workspace->state == STATE_ACTIVE;
	}
	if (rc == OK && *holds && !uuid_is_nil(token->person.id)) {
		rc = rows_load_person(&person, tx, token->person, scratch, err);
		*holds = rc == OK && person && person->state == STATE_ACTIVE &&
			token->person_generation >= person->generation;
	}
	arena_free(&scratch);
	return rc;
}

enum status
token_prove(bool *holds, struct tx *tx, const struct token *token, int64_t generation,
	int64_t now_us, struct error *err)
{
	bool refused = false;
	*holds = now_us < token->expires_us && token->generation >= generation;
	enum status rc = OK;
	if (*holds)
		rc = client_holds(holds, tx, token, now_us, err);
	if (rc == OK && *holds) {
		rc = is_refused(&refused, tx, token, now_us, err);
		*holds = !refused;
	}
	if (rc == OK && *holds)
		rc = place_holds(holds, tx, token, err);
	if (rc != OK)
		*holds = false;
	return rc;
}

/* A token of the installation names what it lets through in every workspace alike. */
static void
add_everywhere(struct permset *set, const struct org_view *org, struct str name)
{
	for (uint32_t n = PERMISSION_OWN_FIRST; n < org->permission_end; n++) {
		const struct permission_view *own = org_permission_at(org, n);
		if (own && !uuid_is_nil(own->workspace.id) && str_eq(own->name, name))
			permset_add(set, n);
	}
}

enum status
token_bounds_load(const struct token_bounds **out, const struct token *token,
	const struct org_view *org, struct arena *arena, struct error *err)
{
	struct token_bounds *bounds = arena_new_one(arena, struct token_bounds);
	struct permset *set = arena_new_one(arena, struct permset);
	bool installation = uuid_is_nil(token->workspace.id);
	struct str rest = token->scope;
	*out = NULL;
	if (!bounds || !set || !permset_init(set, arena, PERMISSION_LIMIT))
		return error_no_memory(err);
	*bounds = (struct token_bounds){.workspace = token->workspace, .permissions = set};
	while (rest.len > 0) {
		struct str name = str_cut(&rest, ' ');
		uint32_t number = org_permission_number(org, token->workspace, name);
		if (installation && str_eq(name, SCOPE_ALL))
			bounds->permissions = NULL;
		else if (number != PERMISSION_NONE)
			permset_add(set, number);
		else if (installation)
			add_everywhere(set, org, name);
	}
	*out = bounds;
	return OK;
}
