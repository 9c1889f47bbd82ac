#include "directory_support.h"
#include "permset_support.h"

#include "model/catalogue.h"
#include "policy/lookup.h"

/* Each view as rows make it, and as the directory packs it. */

#define WS id_of(3, 1)
#define NIL ((struct uuid){{0}})
#define CONDITION                                                                                  \
	"{\"all\":[{\"attribute\":\"context.address\",\"operator\":\"in_cidr\","                   \
	"\"value\":\"10.0.0.0/8\"}]}"

static const struct sql INSERT_TYPE =
	SQL("INSERT INTO resource_types (org, type, description, registered, origin) "
	    "VALUES ($1, $2, '', $3, '')");
static const struct sql INSERT_DEFAULT =
	SQL("INSERT INTO kind_defaults (org, kind, role, ceiling_role) VALUES ($1, $2, $3, $4)");
static const struct sql INSERT_GUARDRAIL =
	SQL("INSERT INTO guardrails (org, guardrail, name, description, node_kind, node, kinds, "
	    "permissions, condition, origin, created_us, changed) "
	    "VALUES ($1, $2, $3, '', $4, $5, 254, $6, $7, '', 0, 0)");
static const struct sql INSERT_REACH =
	SQL("INSERT INTO reach (org, principal, grp) VALUES ($1, $2, $3)");
static const struct sql INSERT_RESOURCE =
	SQL("INSERT INTO resources (org, resource, workspace, type, id, name, state, created_us, "
	    "changed) VALUES ($1, $2, $3, $4, $5, 'shown', $6, 0, 0)");
static const struct sql INSERT_RGROUP =
	SQL("INSERT INTO resource_groups (org, grp, workspace, name, description, created_us, "
	    "changed) VALUES ($1, $2, $3, $4, '', 0, 0)");
static const struct sql INSERT_RGROUP_MEMBER =
	SQL("INSERT INTO resource_group_members (org, grp, resource, since_us) "
	    "VALUES ($1, $2, $3, 0)");
static const struct sql INSERT_OFFER =
	SQL("INSERT INTO offers (org, resource, workspace, enabled) VALUES ($1, $2, $3, $4)");

#define OWN 1024
#define MACHINE 1025
#define SCOPE 1026
#define REMOVED 1027
#define ALIAS 1028

static void
write_permissions(struct tx *tx, struct uuid org)
{
	put(tx, &INSERT_PERMISSION, "uiusiiin", org, OWN, NIL, "devices:read", 0, 0, 4);
	put(tx, &INSERT_PERMISSION, "uiusiiin", org, MACHINE, NIL, "devices:report", 1, 0, 5);
	put(tx, &INSERT_PERMISSION, "uiusiiin", org, SCOPE, WS, "tickets:read", 0, 0, 6);
	put(tx, &INSERT_PERMISSION, "uiusiiin", org, REMOVED, NIL, "devices:gone", 0, 1, 7);
	put(tx, &INSERT_PERMISSION, "uiusiiii", org, ALIAS, NIL, "groups:read", 0, 0, 3,
		IAM_GROUPS_READ);
}

static void
write_roles(struct tx *tx, struct uuid org)
{
	put(tx, &INSERT_ROLE, "uuiusiin", org, id_of(4, 0), 0, NIL, "owner", 1, 1);
	put(tx, &INSERT_ROLE, "uuiusiis", org, id_of(4, 2), 2, NIL, "reader", 0, 0,
		"{\"only\":[\"devices:read\",\"devices:never\"]}");
	put(tx, &INSERT_ROLE, "uuiusiin", org, id_of(4, 3), 3, WS, "clerk", 0, 0);
	put(tx, &INSERT_ROLE_PERMISSION, "uusii", org, id_of(4, 2), "devices:read", 1, 0);
	put(tx, &INSERT_ROLE_PERMISSION, "uusii", org, id_of(4, 2), "iam:groups:create", 1, 1);
	put(tx, &INSERT_ROLE_PERMISSION, "uusii", org, id_of(4, 2), "groups:read", 1, 0);
	put(tx, &INSERT_ROLE_PERMISSION, "uusii", org, id_of(4, 2), "tickets:read", 1, 1);
	put(tx, &INSERT_ROLE_PERMISSION, "uusii", org, id_of(4, 2), "devices:gone", 1, 1);
	put(tx, &INSERT_ROLE_PERMISSION, "uusii", org, id_of(4, 3), "tickets:read", 0, 1);
}

