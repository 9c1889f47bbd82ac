#include "iam_support.h"

#include <stdio.h>

#include "directory/rows.h"
#include "iam/access/grants.h"
#include "iam/access/guardrails.h"
#include "iam/blueprints/blueprints.h"
#include "iam/tree/resource_groups.h"
#include "iam/tree/workspaces.h"
#include "iam/upkeep/verify.h"

/* Resources and their groups: who may bring what under which grants, and what goes with what. */

static struct {
	struct workspace_id workspace;
	struct rgroup_id hall, yard;
} place;

static const char LIMITED[] =
	"{\"name\":\"limited\",\"version\":1,\"title\":\"L\",\"description\":\"\","
	"\"resource_types\":[{\"type\":\"pump\",\"registered\":true,\"description\":\"\"}],"
	"\"permissions\":[{\"name\":\"pumps:start\",\"class\":\"write\",\"description\":\"\"}],"
	"\"roles\":[{\"name\":\"arranger\",\"title\":\"A\",\"description\":\"\","
	"\"kinds\":[\"service_account\"],\"exercises\":[\"iam:resource_groups:update\","
	"\"iam:resource_groups:delete\",\"iam:resources:create\",\"iam:resources:read\"]},"
	"{\"name\":\"fitter\",\"title\":\"F\",\"description\":\"\","
	"\"kinds\":[\"service_account\"],\"exercises\":[\"pumps:start\"]}],"
	"\"defaults\":{},\"guardrails\":[]}";

static enum status
furnish(struct call *call, void *arg, struct error *err)
{
	const struct blueprint_options options = {.preview = false};
	struct blueprint_result result;
	struct page page = {.limit = 1};
	struct workspace *workspaces;
	struct resource_group hall, yard;
	struct json *document;
	size_t count;

	(void)arg;
	enum status rc = workspace_list(&workspaces, &count, call, &page, err);
	if (rc != OK)
		return rc;
	place.workspace = workspaces[0].id;
	rc = resource_group_create(&hall, call, place.workspace,
		&(struct resource_group_draft){.name = STR("Hall")}, err);
	if (rc == OK)
		rc = resource_group_create(&yard, call, place.workspace,
			&(struct resource_group_draft){.name = STR("Yard")}, err);
	if (rc == OK)
		rc = json_parse(&document, STR(LIMITED), JSON_LIMITS_DEFAULT, err);
	if (rc != OK)
		return rc;
	place.hall = hall.id;
	place.yard = yard.id;
	rc = blueprint_apply(&result, call, document, &options, err);
	json_free(&document);
	return rc;
}

static enum status
furnish_devices(struct call *call, void *arg, struct error *err)
{
	const struct blueprint_options options = {.preview = false};
	struct blueprint_result result;

	(void)arg;
	return blueprint_apply_shipped(&result, call, STR("device-platform"), &options, err);
}

static int
set_up(void **state)
{
	house_set_up(state);
	house_run(*state, furnish, NULL);
	house_run(*state, furnish_devices, NULL);
	return 0;
}

static void
ignore_chain(void *context, const struct chain_report *report)
{
	(void)context;
	assert_null(report->broken);
}

static void
check_rule(void *context, const struct invariant_report *report)
{
	(void)context;
	if (report->violations > 0)
		fail_msg("%s: %lld", report->rule, (long long)report->violations);
}

static enum status
verify_all(struct tx *tx, void *arg, struct error *err)
{
	const struct store_verify_listener listener = {ignore_chain, check_rule, NULL};

	return store_verify(arg, tx, &listener, err);
}

static int
tear_down(void **state)
{
	bool sound;

	house_read(*state, verify_all, &sound);
	return house_tear_down(state);
}

struct making {
	const char *type, *id;
	bool global, in_hall;
	struct resource made;
};

static enum status
make(struct call *call, void *arg, struct error *err)
{
	struct making *m = arg;
	const struct resource_draft draft = {.type = str_from(m->type),
		.id = str_from(m->id),
		.workspace = m->global ? (struct workspace_id){{{0}}} : place.workspace,
		.groups = &place.hall,
		.group_count = m->in_hall ? 1 : 0};

	return resource_create(&m->made, call, &draft, err);
}

struct joining {
	struct resource_id resource;
	struct rgroup_id group;
	int64_t revision;
};

static enum status
join(struct call *call, void *arg, struct error *err)
{
	struct joining *j = arg;

	enum status rc = resource_group_add(call, place.workspace, j->group, j->resource, err);
	j->revision = call->chain.revision;
	return rc;
}

