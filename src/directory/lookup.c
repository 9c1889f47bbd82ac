#include "base/hash.h"
#include "directory/internal.h"

struct uuid
resource_key(struct workspace_id workspace, struct str type, struct str name)
{
	uint64_t halves[2];
	uint64_t seed = atomic_load_explicit(&directory__key_seed, memory_order_relaxed);
	for (uint64_t i = 0; i < 2; i++) {
		uint64_t state = hash_uuid(workspace.id, seed + i);
		state = hash_bytes(type.ptr, type.len, state);
		halves[i] = hash_bytes(name.ptr, name.len, state);
	}
	struct uuid key;
	memcpy(key.bytes, halves, sizeof(key.bytes));
	return key;
}

/* A single permission or a ceiling was resolved before the list of permissions last changed. */
static bool
names_are_old(const struct entry *e, const struct org_view *org)
{
	const struct principal_view *principal;
	const struct group_view *group;
	switch ((enum view_kind)e->kind) {
	case VIEW_PRINCIPAL:
		principal = entry__view(e);
		return principal && principal->has_names && principal->names_at < org->names_since;
	case VIEW_GROUP:
		group = entry__view(e);
		return group && group->has_names && group->names_at < org->names_since;
	case VIEW_ORG:
	case VIEW_WORKSPACE:
	case VIEW_RGROUP:
	case VIEW_CREDENTIAL:
	case VIEW_RESOURCE:
	case VIEW_ISSUER:
	case VIEW_KEYS:
	case VIEW_CLIENT:
	case VIEW_REFUSAL:
	case VIEW_REFUSALS:
	case VIEW_PERSON:
	case VIEW_CONTEXT:
	case VIEW_COUNT:
		break;
	}
	return false;
}

struct entry *
lookup__current(struct directory *d, const struct view_key *key, const struct org_view *org)
{
	struct entry *e = table__find(d, key);
	return e && !(org && names_are_old(e, org)) ? e : NULL;
}

static bool
is_noted(const struct misses *m, const struct view_key *key)
{
	for (uint32_t i = 0; i < m->count; i++) {
		const struct view_key *noted = &m->items[i].key;
		if (noted->kind == key->kind && uuid_eq(noted->id, key->id) &&
			uuid_eq(noted->org.id, key->org.id))
			return true;
	}
	return false;
}

static void
note_miss(struct directory *d, struct misses *m, const struct miss *miss)
{
	counter__add(&thread__counters(d)->misses);
	if (is_noted(m, &miss->key))
		return;
	if (m->count == MISSES_MAX) {
		m->overflow = true;
		return;
	}
	m->items[m->count++] = *miss;
}

static const void *
use(struct directory *d, struct entry *e)
{
	counter__add(&thread__counters(d)->hits);
	/* Written only when it changes, so that readers share the line. */
	if (!atomic_load_explicit(&e->used, memory_order_relaxed))
		atomic_store_explicit(&e->used, 1, memory_order_relaxed);
	return entry__view(e);
}

static const void *
look_up(struct directory *d, const struct view_key *key, const struct org_view *org,
	struct misses *m)
{
	struct entry *e = lookup__current(d, key, org);
	if (LIKELY(e != NULL))
		return use(d, e);
	note_miss(d, m, &(struct miss){.key = *key});
	return NULL;
}

const struct org_view *
directory_org(struct directory *d, struct org_id org, struct misses *m)
{
	struct view_key key = {VIEW_ORG, org, org.id};
	return look_up(d, &key, NULL, m);
}

const struct workspace_view *
directory_workspace(
	struct directory *d, struct org_id org, struct workspace_id id, struct misses *m)
{
	struct view_key key = {VIEW_WORKSPACE, org, id.id};
	return look_up(d, &key, NULL, m);
}

const struct rgroup_view *
directory_rgroup(struct directory *d, struct org_id org, struct rgroup_id id, struct misses *m)
{
	struct view_key key = {VIEW_RGROUP, org, id.id};
	return look_up(d, &key, NULL, m);
}

const struct principal_view *
directory_principal(
	struct directory *d, const struct org_view *org, struct principal_id id, struct misses *m)
{
	struct view_key key = {VIEW_PRINCIPAL, org->id, id.id};
	return look_up(d, &key, org, m);
}

void
directory_expect_principal(struct directory *d, const struct org_view *org, struct principal_id id)
{
	struct view_key key = {VIEW_PRINCIPAL, org->id, id.id};
	table__expect(d, &key);
}

const struct credential_view *
directory_credential(
	struct directory *d, struct org_id org, struct credential_id id, struct misses *m)
{
	struct view_key key = {VIEW_CREDENTIAL, org, id.id};
	return look_up(d, &key, NULL, m);
}

