/*
 * Fills a new store with organisations of the form that shape.h tells, by rows alone, and writes a
 * plan for bench_load: requests for decisions about principals and devices drawn at random. Prints
 * JSON: the first organisation and its key.
 */
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "config/config.h"
#include "model/kinds.h"
#include "server/installation.h"
#include "shape.h"

static struct {
	const char *store, *plan;
	uint32_t orgs, principals, groups, devices; /* the last three: in each organisation */
	uint32_t draws;
} options = {.orgs = 1, .principals = 1000, .groups = 10, .devices = 100};

static sqlite3 *db;
static struct secret_text *keys; /* of each organisation */
static uint64_t random_state = 1;

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "seed: %s: %s\n", what, why);
	exit(1);
}

static void
must(int rc)
{
	if (rc != SQLITE_OK && rc != SQLITE_DONE)
		die("sqlite", sqlite3_errmsg(db));
}

enum table {
	ORGS,
	PERMISSIONS,
	ROLES,
	ROLE_PERMISSIONS,
	GUARDRAILS,
	TYPES,
	WORKSPACES,
	ISSUERS,
	GROUPS,
	RGROUPS,
	RESOURCES,
	RGROUP_MEMBERS,
	PRINCIPALS,
	MEMBERS,
	GRANTS,
	CREDENTIALS,
	TABLES
};

/* ?1 is the organisation everywhere. */
static const char *const INSERTS[TABLES] = {
	[ORGS] = "INSERT INTO orgs (org, name, state, revision, skeleton, head, next_permission,"
		 " next_role, created_us, changed)"
		 " VALUES (?1, 'Bench', 1, 0, 0, zeroblob(32), 2000, 100, 1, 1)",
	[PERMISSIONS] = "INSERT INTO permissions (org, number, workspace, name, description, class,"
			" machine, origin, removed, created_us, changed, operation_group)"
			" VALUES (?1, ?2, zeroblob(16), ?3, '', 1, 0, '', 0, 1, 1, 'bench')",
	[ROLES] =
		"INSERT INTO roles (org, role, number, workspace, name, title, description, kinds,"
		" system, exercises_all, gives_all, confines, ceiling, origin, created_us,"
		" changed) VALUES (?1, ?2, ?3, zeroblob(16), ?4, '', '', ?5, ?6, ?6, ?6, 0, ?7, '',"
		" 1, 1)",
	[ROLE_PERMISSIONS] =
		"INSERT INTO role_permissions (org, role, permission, exercises, gives)"
		" VALUES (?1, ?2, ?3, 1, 0)",
	[GUARDRAILS] = "INSERT INTO guardrails (org, guardrail, name, description, node_kind, node,"
		       " kinds, permissions, origin, created_us, changed)"
		       " VALUES (?1, ?2, 'No deletion', '', 2, ?1, ?3, '[\"devices:delete\"]', '',"
		       " 1, 1)",
	[TYPES] = "INSERT INTO resource_types (org, type, description, registered, origin)"
		  " VALUES (?1, 'device', '', 1, '')",
	[WORKSPACES] = "INSERT INTO workspaces (org, workspace, name, description, state,"
		       " created_us, changed) VALUES (?1, ?2, 'Main', '', 1, 1, 1)",
	[ISSUERS] = "INSERT INTO issuers (org, workspace) VALUES (?1, ?2)",
	[GROUPS] = "INSERT INTO groups (org, grp, name, description, created_us, changed)"
		   " VALUES (?1, ?2, ?3, '', 1, 1)",
	[RGROUPS] = "INSERT INTO resource_groups (org, workspace, grp, name, description,"
		    " created_us, changed) VALUES (?1, ?2, ?3, ?4, '', 1, 1)",
	[RESOURCES] = "INSERT INTO resources (org, workspace, type, id, resource, name, state,"
		      " created_us, changed) VALUES (?1, ?2, 'device', ?4, ?3, ?4, 1, 1, 1)",
	[RGROUP_MEMBERS] = "INSERT INTO resource_group_members (org, grp, resource, since_us)"
			   " VALUES (?1, ?2, ?3, 1) ON CONFLICT DO NOTHING",
	[PRINCIPALS] = "INSERT INTO principals (org, principal, kind, workspace, label, name,"
		       " description, state, confined, generation, created_us, changed)"
		       " VALUES (?1, ?2, ?3, zeroblob(16), ?4, ?4, '', 1, 0, 0, 1, 1)",
	[MEMBERS] = "INSERT INTO group_members (org, grp, principal, since_us)"
		    " VALUES (?1, ?2, ?3, 1) ON CONFLICT DO NOTHING",
	[GRANTS] = "INSERT INTO grants (org, grant_id, holder_kind, holder, role, node_kind, node,"
		   " created_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1)",
	[CREDENTIALS] = "INSERT INTO credentials (org, credential, principal, name, hash, pepper,"
			" state, created_us) VALUES (?1, ?2, ?3, 'bench', ?4, ?5, 1, 1)",
};
static sqlite3_stmt *inserts[TABLES];