static void
write_org(struct tx *tx, const void *arg)
{
	struct uuid org = ORG_A.id;
	(void)arg;
	put(tx, &INSERT_ORG, "uii", PLATFORM.id, 3, 3);
	put(tx, &INSERT_ORG, "uii", org, 9, 8);
	put(tx, &INSERT_WORKSPACE, "uuis", org, WS, STATE_SUSPENDED, "ws");
	write_permissions(tx, org);
	write_roles(tx, org);
	put(tx, &INSERT_TYPE, "usi", org, "gateway", 1);
	put(tx, &INSERT_TYPE, "usi", org, "device", 0);
	put(tx, &INSERT_DEFAULT, "uiuu", org, KIND_MEMBER, id_of(4, 3), id_of(4, 2));
	put(tx, &INSERT_DEFAULT, "uinu", org, KIND_DEVICE, id_of(4, 3));
	put(tx, &INSERT_GUARDRAIL, "uusiuss", org, id_of(5, 1), "no-tickets", NODE_ORG, org,
		"[\"tickets:read\",\"devices:never\"]", CONDITION);
	put(tx, &INSERT_GUARDRAIL, "uusiusn", PLATFORM.id, id_of(5, 2), "no-groups", NODE_PLATFORM,
		NIL, "[\"groups:read\"]");
	put(tx, &INSERT_GUARDRAIL, "uusiusn", PLATFORM.id, id_of(5, 3), "elsewhere", NODE_ORG,
		ORG_B.id, "[\"devices:read\"]");
	put(tx, &INSERT_GUARDRAIL, "uusiuss", org, id_of(5, 4), "broken", NODE_WORKSPACE, WS, "[]",
		"{\"all\":7}");
}

static void
check_permissions(const struct org_view *org)
{
	struct workspace_id ws = {WS}, none = {NIL};
	assert_int_equal(org->names_since, 7);
	assert_int_equal(org->permission_end, ALIAS + 1);
	assert_int_equal(org_permission_number(org, none, STR("devices:read")), OWN);
	assert_int_equal(org_permission_number(org, ws, STR("devices:read")), OWN);
	assert_int_equal(org_permission_number(org, ws, STR("tickets:read")), SCOPE);
	assert_int_equal(org_permission_number(org, none, STR("tickets:read")), PERMISSION_NONE);
	assert_int_equal(org_permission_number(org, none, STR("devices:gone")), PERMISSION_NONE);
	assert_int_equal(org_permission_number(org, none, STR("groups:read")), IAM_GROUPS_READ);
	assert_true(org_permission_at(org, MACHINE)->machine);
	assert_null(org_permission_at(org, REMOVED));
}

static void
check_roles(const struct org_view *org)
{
	const struct role_view *owner = org_role_at(org, 0), *reader = org_role_at(org, 2);
	const struct role_view *clerk = org_role_at(org, 3);
	assert_int_equal(org->role_end, 4);
	assert_null(org_role_at(org, 1));
	assert_int_equal(count_of(&owner->exercises), catalogue_count + 1);
	assert_true(permset_has(&owner->exercises, OWN));
	assert_false(permset_has(&owner->exercises, MACHINE));
	assert_false(permset_has(&owner->exercises, SCOPE));
	assert_int_equal(count_of(&owner->gives), catalogue_count + 3);
	assert_true(permset_has(&owner->gives, MACHINE));
	assert_true(permset_has(&owner->gives, SCOPE));
	check_str(reader->name, "reader");
	assert_int_equal(count_of(&reader->exercises), 3);
	assert_true(permset_has(&reader->exercises, OWN));
	assert_true(permset_has(&reader->exercises, IAM_GROUPS_READ));
	assert_true(permset_has(&reader->exercises, IAM_GROUPS_CREATE));
	assert_int_equal(count_of(&reader->gives), 1);
	assert_int_equal(reader->gives.word_count, IAM_GROUPS_CREATE / 64 + 1);
	assert_true(ceiling_allows(reader->ceiling, OWN));
	assert_false(ceiling_allows(reader->ceiling, MACHINE));
	assert_null(clerk->ceiling);
	assert_true(permset_is_empty(&clerk->exercises));
	assert_true(permset_has(&clerk->gives, SCOPE));
}

