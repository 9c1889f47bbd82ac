#include "iam/tokens/scopes_of_token.h"

#include "policy/lookup.h"

const struct str OPENID_SCOPES[OPENID_SCOPES_COUNT] = {
	{"openid", 6}, {"profile", 7}, {"email", 5}, {"offline_access", 14}};

/* What was taken already, by number. */
struct taken {
	uint64_t words[PERMISSION_LIMIT / 64];
};

static bool
take(struct taken *taken, uint32_t number)
{
	uint64_t bit = UINT64_C(1) << (number % 64);
	bool fresh = !(taken->words[number / 64] & bit);
	taken->words[number / 64] |= bit;
	return fresh;
}

static void
add(struct buf *out, size_t start, struct str name)
{
	if (out->len > start)
		buf_char(out, ' ');
	buf_str(out, name);
}

static bool
may(const struct scope_holder *holder, uint32_t number)
{
	struct question question = holder->question;
	struct answer answer;
	question.permission = number;
	return number != PERMISSION_NONE && policy_decide(&question, &answer) == DECISION_ALLOW;
}

static enum status
finish(struct buf *out, size_t start, struct error *err)
{
	if (!out->failed && out->len - start <= SCOPES_MAX)
		return OK;
	return error_set(err, ERR_TOO_LARGE, "invalid_scope",
		"These scopes do not fit into one token: ask for fewer.");
}

/* The single permissions given by these grants. */
static void
add_granted(struct buf *out, size_t start, const struct scope_holder *holder,
	const struct grants *grants, struct taken *taken)
{
	const struct org_view *org = holder->question.org;
	for (uint32_t i = 0; i < grants->count && !out->failed; i++) {
		uint32_t number = grants->entries[i].permission;
		if (grants->entries[i].role != ROLE_NONE || number >= PERMISSION_LIMIT ||
			!may(holder, number) || !take(taken, number))
			continue;
		add(out, start, org_permission_name(org, number));
	}
}

static void
add_all_granted(struct buf *out, size_t start, const struct scope_holder *holder)
{
	const struct principal_view *principal = holder->question.subject.principal;
	struct taken taken = {0};
	if (principal)
		add_granted(out, start, holder, &principal->grants, &taken);
}

static enum status
unknown_scope(struct str name, struct error *err)
{
	return error_set(err, ERR_INVALID, "invalid_scope",
		"The scope %.*s is not one that this client may use here.",
		(int)(name.len < 80 ? name.len : 80), name.ptr);
}

enum status
scopes_of_client(
	struct buf *out, const struct scope_holder *holder, struct str requested, struct error *err)
{
	size_t start = out->len;
	struct taken taken = {0};
	if (!requested.ptr) {
		add_all_granted(out, start, holder);
		return finish(out, start, err);
	}
	while (requested.ptr) {
		struct str name = str_cut(&requested, ' ');
		uint32_t number =
			org_permission_number(holder->question.org, holder->workspace, name);
		if (!may(holder, number))
			return unknown_scope(name, err);
		if (take(&taken, number))
			add(out, start, name);
	}
	return finish(out, start, err);
}

static bool
is_openid(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(OPENID_SCOPES); i++) {
		if (str_eq(name, OPENID_SCOPES[i]))
			return true;
	}
	return false;
}

enum status
scopes_of_user(
	struct buf *out, const struct scope_holder *holder, struct str requested, struct error *err)
{
	size_t start = out->len;
	struct taken taken = {0};
	bool ours = false;
	for (size_t i = 0; i < ARRAY_LEN(OPENID_SCOPES); i++) {
		if (scope_has(requested, OPENID_SCOPES[i]))
			add(out, start, OPENID_SCOPES[i]);
	}
	if (holder->first_party && scope_has(requested, SCOPE_ALL))
		add(out, start, SCOPE_ALL);
	while (requested.ptr && !out->failed) {
		struct str name = str_cut(&requested, ' ');
		if (name.len == 0 || is_openid(name))
			continue;
		ours = true;
		uint32_t number =
			org_permission_number(holder->question.org, holder->workspace, name);
		if (may(holder, number) && take(&taken, number))
			add(out, start, name);
	}
	if (!ours)
		add_all_granted(out, start, holder);
	return finish(out, start, err);
}

bool
scope_has(struct str scope, struct str name)
{
	while (scope.ptr) {
		if (str_eq(str_cut(&scope, ' '), name))
			return true;
	}
	return false;
}

bool
scope_covers(struct str whole, struct str part)
{
	while (part.ptr) {
		struct str name = str_cut(&part, ' ');
		if (name.len && !scope_has(whole, name))
			return false;
	}
	return true;
}

bool
scope_is_well_formed(struct str scope)
{
	char before = ' ';
	if (!scope.ptr || scope.len == 0 || scope.len > SCOPES_MAX)
		return false;
	for (size_t i = 0; i < scope.len; i++) {
		char c = scope.ptr[i];
		if (c < ' ' || c > '~' || c == '"' || c == '\\' || (c == ' ' && before == ' '))
			return false;
		before = c;
	}
	return before != ' ';
}