/* Binds from ?2 on by letters: 'u' uuid, 'i' int, 's' text or NULL, 'h' a hash. */
static void
put(enum table table, struct uuid org, const char *letters, ...)
{
	sqlite3_stmt *s = inserts[table];
	va_list args;
	struct uuid id;

	must(sqlite3_bind_blob(s, 1, org.bytes, 16, SQLITE_TRANSIENT));
	va_start(args, letters);
	for (int at = 2; letters[at - 2]; at++) {
		switch (letters[at - 2]) {
		case 'u':
			id = va_arg(args, struct uuid);
			must(sqlite3_bind_blob(s, at, id.bytes, 16, SQLITE_TRANSIENT));
			break;
		case 'i':
			must(sqlite3_bind_int64(s, at, va_arg(args, int)));
			break;
		case 's':
			must(sqlite3_bind_text(
				s, at, va_arg(args, const char *), -1, SQLITE_TRANSIENT));
			break;
		default:
			must(sqlite3_bind_blob(
				s, at, va_arg(args, const void *), SHA256_LEN, SQLITE_TRANSIENT));
		}
	}
	va_end(args);
	must(sqlite3_step(s));
	must(sqlite3_reset(s));
}

enum role { OWNER, VIEWER, OPERATOR, AUDITOR, ADMIN };
static const char *const ROLE_NAMES[] = {"owner", "viewer", "operator", "auditor", "admin"};

static uint32_t grant_number;

static void
put_grant(uint32_t org, struct uuid holder, enum role role, enum node_kind kind, struct uuid node)
{
	put(GRANTS, shape_id(THING_ORG, org, 0), "uiuuiu",
		shape_id(THING_GRANT, org, grant_number++), holder.bytes[7] == THING_GROUP, holder,
		shape_id(THING_ROLE, org, role), (int)kind, node);
}

static void
put_skeleton(uint32_t org)
{
	static const char *const permissions[] = {
		"devices:read", "devices:write", "devices:delete", "devices:wipe", "logs:read"};
	static const struct {
		enum role role;
		const char *permission;
	} carried[] = {{VIEWER, "devices:read"}, {OPERATOR, "devices:read"},
		{OPERATOR, "devices:write"}, {AUDITOR, "logs:read"}, {ADMIN, "devices:delete"}};
	struct uuid id = shape_id(THING_ORG, org, 0);

	put(ORGS, id, "");
	for (size_t i = 0; i < ARRAY_LEN(permissions); i++)
		put(PERMISSIONS, id, "is", PERMISSION_OWN_FIRST + (int)i, permissions[i]);
	for (unsigned i = 0; i < ARRAY_LEN(ROLE_NAMES); i++)
		put(ROLES, id, "uisiis", shape_id(THING_ROLE, org, i), (int)i, ROLE_NAMES[i],
			(int)KIND_ALL, i == OWNER, i == OWNER ? "{\"except\":[]}" : NULL);
	for (size_t i = 0; i < ARRAY_LEN(carried); i++)
		put(ROLE_PERMISSIONS, id, "us", shape_id(THING_ROLE, org, carried[i].role),
			carried[i].permission);
	put(GUARDRAILS, id, "ui", shape_id(THING_GUARDRAIL, org, 0), (int)KIND_ALL);
	put(TYPES, id, "");
	put(WORKSPACES, id, "u", shape_id(THING_WORKSPACE, org, 0));
	put(ISSUERS, id, "u", shape_id(THING_WORKSPACE, org, 0));
}