static const struct guardrail_view *
guardrail(const struct org_view *org, const char *name)
{
	for (uint32_t i = 0; i < org->guardrail_count; i++) {
		if (str_eq(org->guardrails[i].name, str_from(name)))
			return &org->guardrails[i];
	}
	return NULL;
}

static void
check_guardrails(const struct org_view *org)
{
	assert_int_equal(org->guardrail_count, 3);
	const struct guardrail_view *own = guardrail(org, "no-tickets");
	const struct guardrail_view *platform = guardrail(org, "no-groups");
	const struct guardrail_view *broken = guardrail(org, "broken");
	assert_null(guardrail(org, "elsewhere"));
	assert_int_equal(own->node.kind, NODE_ORG);
	assert_int_equal(count_of(&own->denies), 1);
	assert_true(permset_has(&own->denies, SCOPE));
	assert_non_null(own->condition);
	assert_ptr_not_equal(own->condition, &CONDITION_BROKEN);
	assert_int_equal(platform->node.kind, NODE_PLATFORM);
	assert_true(permset_has(&platform->denies, IAM_GROUPS_READ));
	assert_null(platform->condition);
	assert_ptr_equal(broken->condition, &CONDITION_BROKEN);
	assert_int_equal(count_of(&org->guarded), 2);
	assert_true(permset_has(&org->guarded, SCOPE));
}

static void
check_org(const struct org_view *org)
{
	assert_non_null(org);
	assert_true(uuid_eq(org->id.id, ORG_A.id));
	assert_int_equal(org->state, STATE_ACTIVE);
	assert_int_equal(org->revision, 9);
	assert_int_equal(org->skeleton, 8);
	check_permissions(org);
	check_roles(org);
	check_guardrails(org);
	assert_int_equal(org->type_count, 2);
	check_str(org->types[0].name, "device");
	assert_false(org->types[0].registered);
	assert_true(org_resource_type(org, STR("gateway"))->registered);
	assert_int_equal(org->default_roles[KIND_MEMBER], 3);
	assert_true(ceiling_allows(org->default_ceilings[KIND_MEMBER], OWN));
	assert_int_equal(org->default_roles[KIND_API_KEY], ROLE_NONE);
	assert_null(org->default_ceilings[KIND_API_KEY]);
	/* The role bears no ceiling: nothing is left. */
	assert_non_null(org->default_ceilings[KIND_DEVICE]);
	assert_false(ceiling_allows(org->default_ceilings[KIND_DEVICE], OWN));
}

static const struct org_view *
rows_org(struct tx *tx, struct org_id id, struct arena *arena)
{
	struct error err = {0};
	const struct org_view *org;
	if (rows_load_org(&org, tx, id, arena, &err) != OK)
		fail_msg("%s (%s)", err.text, err.detail);
	return org;
}

static void
read_org(struct tx *tx, struct arena *arena, const void *arg)
{
	struct error err = {0};
	struct org_heads heads;
	(void)arg;
	check_org(rows_org(tx, ORG_A, arena));
	assert_null(rows_org(tx, ORG_B, arena));
	assert_int_equal(rows_org_heads(&heads, tx, ORG_A, &err), OK);
	assert_true(heads.found && heads.revision == 9 && heads.skeleton == 8);
	assert_int_equal(rows_org_heads(&heads, tx, ORG_B, &err), OK);
	assert_false(heads.found);
}

static void
test_rows__skeleton(void **state)
{
	struct fixture *f = *state;
	change(f, write_org, NULL);
	snapshot(f, read_org, NULL);
	check_org(get_org(f->directory, ORG_A));
	directory_leave();
}