static enum status
leave(struct call *call, void *arg, struct error *err)
{
	struct joining *j = arg;

	return resource_group_remove(call, place.workspace, j->group, j->resource, err);
}

struct counting {
	struct rgroup_id group;
	size_t count;
	char first[1024];
};

static enum status
count_in_group(struct call *call, void *arg, struct error *err)
{
	struct counting *c = arg;
	const struct resource_filter filter = {.workspace = place.workspace, .group = c->group};
	struct page page = {.limit = 10};
	struct resource *all;

	enum status rc = resource_group_list_resources(&all, &c->count, call, &filter, &page, err);
	if (rc == OK && c->count > 0)
		snprintf(c->first, sizeof(c->first), "%.*s",
			STR_ARG(call_json(call, resource_write, &all[0])));
	return rc;
}

static void
test_create__refusals(void **state)
{
	struct house *h = *state;
	struct making gateway = {.type = "gateway", .id = "g1"};
	struct making unknown = {.type = "teapot", .id = "t1"};
	struct making grouped = {.type = "pump", .id = "p1", .global = true, .in_hall = true};
	struct making pump = {.type = "pump", .id = "p1"};

	house_refused(h, &h->owner, make, &gateway, "resource-is-principal");
	house_refused(h, &h->owner, make, &unknown, "resource-type-unknown");
	house_refused(h, &h->owner, make, &grouped, "groups-of-global");
	house_run(h, make, &pump);
	house_refused(h, &h->owner, make, &pump, "resource-exists");
	assert_false(uuid_is_nil(pump.made.uuid.id));
}

static void
test_groups__adding_twice_is_once(void **state)
{
	struct house *h = *state;
	struct making pump = {.type = "pump", .id = "p1", .in_hall = true};
	struct counting hall = {.group = place.hall}, yard = {.group = place.yard};

	house_run(h, make, &pump);
	struct joining first = {pump.made.uuid, place.yard, 0};
	house_run(h, join, &first);
	struct joining second = first;
	house_run(h, join, &second);
	assert_int_equal(first.revision, second.revision);
	house_run(h, count_in_group, &hall);
	assert_int_equal(hall.count, 1);
	assert_non_null(strstr(hall.first, "\"type\":\"pump\",\"id\":\"p1\",\"node_id\":\""));
	house_run(h, leave, &first);
	house_run(h, leave, &first);
	house_run(h, count_in_group, &yard);
	assert_int_equal(yard.count, 0);
}

struct giving {
	struct principal_id who;
	const char *role;
	struct node node;
	const struct rgroup_id *reach;
};

static enum status
give(struct call *call, void *arg, struct error *err)
{
	struct giving *g = arg;
	struct principal principal;
	struct grant grant;
	const struct reach_draft reach = {.confined = true, .groups = g->reach, .count = 1};
	const struct grant_draft draft = {.holder = g->who.id,
		.role = str_from(g->role),
		.node = g->node,
		.expires_us = NEVER};

	enum status rc = grant_create(&grant, call, &draft, err);
	if (rc == OK && g->reach)
		rc = principal_set_reach(&principal, call, g->who, &reach, err);
	return rc;
}

/* What is granted at the group comes upon the resource. */
static void
test_groups__grants_at_the_group_are_guarded(void **state)
{
	struct house *h = *state;
	struct caller arranger = house_machine(h, "arranger", "arranger");
	struct caller fitter = house_machine(h, "fitter", NULL);
	struct making pump = {.type = "pump", .id = "p1"};
	struct giving at_hall = {.who = fitter.principal,
		.role = "fitter",
		.node = {NODE_RESOURCE_GROUP, place.hall.id}};
	struct error err = {0};

	house_run(h, make, &pump);
	house_run(h, give, &at_hall);
	struct joining hall = {pump.made.uuid, place.hall, 0};
	struct joining yard = {pump.made.uuid, place.yard, 0};
	house_refused(h, &arranger, join, &hall, "may-not-give");
	assert_int_equal(house_try(h, &arranger, join, &yard, &err), OK);
	house_run(h, join, &hall);
}