static uint32_t
rgroup_count(void)
{
	return options.devices / DEVICES_PER_RGROUP + 1;
}

static void
put_devices(uint32_t org)
{
	struct uuid id = shape_id(THING_ORG, org, 0), ws = shape_id(THING_WORKSPACE, org, 0);
	uint32_t rgroups = rgroup_count();
	char name[32];

	for (uint32_t i = 0; i < rgroups; i++) {
		snprintf(name, sizeof(name), "line-%u", i);
		put(RGROUPS, id, "uus", ws, shape_id(THING_RGROUP, org, i), name);
	}
	for (uint32_t i = 0; i < options.devices; i++) {
		struct uuid device = shape_id(THING_RESOURCE, org, i);
		snprintf(name, sizeof(name), DEVICE_NAME_FORMAT, i);
		put(RESOURCES, id, "uus", ws, device, name);
		put(RGROUP_MEMBERS, id, "uu", shape_id(THING_RGROUP, org, i % rgroups), device);
		put(RGROUP_MEMBERS, id, "uu", shape_id(THING_RGROUP, org, (i + 1) % rgroups),
			device);
	}
}

static void
put_groups(uint32_t org)
{
	struct uuid id = shape_id(THING_ORG, org, 0), ws = shape_id(THING_WORKSPACE, org, 0);
	char name[32];

	for (uint32_t i = 0; i < options.groups; i++) {
		struct uuid group = shape_id(THING_GROUP, org, i);
		snprintf(name, sizeof(name), "team-%u", i);
		put(GROUPS, id, "us", group, name);
		put_grant(org, group, AUDITOR, NODE_ORG, id);
		put_grant(org, group, VIEWER, NODE_WORKSPACE, ws);
		put_grant(org, group, ADMIN, NODE_WORKSPACE, ws);
		put_grant(org, group, OPERATOR, NODE_RESOURCE_GROUP,
			shape_id(THING_RGROUP, org, i % rgroup_count()));
		put_grant(org, group, OPERATOR, NODE_RESOURCE,
			shape_id(THING_RESOURCE, org, i % options.devices));
	}
}

static void
put_principals(uint32_t org)
{
	struct uuid id = shape_id(THING_ORG, org, 0);
	char name[32];

	for (uint32_t i = 1; i <= options.principals; i++) {
		struct uuid who = shape_id(THING_PRINCIPAL, org, i);
		snprintf(name, sizeof(name), "service-%u", i);
		put(PRINCIPALS, id, "uis", who, KIND_SERVICE_ACCOUNT, name);
		put(MEMBERS, id, "uu", shape_id(THING_GROUP, org, i % options.groups), who);
		put(MEMBERS, id, "uu",
			shape_id(THING_GROUP, org, (i * UINT32_C(31) + 17) % options.groups), who);
		put_grant(org, who, OPERATOR, NODE_RESOURCE_GROUP,
			shape_id(THING_RGROUP, org, i % rgroup_count()));
	}
}

static void
put_key(uint32_t org, const struct keyring *ring)
{
	struct uuid id = shape_id(THING_ORG, org, 0), who = shape_id(THING_PRINCIPAL, org, 0);
	struct uuid credential = shape_id(THING_CREDENTIAL, org, 0);
	uint8_t hash[SHA256_LEN];
	int pepper;

	secret_issue(&keys[org], "twk_", id, credential);
	keyring_hash(ring, hash, &pepper, str_from(keys[org].text));
	put(PRINCIPALS, id, "uis", who, KIND_API_KEY, "bench");
	put(CREDENTIALS, id, "uuhi", credential, who, hash, pepper);
	put_grant(org, who, OWNER, NODE_ORG, id);
}