static void
write_holders(struct tx *tx, const void *arg)
{
	struct uuid org = ORG_A.id;
	write_org(tx, arg);
	put(tx, &INSERT_GROUP, "uus", org, id_of(6, 1), "one");
	put(tx, &INSERT_GROUP, "uus", org, id_of(6, 2), "two");
	put(tx, &INSERT_PRINCIPAL, "uuiusiiius", org, id_of(2, 1), KIND_API_KEY, WS, "key",
		STATE_SUSPENDED, 77, 1, id_of(7, 1), "{\"except\":[\"tickets:read\"]}");
	put(tx, &INSERT_PRINCIPAL, "uuiusininn", org, id_of(2, 2), KIND_MEMBER, NIL, "bare",
		STATE_ACTIVE, 0);
	put(tx, &INSERT_MEMBER, "uuu", org, id_of(6, 2), id_of(2, 1));
	put(tx, &INSERT_MEMBER, "uuu", org, id_of(6, 1), id_of(2, 1));
	put(tx, &INSERT_REACH, "uuu", org, id_of(2, 1), id_of(8, 2));
	put(tx, &INSERT_REACH, "uuu", org, id_of(2, 1), id_of(8, 1));
	put(tx, &INSERT_RGROUP, "uuus", org, id_of(8, 1), WS, "rgroup");
	put(tx, &INSERT_GRANT, "uuiuuniunn", org, id_of(9, 1), 0, id_of(2, 1), id_of(4, 2),
		NODE_ORG, org);
	put(tx, &INSERT_GRANT, "uuiunsiusi", org, id_of(9, 2), 0, id_of(2, 1), "tickets:read",
		NODE_RESOURCE_GROUP, id_of(8, 1), CONDITION, 55);
	put(tx, &INSERT_GRANT, "uuiunsiusn", org, id_of(9, 3), 0, id_of(2, 1), "tickets:never",
		NODE_ORG, org, "{\"all\":[]");
	put(tx, &INSERT_GRANT, "uuiuuniunn", org, id_of(9, 4), 0, id_of(2, 1), id_of(4, 99),
		NODE_ORG, org);
	put(tx, &INSERT_GRANT, "uuiuuniunn", org, id_of(9, 5), 1, id_of(6, 1), id_of(4, 3),
		NODE_WORKSPACE, WS);
}

static void
check_grants(const struct grants *grants)
{
	assert_int_equal(grants->count, 3);
	const struct grant_entry *role = &grants->entries[0], *unknown = &grants->entries[1];
	const struct grant_entry *single = &grants->entries[2];
	assert_true(uuid_eq(role->node, ORG_A.id) && uuid_eq(role->id.id, id_of(9, 1)));
	assert_int_equal(role->role, 2);
	assert_int_equal(role->permission, PERMISSION_NONE);
	assert_true(role->expires_us == NEVER && !role->condition);
	assert_int_equal(unknown->role, ROLE_NONE);
	assert_int_equal(unknown->permission, PERMISSION_NONE);
	assert_ptr_equal(unknown->condition, &CONDITION_BROKEN);
	assert_int_equal(single->role, ROLE_NONE);
	assert_int_equal(single->permission, SCOPE);
	assert_int_equal(single->expires_us, 55);
	struct attribute inside = {
		.path = STR("context.address"), .type = ATTRIBUTE_STRING, .str = STR("10.1.2.3")};
	struct attributes attributes = {.items = &inside, .count = 1};
	assert_true(condition_holds(single->condition, &attributes, false));
	inside.str = STR("11.1.2.3");
	assert_false(condition_holds(single->condition, &attributes, false));
}