/* What those confined to the group carry elsewhere above comes upon it as well. */
static void
test_groups__reach_is_guarded(void **state)
{
	struct house *h = *state;
	struct caller arranger = house_machine(h, "arranger", "arranger");
	struct caller fitter = house_machine(h, "fitter", NULL);
	struct making pump = {.type = "pump", .id = "p1"};
	struct giving above = {.who = fitter.principal,
		.role = "fitter",
		.node = {NODE_WORKSPACE, place.workspace.id},
		.reach = &place.hall};
	struct error err = {0};

	house_run(h, make, &pump);
	house_run(h, give, &above);
	struct joining hall = {pump.made.uuid, place.hall, 0};
	struct joining yard = {pump.made.uuid, place.yard, 0};
	house_refused(h, &arranger, join, &hall, "may-not-give");
	assert_int_equal(house_try(h, &arranger, join, &yard, &err), OK);

	/* Making one there is no way round. */
	struct making other = {.type = "pump", .id = "p2", .in_hall = true};
	house_refused(h, &arranger, make, &other, "may-not-give");
	house_run(h, join, &hall);
}

struct machine {
	enum principal_kind kind;
	const char *name;
	struct str role;
	const struct rgroup_id *group;
	struct caller caller;
	struct resource_id resource;
	bool confined;
	size_t reach_count;
	struct rgroup_id home;
};

static enum status
make_machine(struct call *call, void *arg, struct error *err)
{
	struct machine *m = arg;
	struct principal made;
	struct issued_secret secret;
	const struct principal_draft draft = {.kind = m->kind,
		.workspace = place.workspace,
		.name = str_from(m->name),
		.expires_us = NEVER,
		.roles_stated = m->role.ptr != NULL,
		.roles = &m->role,
		.role_count = m->role.ptr ? 1 : 0,
		.groups = m->group,
		.group_count = m->group ? 1 : 0};

	enum status rc = principal_create(&made, &secret, call, &draft, err);
	if (rc != OK)
		return rc;
	m->caller = (struct caller){.org = call->org->id,
		.principal = made.id,
		.credential = secret.credential.id,
		.kind = made.kind};
	m->resource = made.resource;
	return OK;
}

static enum status
look_at(struct call *call, void *arg, struct error *err)
{
	struct machine *m = arg;
	struct principal found;

	enum status rc = principal_load(&found, call, m->caller.principal, err);
	m->confined = found.confined;
	m->reach_count = found.reach_count;
	m->home = found.home_group;
	return rc;
}

/* A privileged gateway registers devices in its home group, beside gateways like itself. */
static void
test_gateway__registers_devices_at_home(void **state)
{
	struct house *h = *state;
	struct machine first = {.kind = KIND_GATEWAY, .name = "g1", .group = &place.hall};
	struct machine second = {.kind = KIND_GATEWAY, .name = "g2", .group = &place.hall};
	struct machine device = {.kind = KIND_DEVICE, .name = "d1"};
	struct machine elsewhere = {.kind = KIND_DEVICE, .name = "d2", .group = &place.yard};
	struct counting hall = {.group = place.hall};
	struct error err = {0};

	house_run(h, make_machine, &first);
	house_run(h, make_machine, &second);
	if (house_try(h, &first.caller, make_machine, &device, &err) != OK)
		fail_msg("%s: %s", err.code, err.text);
	house_run(h, count_in_group, &hall);
	assert_int_equal(hall.count, 1);
	assert_non_null(strstr(hall.first, "\"type\":\"device\""));
	struct error refused = {0};
	assert_int_not_equal(house_try(h, &first.caller, make_machine, &elsewhere, &refused), OK);
}

static enum status
delete_hall(struct call *call, void *arg, struct error *err)
{
	(void)arg;
	return resource_group_delete(call, place.workspace, place.hall, 0, err);
}

static void
test_groups__deleting_keeps_confined(void **state)
{
	struct house *h = *state;
	struct machine gateway = {.kind = KIND_GATEWAY, .name = "g1", .group = &place.hall};
	struct making pump = {.type = "pump", .id = "p1", .in_hall = true};
	struct counting hall = {.group = place.hall};

	house_run(h, make_machine, &gateway);
	house_run(h, make, &pump);
	house_run(h, look_at, &gateway);
	assert_true(gateway.confined);
	assert_int_equal(gateway.reach_count, 1);
	assert_true(uuid_eq(gateway.home.id, place.hall.id));

	house_run(h, delete_hall, NULL);
	house_run(h, look_at, &gateway);
	assert_true(gateway.confined);
	assert_int_equal(gateway.reach_count, 0);
	assert_true(uuid_is_nil(gateway.home.id));
	house_refused(h, &h->owner, count_in_group, &hall, "resource-group-not-found");
}

