#include <string.h>

#include "model/catalogue.h"
#include "policy/scan.h"

#include "policy/lookup.h"

#define WORDS (PERMISSION_LIMIT / 64)

/* A set of any permissions, on the stack. */
struct wide {
	uint64_t words[WORDS];
};

/* What ceiling-bearing roles let through, once there is one. */
struct let_through {
	bool borne;
	struct wide set;
};

/* One pass over what a subject holds along a path. */
struct holding {
	const struct question *question;
	const struct path *path;
	const struct terms *terms;
	struct wide gives, exercises;
	struct let_through now, lasting;
};

static void
wide_unite(struct wide *set, const struct permset *other)
{
	for (uint32_t i = 0; i < other->word_count && i < WORDS; i++)
		set->words[i] |= other->words[i];
}

static void
wide_intersect(struct wide *set, const struct wide *other)
{
	for (uint32_t i = 0; i < WORDS; i++)
		set->words[i] &= other->words[i];
}

static void
wide_remove(struct wide *set, const struct permset *other)
{
	for (uint32_t i = 0; i < other->word_count && i < WORDS; i++)
		set->words[i] &= ~other->words[i];
}

static void
add_ceiling(struct let_through *through, const struct ceiling *ceiling)
{
	through->borne = true;
	for (uint32_t i = 0; i < WORDS; i++) {
		uint64_t named = i < ceiling->named.word_count ? ceiling->named.words[i] : 0;
		through->set.words[i] |= ceiling->except ? ~named : named;
	}
}

static void
hold_entry(struct holding *h, const struct grant_entry *entry)
{
	const struct org_view *org = h->question->org;
	const struct role_view *role = NULL;

	if (entry->role != ROLE_NONE) {
		role = org_role_at(org, entry->role);
		if (!role || !(role->kinds & KIND_BIT(h->question->subject.principal->kind)))
			return;
	}
	if (policy__entry_state(h->question, entry) != REASON_GRANTED)
		return;

	bool lasts = policy__meets_terms(entry, h->terms);
	if (role && role->ceiling && uuid_eq(entry->node, org->id.id)) {
		add_ceiling(&h->now, role->ceiling);
		if (lasts)
			add_ceiling(&h->lasting, role->ceiling);
	}
	if (!lasts)
		return;
	if (role) {
		wide_unite(&h->gives, &role->gives);
		wide_unite(&h->exercises, &role->exercises);
	} else if (entry->permission < PERMISSION_LIMIT) {
		uint64_t bit = UINT64_C(1) << (entry->permission & 63);
		h->gives.words[entry->permission >> 6] |= bit;
		h->exercises.words[entry->permission >> 6] |= bit;
	}
}

static void
hold_grants(struct holding *h, const struct grants *grants)
{
	for (uint32_t i = 0; i < grants->count; i++) {
		if (policy__path_has(h->path, grants->entries[i].node))
			hold_entry(h, &grants->entries[i]);
	}
}

/* Everything that every ceiling lets through. */
static void
intersect_ceilings(struct wide *set, struct holding *h)
{
	const struct principal_view *principal = h->question->subject.principal;
	const struct ceiling *fallback = h->question->org->default_ceilings[principal->kind];
	struct let_through own = {0};

	if (fallback && !h->now.borne)
		add_ceiling(&h->now, fallback);
	if (fallback && !h->lasting.borne)
		add_ceiling(&h->lasting, fallback);
	if (principal->ceiling)
		add_ceiling(&own, principal->ceiling);
	if (h->now.borne)
		wide_intersect(set, &h->now.set);
	if (h->lasting.borne)
		wide_intersect(set, &h->lasting.set);
	if (own.borne)
		wide_intersect(set, &own.set);
}

static void
remove_denied(struct wide *set, const struct holding *h)
{
	const struct org_view *org = h->question->org;

	for (uint32_t i = 0; i < org->guardrail_count; i++) {
		if (policy__rail_applies(h->question, h->path, &org->guardrails[i]))
			wide_remove(set, &org->guardrails[i].denies);
	}
}

static void
intersect_token(struct wide *set, const struct holding *h)
{
	const struct token_bounds *bounds = h->question->subject.bounds;
	const struct permset *let = bounds ? bounds->permissions : NULL;

	for (uint32_t i = 0; let && i < WORDS; i++)
		set->words[i] &= i < let->word_count ? let->words[i] : 0;
}

/* The scopes of a workspace are given by whoever gives scopes there, held or not. */
static void
add_scopes(struct wide *gives, const struct holding *h)
{
	const struct org_view *org = h->question->org;
	const struct workspace_view *at = h->question->target.workspace;

	if (!at || !(h->exercises.words[IAM_SCOPES_GIVE >> 6] >> (IAM_SCOPES_GIVE & 63) & 1))
		return;
	for (uint32_t n = PERMISSION_OWN_FIRST; n < org->permission_end; n++) {
		const struct permission_view *own = org_permission_at(org, n);
		if (own && uuid_eq(own->workspace.id, at->id.id))
			gives->words[n >> 6] |= UINT64_C(1) << (n & 63);
	}
}

void
policy_givable(const struct question *question, const struct terms *terms,
	struct permset *to_others, struct permset *to_self)
{
	const struct subject *subject = &question->subject;
	struct holding h = {.question = question, .terms = terms};
	struct path path;

	ASSERT(to_others->word_count >= WORDS && to_self->word_count >= WORDS);
	memset(to_others->words, 0, WORDS * sizeof(uint64_t));
	memset(to_self->words, 0, WORDS * sizeof(uint64_t));
	if (policy__state(question) != REASON_GRANTED || !policy__within(question))
		return;
	policy__path(&path, question);
	h.path = &path;
	hold_grants(&h, &subject->principal->grants);
	for (uint32_t i = 0; i < subject->principal->group_count; i++) {
		if (subject->groups[i])
			hold_grants(&h, &subject->groups[i]->grants);
	}

	intersect_ceilings(&h.gives, &h);
	intersect_ceilings(&h.exercises, &h);
	remove_denied(&h.exercises, &h);
	intersect_token(&h.gives, &h);
	intersect_token(&h.exercises, &h);
	add_scopes(&h.gives, &h);
	for (uint32_t i = 0; i < WORDS; i++) {
		to_self->words[i] = h.gives.words[i] & h.exercises.words[i];
		to_others->words[i] =
			i < PERMISSION_OWN_FIRST / 64 ? to_self->words[i] : h.gives.words[i];
	}
}