static void
check_principal(const struct principal_view *p)
{
	assert_non_null(p);
	assert_true(uuid_eq(p->id.id, id_of(2, 1)) && uuid_eq(p->org.id, ORG_A.id));
	assert_int_equal(p->kind, KIND_API_KEY);
	assert_int_equal(p->state, STATE_SUSPENDED);
	assert_true(p->confined && p->has_names);
	assert_true(uuid_eq(p->workspace.id, WS) && uuid_eq(p->self.id, id_of(7, 1)));
	assert_int_equal(p->expires_us, 77);
	assert_int_equal(p->generation, 3);
	assert_int_equal(p->names_at, 8);
	assert_true(ceiling_allows(p->ceiling, OWN));
	assert_false(ceiling_allows(p->ceiling, SCOPE));
	assert_int_equal(p->group_count, 2);
	assert_true(uuid_eq(p->groups[0].id, id_of(6, 1)));
	assert_int_equal(p->reach_count, 2);
	assert_true(uuid_eq(p->reach[0].id, id_of(8, 1)));
	assert_true(uuid_eq(p->reach[1].id, id_of(8, 2)));
	check_grants(&p->grants);
}

static void
read_holders(struct tx *tx, struct arena *arena, const void *arg)
{
	struct error err = {0};
	const struct org_view *org = rows_org(tx, ORG_A, arena);
	const struct principal_view *p;
	const struct group_view *g;
	struct principal_id one = {id_of(2, 1)}, bare = {id_of(2, 2)}, none = {id_of(2, 3)};
	(void)arg;
	assert_int_equal(rows_load_principal(&p, tx, org, one, arena, &err), OK);
	check_principal(p);
	assert_int_equal(rows_load_principal(&p, tx, org, bare, arena, &err), OK);
	assert_true(p->expires_us == NEVER && !p->ceiling && !p->has_names && !p->confined);
	assert_int_equal(p->group_count + p->grants.count + p->reach_count, 0);
	assert_int_equal(rows_load_principal(&p, tx, org, none, arena, &err), OK);
	assert_null(p);
	assert_int_equal(
		rows_load_group(&g, tx, org, (struct group_id){id_of(6, 1)}, arena, &err), OK);
	assert_true(g->grants.count == 1 && g->grants.entries[0].role == 3 && !g->has_names);
	assert_int_equal(
		rows_load_group(&g, tx, org, (struct group_id){id_of(6, 3)}, arena, &err), OK);
	assert_null(g);
}

static void
test_rows__holders(void **state)
{
	struct fixture *f = *state;
	struct misses misses = {.count = 0};
	const struct group_view *groups[GROUPS_PER_PRINCIPAL_MAX];
	change(f, write_holders, NULL);
	snapshot(f, read_holders, NULL);
	const struct principal_view *p = get_principal(f->directory, ORG_A, 1);
	check_principal(p);
	directory_groups(f->directory, get_org(f->directory, ORG_A), p, groups, &misses);
	assert_int_equal(misses.count, 2);
	directory_leave();
	directory_leave();
	assert_int_equal(fetch(f->directory, &misses), OK);
	misses.count = 0;
	p = get_principal(f->directory, ORG_A, 1);
	directory_groups(f->directory, get_org(f->directory, ORG_A), p, groups, &misses);
	assert_int_equal(misses.count, 0);
	assert_int_equal(groups[0]->grants.entries[0].role, 3);
	assert_int_equal(groups[1]->grants.count, 0);
	directory_leave();
	directory_leave();
}

static void
write_resources(struct tx *tx, const void *arg)
{
	struct uuid org = ORG_A.id, local = id_of(7, 1), global = id_of(7, 2);
	write_org(tx, arg);
	put(tx, &INSERT_RGROUP, "uuus", org, id_of(8, 1), WS, "rgroup");
	put(tx, &INSERT_RESOURCE, "uuussi", org, local, WS, "device", "d1", STATE_ACTIVE);
	put(tx, &INSERT_RESOURCE, "uuussi", org, global, NIL, "device", "g1", STATE_DELETED);
	put(tx, &INSERT_RGROUP_MEMBER, "uuu", org, id_of(8, 2), local);
	put(tx, &INSERT_RGROUP_MEMBER, "uuu", org, id_of(8, 1), local);
	put(tx, &INSERT_OFFER, "uuui", org, global, id_of(3, 2), 1);
	put(tx, &INSERT_OFFER, "uuui", org, global, id_of(3, 3), 0);
	put(tx, &INSERT_OFFER, "uuui", org, global, WS, 1);
	put(tx, &INSERT_CREDENTIAL, "uuuh", org, id_of(10, 1), id_of(2, 1), 0xab);
	put(tx, &INSERT_CREDENTIAL, "uuux", org, id_of(10, 2), id_of(2, 1), 5);
}