const struct issuer_view *
directory_issuer(struct directory *d, struct workspace_id workspace, struct misses *m)
{
	static const struct issuer_view installation;
	struct view_key key = {VIEW_ISSUER, PLATFORM, workspace.id};
	return uuid_is_nil(workspace.id) ? &installation : look_up(d, &key, NULL, m);
}

const struct keys_view *
directory_keys(struct directory *d, struct org_id org, struct workspace_id issuer, struct misses *m)
{
	struct view_key key = {VIEW_KEYS, org, issuer.id};
	return look_up(d, &key, NULL, m);
}

const struct client_view *
directory_client(struct directory *d, struct org_id org, struct principal_id id, struct misses *m)
{
	struct view_key key = {VIEW_CLIENT, org, id.id};
	return look_up(d, &key, NULL, m);
}

const struct person_view *
directory_person(struct directory *d, struct person_id id, struct misses *m)
{
	struct view_key key = {VIEW_PERSON, PLATFORM, id.id};
	return look_up(d, &key, NULL, m);
}

const struct context_view *
directory_context(struct directory *d, struct org_id org, struct principal_id id, struct misses *m)
{
	struct view_key key = {VIEW_CONTEXT, org, id.id};
	return look_up(d, &key, NULL, m);
}

bool
directory_is_refused(
	struct directory *d, struct org_id org, struct uuid id, int64_t now_us, struct misses *m)
{
	struct view_key latest = {VIEW_REFUSALS, org, org.id}, key = {VIEW_REFUSAL, org, id};
	const struct refusals_view *refusals = look_up(d, &latest, NULL, m);
	if (!refusals || now_us >= refusals->latest_us)
		return false;
	const struct refusal_view *refusal = look_up(d, &key, NULL, m);
	return refusal && now_us < refusal->until_us;
}

static bool
is_resource(const struct resource_view *view, const struct miss *wanted)
{
	return uuid_eq(view->workspace.id, wanted->workspace.id) &&
		str_eq(view->type, wanted->type) && str_eq(view->name, wanted->name);
}

/* False: not known; noted as a miss. */
static bool
find_resource(struct directory *d, const struct resource_view **out, struct miss *wanted,
	struct misses *m)
{
	wanted->key.id = resource_key(wanted->workspace, wanted->type, wanted->name);
	struct entry *e = table__find(d, &wanted->key);
	const struct resource_view *view = e ? entry__view(e) : NULL;
	if (!e || (view && !is_resource(view, wanted))) {
		note_miss(d, m, wanted);
		return false;
	}
	*out = use(d, e);
	return true;
}

const struct resource_view *
directory_resource(struct directory *d, struct org_id org, struct workspace_id workspace,
	struct str type, struct str name, struct misses *m)
{
	const struct resource_view *view = NULL;
	struct miss wanted = {.key = {.kind = VIEW_RESOURCE, .org = org},
		.workspace = workspace,
		.type = type,
		.name = name};
	if (!find_resource(d, &view, &wanted, m) || view || uuid_is_nil(workspace.id))
		return view;
	wanted.workspace = (struct workspace_id){0};
	find_resource(d, &view, &wanted, m);
	return view;
}

/* The found one, or NULL and a miss, of one of several that were looked for at once. */
static const void *
take(struct directory *d, const struct view_key *key, struct entry *e, const struct org_view *org,
	struct misses *m)
{
	if (LIKELY(e && !names_are_old(e, org)))
		return use(d, e);
	note_miss(d, m, &(struct miss){.key = *key});
	return NULL;
}

void
directory_groups(struct directory *d, const struct org_view *org,
	const struct principal_view *principal, const struct group_view **out, struct misses *m)
{
	struct view_key keys[TABLE_FIND_MAX];
	struct entry *found[TABLE_FIND_MAX];
	uint32_t left = principal->group_count, done = 0;
	while (left > 0) {
		uint32_t some = left < TABLE_FIND_MAX ? left : TABLE_FIND_MAX;
		for (uint32_t i = 0; i < some; i++)
			keys[i] = (struct view_key){
				VIEW_GROUP, org->id, principal->groups[done + i].id};
		table__find_all(d, found, keys, some);
		for (uint32_t i = 0; i < some; i++)
			out[done + i] = take(d, &keys[i], found[i], org, m);
		done += some;
		left -= some;
	}
}

const struct org_view *
directory_org_at(struct directory *d, struct org_id org, int64_t skeleton)
{
	struct view_key key = {VIEW_ORG, org, org.id};
	struct entry *e = table__find(d, &key);
	const struct org_view *view = e ? entry__view(e) : NULL;
	return view && view->skeleton == skeleton ? view : NULL;
}