static enum status
delete_pump(struct call *call, void *arg, struct error *err)
{
	const struct making *m = arg;
	const struct resource_draft named = {
		.workspace = m->made.workspace, .type = str_from(m->type), .id = str_from(m->id)};

	return resource_delete(call, &named, err);
}

static void
test_delete__takes_grants_along(void **state)
{
	struct house *h = *state;
	struct caller fitter = house_machine(h, "fitter", NULL);
	struct making pump = {.type = "pump", .id = "p1", .in_hall = true};
	struct making gateway = {.type = "gateway", .id = "g1"};

	house_run(h, make, &pump);
	struct giving at_pump = {.who = fitter.principal,
		.role = "fitter",
		.node = {NODE_RESOURCE, pump.made.uuid.id}};
	house_run(h, give, &at_pump);
	house_run(h, delete_pump, &pump);
	house_refused(h, &h->owner, delete_pump, &pump, "resource-not-found");
	house_refused(h, &h->owner, delete_pump, &gateway, "resource-is-principal");
}

static enum status
deny_and_delete(struct call *call, void *arg, struct error *err)
{
	const struct machine *device = arg;
	const struct str denied = STR("pumps:start");
	struct guardrail rail;
	const struct guardrail_draft draft = {.name = STR("never-there"),
		.description = STR(""),
		.node = {NODE_RESOURCE, device->resource.id},
		.permissions = &denied,
		.permission_count = 1};

	enum status rc = guardrail_create(&rail, call, &draft, err);
	if (rc == OK)
		rc = rows_load_org(&call->org, call->tx, call->org->id, call->arena, err);
	call->home = call->org;
	return rc == OK ? principal_delete(call, device->caller.principal, 0, err) : rc;
}

/* What stands at a device goes with it; the references of the whole store are looked at after
 * each test. */
static void
test_delete__device_takes_its_node_along(void **state)
{
	struct house *h = *state;
	struct machine device = {.kind = KIND_DEVICE, .name = "d1", .group = &place.hall};
	struct caller fitter = house_machine(h, "fitter", NULL);

	house_run(h, make_machine, &device);
	struct giving at_device = {.who = fitter.principal,
		.role = "fitter",
		.node = {NODE_RESOURCE, device.resource.id}};
	house_run(h, give, &at_device);
	house_run(h, deny_and_delete, &device);
}

struct offering {
	enum { OFFER, TAKE_BACK, ENABLE, DISABLE, COUNT } what;
	size_t count;
	bool enabled;
};

static enum status
offer(struct call *call, void *arg, struct error *err)
{
	struct offering *o = arg;
	struct page page = {.limit = 10};
	struct offer *all;
	struct str type = STR("pump"), id = STR("p1");
	enum status rc = OK;

	switch (o->what) {
	case OFFER:
		return offer_create(call, type, id, place.workspace, err);
	case TAKE_BACK:
		return offer_delete(call, type, id, place.workspace, err);
	case ENABLE:
	case DISABLE:
		return offer_enable(call, type, id, place.workspace, o->what == ENABLE, err);
	case COUNT:
		rc = offer_list(&all, &o->count, call, place.workspace, &page, err);
		o->enabled = rc == OK && o->count > 0 && all[0].enabled;
	}
	return rc;
}

static void
test_offers(void **state)
{
	struct house *h = *state;
	struct making own = {.type = "pump", .id = "p1"};
	struct making global = {.type = "pump", .id = "p1", .global = true};
	struct offering o = {.what = OFFER};
	struct offering enable = {.what = ENABLE};

	house_run(h, make, &own);
	house_refused(h, &h->owner, offer, &o, "resource-not-found");
	house_run(h, make, &global);
	house_refused(h, &h->owner, offer, &enable, "offer-not-found");
	house_run(h, offer, &o);
	house_run(h, offer, &o);
	o.what = COUNT;
	house_run(h, offer, &o);
	assert_int_equal(o.count, 1);
	assert_false(o.enabled);
	house_run(h, offer, &enable);
	house_run(h, offer, &o);
	assert_true(o.enabled);
	house_run(h, delete_pump, &global);
	house_run(h, offer, &o);
	assert_int_equal(o.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(create__refusals),
		TEST(groups__adding_twice_is_once),
		TEST(groups__grants_at_the_group_are_guarded),
		TEST(groups__reach_is_guarded),
		TEST(gateway__registers_devices_at_home),
		TEST(groups__deleting_keeps_confined),
		TEST(delete__takes_grants_along),
		TEST(delete__device_takes_its_node_along),
		TEST(offers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