static const struct resource_view *
get_resource(struct directory *d, const char *name, struct misses *misses)
{
	const struct resource_view *view = NULL;
	for (int round = 0; round < 4; round++) {
		misses->count = 0;
		directory_enter();
		view = directory_resource(
			d, ORG_A, (struct workspace_id){WS}, STR("device"), str_from(name), misses);
		directory_leave();
		if (!misses->count)
			return view;
		assert_int_equal(fetch(d, misses), OK);
	}
	return view;
}

static void
test_rows__resources(void **state)
{
	struct fixture *f = *state;
	struct misses misses = {.count = 0};
	change(f, write_resources, NULL);
	const struct resource_view *r = get_resource(f->directory, "d1", &misses);
	assert_true(uuid_eq(r->id.id, id_of(7, 1)) && r->state == STATE_ACTIVE);
	check_str(r->name, "d1");
	assert_int_equal(r->group_count, 2);
	assert_true(uuid_eq(r->groups[0].id, id_of(8, 1)));
	r = get_resource(f->directory, "g1", &misses);
	assert_true(uuid_is_nil(r->workspace.id) && r->state == STATE_DELETED);
	assert_int_equal(r->enabled_count, 2);
	assert_true(uuid_eq(r->enabled_in[0].id, WS));
	assert_null(get_resource(f->directory, "nowhere", &misses));
	assert_int_equal(misses.count, 0);
}

static void
read_nodes(struct tx *tx, struct arena *arena, const void *arg)
{
	struct error err = {0};
	const struct workspace_view *w;
	const struct rgroup_view *g;
	const struct resource_view *r;
	const struct credential_view *c;
	struct credential_id good = {id_of(10, 1)}, bad = {id_of(10, 2)}, none = {id_of(10, 3)};
	(void)arg;
	assert_int_equal(
		rows_load_workspace(&w, tx, ORG_A, (struct workspace_id){WS}, arena, &err), OK);
	assert_int_equal(w->state, STATE_SUSPENDED);
	assert_int_equal(
		rows_load_workspace(&w, tx, ORG_B, (struct workspace_id){WS}, arena, &err), OK);
	assert_null(w);
	assert_int_equal(
		rows_load_rgroup(&g, tx, ORG_A, (struct rgroup_id){id_of(8, 1)}, arena, &err), OK);
	assert_true(uuid_eq(g->workspace.id, WS));
	assert_int_equal(rows_load_resource_by_id(
				 &r, tx, ORG_A, (struct resource_id){id_of(7, 2)}, arena, &err),
		OK);
	check_str(r->name, "g1");
	assert_int_equal(rows_load_credential(&c, tx, ORG_A, good, arena, &err), OK);
	assert_true(uuid_eq(c->principal.id, id_of(2, 1)) && c->expires_us == NEVER);
	assert_true(c->hash[0] == 0xab && c->hash[31] == 0xab && c->pepper == 7);
	assert_int_equal(rows_load_credential(&c, tx, ORG_A, none, arena, &err), OK);
	assert_null(c);
	assert_int_equal(rows_load_credential(&c, tx, ORG_A, bad, arena, &err), ERR_CORRUPT);
	assert_null(c);
}

static void
test_rows__nodes_and_credentials(void **state)
{
	struct fixture *f = *state;
	change(f, write_resources, NULL);
	snapshot(f, read_nodes, NULL);
	struct misses misses = {.count = 0};
	directory_enter();
	assert_null(directory_credential(
		f->directory, ORG_A, (struct credential_id){id_of(10, 2)}, &misses));
	directory_leave();
	/* What is damaged is an error and never an answer. */
	assert_int_equal(fetch(f->directory, &misses), ERR_CORRUPT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_rows__skeleton, fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(
			test_rows__holders, fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(
			test_rows__resources, fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(
			test_rows__nodes_and_credentials, fixture_set_up, fixture_tear_down),
	};
	return cmocka_run_group_tests_name("directory: rows", tests, NULL, NULL);
}