static void
fill(const struct keyring *ring)
{
	must(sqlite3_open(options.store, &db));
	must(sqlite3_exec(db, "PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000", 0, 0, 0));
	must(sqlite3_exec(db, "BEGIN", 0, 0, 0));
	for (size_t i = 0; i < TABLES; i++)
		must(sqlite3_prepare_v2(db, INSERTS[i], -1, &inserts[i], NULL));
	for (uint32_t org = 0; org < options.orgs; org++) {
		grant_number = 0;
		put_skeleton(org);
		put_devices(org);
		put_groups(org);
		put_principals(org);
		put_key(org, ring);
	}
	for (size_t i = 0; i < TABLES; i++)
		sqlite3_finalize(inserts[i]);
	must(sqlite3_exec(db, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)", 0, 0, 0));
	must(sqlite3_close(db));
}

static void
write_request(FILE *plan, uint32_t org, uint32_t principal)
{
	char who[UUID_TEXT_LEN + 1], where[UUID_TEXT_LEN + 1];

	uuid_format(who, shape_id(THING_PRINCIPAL, org, principal));
	uuid_format(where, shape_id(THING_WORKSPACE, org, 0));
	fprintf(plan,
		"/access/v1/evaluation %s "
		"{\"subject\":{\"type\":\"service_account\",\"id\":\"%s\"},"
		"\"action\":{\"name\":\"devices:read\"},\"resource\":{\"type\":\"device\","
		"\"id\":\"" DEVICE_NAME_FORMAT "\",\"properties\":{\"workspace\":\"%s\"}}}\n",
		keys[org].text, who, (unsigned)shape_draw(&random_state, options.devices), where);
}

/* So many principals, none of them twice; each asks about a device drawn at random. */
static void
write_plan(void)
{
	uint64_t all = (uint64_t)options.orgs * options.principals, step = 1000003;
	FILE *plan = fopen(options.plan, "w");

	if (!plan)
		die(options.plan, "cannot be written");
	if (all % step == 0 || options.draws > all)
		die("draws", "more than there are principals");
	for (uint64_t i = 0; i < options.draws; i++) {
		uint64_t at = i * step % all;
		write_request(
			plan, (uint32_t)(at % options.orgs), (uint32_t)(at / options.orgs) + 1);
	}
	if (fclose(plan) != 0)
		die(options.plan, "cannot be written");
}

static const char *
no_environment(const char *name)
{
	(void)name;
	return NULL;
}

/* Makes the store, its keys and the platform as the server does. */
static void
found(void)
{
	char name[] = "--store", path[4096];
	char *arguments[] = {name, path};
	struct config config;
	struct installation installation = {0};
	struct error err = {0};

	snprintf(path, sizeof(path), "%s", options.store);
	enum status rc = config_load(&config, 2, arguments, no_environment, &err);
	if (rc == OK)
		rc = installation_open(&installation, &config, &err);
	if (rc != OK)
		die(err.code, err.text);
	fill(installation.keyring);
	installation_close(&installation);
	config_clear(&config);
}

static uint32_t
number(const char *text)
{
	int64_t value = 0;
	if (!str_to_i64(str_from(text), &value) || value < 1 || value > INT32_MAX)
		die(text, "is no count");
	return (uint32_t)value;
}

/* Pairs of a name and its value. */
static bool
read_options(int argc, char **argv)
{
	const struct {
		const char *name;
		const char **text;
		uint32_t *count;
	} known[] = {{"--store", &options.store, NULL}, {"--plan", &options.plan, NULL},
		{"--orgs", NULL, &options.orgs}, {"--principals", NULL, &options.principals},
		{"--groups", NULL, &options.groups}, {"--devices", NULL, &options.devices},
		{"--draws", NULL, &options.draws}};
	for (int i = 1; i + 1 < argc; i += 2) {
		size_t at = 0;
		while (at < ARRAY_LEN(known) && strcmp(known[at].name, argv[i]) != 0)
			at++;
		if (at == ARRAY_LEN(known))
			return false;
		if (known[at].text)
			*known[at].text = argv[i + 1];
		else
			*known[at].count = number(argv[i + 1]);
	}
	return argc % 2 == 1 && options.store;
}

int
main(int argc, char **argv)
{
	char org[UUID_TEXT_LEN + 1];

	if (!read_options(argc, argv)) {
		fprintf(stderr,
			"usage: seed --store FILE [--orgs N] [--principals N] [--groups N]"
			" [--devices N] [--plan FILE --draws N]\n");
		return 2;
	}
	keys = calloc(options.orgs, sizeof(*keys));
	if (!keys)
		die("memory", "is not enough");
	found();
	if (options.plan)
		write_plan();
	uuid_format(org, shape_id(THING_ORG, 0, 0));
	printf("{\"org\":\"%s\",\"key\":\"%s\"}\n", org, keys[0].text);
	return 0;
}
