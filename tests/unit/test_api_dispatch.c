#include "directory_support.h"
#include "keyring_support.h"

#include <stdio.h>
#include <unistd.h>

#include "api/cursor.h"
#include "api/dispatch.h"
#include "api/route.h"
#include "crypto/secret.h"
#include "http_wire.h"
#include "iam/access/groups.h"

/*
 * The dispatcher over a contract of this test's own, with the real server, store, directory and
 * use cases: what it does around any operation.
 */
#define ORG "01000000-0000-0000-0000-000000000001"
#define ORG_OTHER "01000000-0000-0000-0000-000000000002"

static enum status
op_public(struct operation_call *op, struct error *err)
{
	(void)err;
	op->content_type = "text/plain";
	buf_str(op->out.out, STR("for everybody"));
	return OK;
}

static enum status
op_self(struct operation_call *op, struct error *err)
{
	(void)err;
	jw_object(&op->out, NULL);
	jw_uuid(&op->out, "id", op->call.caller.principal.id);
	jw_end_object(&op->out);
	return OK;
}

static enum status
op_list(struct operation_call *op, struct error *err)
{
	struct group *groups;
	size_t count;
	enum status rc = group_list(&groups, &count, &op->call, &op->page, err);
	if (rc != OK)
		return rc;
	list_open(op);
	for (size_t i = 0; i < count; i++)
		group_write(&op->out, NULL, &groups[i]);
	list_close(op);
	return OK;
}

static enum status
op_create(struct operation_call *op, struct error *err)
{
	struct group group;
	struct group_draft draft = {.name = json_str(json_get(op->body, "name")),
		.description = STR(""),
		.if_match = op->if_match};
	enum status rc = group_create(&group, &op->call, &draft, err);
	if (rc != OK)
		return rc;
	group_write(&op->out, NULL, &group);
	op->etag = group.changed;
	op->location = STR("/somewhere");
	return OK;
}

static enum status
op_stated(struct operation_call *op, struct error *err)
{
	if (str_eq(json_str(json_get(op->body, "name")), STR("guarded")))
		return operation_require(op, op->node, err);
	return op_create(op, err);
}

static enum status
op_if_match(struct operation_call *op, struct error *err)
{
	return call_check_match(op->if_match, 7, err);
}

static const struct schema NAME = {
	.types = SCHEMA_STRING, .min = 1, .max = 20, .low = INT64_MIN, .high = INT64_MAX};
static const struct schema_member BODY_MEMBERS[] = {{"name", &NAME, true}};
static const struct schema BODY = {.types = SCHEMA_OBJECT,
	.max = UINT32_MAX,
	.members = BODY_MEMBERS,
	.member_count = 1,
	.closed = true};
static const struct schema ORG_ID = {.types = SCHEMA_STRING, .max = 36, .format = FORMAT_UUID};
static const struct schema CURSOR = {.types = SCHEMA_STRING, .max = 64};
static const struct schema LIMIT = {
	.types = SCHEMA_INTEGER, .max = UINT32_MAX, .low = 1, .high = 200};
static const struct schema FLAG = {.types = SCHEMA_BOOLEAN, .max = UINT32_MAX};
static const struct route_parameter PATH_ORG[] = {{"org", &ORG_ID}};
static const struct route_parameter PAGED[] = {{"cursor", &CURSOR}, {"limit", &LIMIT}};
static const struct route_parameter PREVIEW[] = {{"preview", &FLAG}};

#define AT_ORG                                                                                     \
	.node = NODE_ORG, .org_at = 0, .workspace_at = -1, .path = PATH_ORG, .path_count = 1,      \
	.body_max = 64
#define AT_SELF .permission = PERMISSION_NONE, .org_at = -1, .workspace_at = -1, .success = 200

const struct route routes[] = {
	{.name = "public", .method = HTTP_GET, .run = op_public, .access = ROUTE_PUBLIC, AT_SELF},
	{.name = "self",
		.method = HTTP_GET,
		.run = op_self,
		.access = ROUTE_AUTHENTICATED,
		AT_SELF},
	{.name = "list",
		.method = HTTP_GET,
		.run = op_list,
		.permission = IAM_GROUPS_READ,
		.success = 200,
		.paged = true,
		.query = PAGED,
		.query_count = 2,
		AT_ORG},
	{.name = "create",
		.method = HTTP_POST,
		.run = op_create,
		.permission = IAM_GROUPS_CREATE,
		.success = 201,
		.change = true,
		.previews = true,
		.body = &BODY,
		.body_required = true,
		.query = PREVIEW,
		.query_count = 1,
		AT_ORG},
	{.name = "stated",
		.method = HTTP_POST,
		.run = op_stated,
		.access = ROUTE_STATED,
		.permission = IAM_GROUPS_CREATE,
		.success = 204,
		.change = true,
		.body = &BODY,
		.body_required = true,
		AT_ORG},
	{.name = "match",
		.method = HTTP_PATCH,
		.run = op_if_match,
		.permission = IAM_GROUPS_UPDATE,
		.success = 204,
		.change = true,
		.matches = true,
		AT_ORG},
};
const unsigned route_count = ARRAY_LEN(routes);
const struct route_path route_paths[] = {
	{"/api/public", (const char *const[]){"api", "public"}, 2, {HTTP_GET}, 1, 0},
	{"/api/self", (const char *const[]){"api", "self"}, 2, {HTTP_GET}, 1, 1},
	{"/api/orgs/{org}/things", (const char *const[]){"api", "orgs", NULL, "things"}, 4,
		{HTTP_GET, HTTP_POST}, 2, 2},
	{"/api/orgs/{org}/stated", (const char *const[]){"api", "orgs", NULL, "stated"}, 4,
		{HTTP_POST}, 1, 4},
	{"/api/orgs/{org}/match", (const char *const[]){"api", "orgs", NULL, "match"}, 4,
		{HTTP_PATCH}, 1, 5},
};
const unsigned route_path_count = ARRAY_LEN(route_paths);
const char *const schema_patterns[] = {""};
const unsigned schema_pattern_count = 0;
const struct str contract_text = {"", 0};

static const struct sql FIX_HEAD = SQL("UPDATE orgs SET head = zeroblob(32) WHERE org = $1");
static const struct sql ADD_CREDENTIAL =
	SQL("INSERT INTO credentials (org, credential, principal, name, hash, pepper, state, "
	    "created_us) VALUES ($1, $2, $3, 'key', $4, $5, 1, 0)");

static struct keyring *ring;
static struct signin signin;
static struct api *api;
static struct http_server *server;
static struct secret_text admin, nobody; /* secrets */
static char space[65536];

static void
add_caller(struct tx *tx, uint32_t number, const struct secret_text *secret, const char *label)
{
	struct error err = {0};
	struct query q;
	uint8_t hash[SHA256_LEN];
	int pepper;
	put(tx, &INSERT_PRINCIPAL, "uuiusininn", ORG_A.id, id_of(2, number), KIND_MEMBER,
		(struct uuid){{0}}, label, STATE_ACTIVE, 0);
	keyring_hash(ring, hash, &pepper, str_from(secret->text));
	assert_int_equal(query_begin(&q, tx, &ADD_CREDENTIAL, &err), OK);
	query_bind_uuid(&q, 1, ORG_A.id);
	query_bind_uuid(&q, 2, id_of(4, number));
	query_bind_uuid(&q, 3, id_of(2, number));
	query_bind_bytes(&q, 4, hash, sizeof(hash));
	query_bind_int(&q, 5, pepper);
	assert_int_equal(query_run(&q, NULL, &err), OK);
}

static void
write_rows(struct tx *tx, const void *arg)
{
	(void)arg;
	struct uuid nil = {{0}};
	put(tx, &INSERT_ORG, "uii", ORG_A.id, 1, 1);
	put(tx, &FIX_HEAD, "u", ORG_A.id);
	put(tx, &INSERT_ORG, "uii", ORG_B.id, 1, 1);
	put(tx, &FIX_HEAD, "u", ORG_B.id);
	put(tx, &INSERT_ROLE, "uuiusiin", ORG_A.id, id_of(5, 1), 1, nil, "owner", 1, 1);
	add_caller(tx, 1, &admin, "admin");
	add_caller(tx, 2, &nobody, "nobody");
	put(tx, &INSERT_GRANT, "uuiuuniunn", ORG_A.id, id_of(6, 1), 0, id_of(2, 1), id_of(5, 1),
		NODE_ORG, ORG_A.id);
}

static void
handle(struct http_request *r, void *context)
{
	(void)context;
	api_handle(api, r);
}

static int
set_up(void **state)
{
	struct error err = {0};
	assert_int_equal(fixture_set_up(state), 0);
	struct fixture *f = *state;
	ring = make_keyring();
	secret_issue(&admin, "twk_", ORG_A.id, id_of(4, 1));
	secret_issue(&nobody, "twk_", ORG_A.id, id_of(4, 2));
	change(f, write_rows, NULL);
	signin = (struct signin){
		.directory = f->directory, .keyring = ring, .base_url = STR("http://127.0.0.1")};
	struct api_options options = {.store = f->store, .signin = &signin};
	assert_int_equal(api_new(&api, &options, &err), OK);
	struct http_options http = {.address = "127.0.0.1",
		.threads = 2,
		.connections_max = 100,
		.suspended_max = 100,
		.idle_timeout_s = 10,
		.body_max = 4096,
		.arena_max = 8 << 20,
		.handler = handle};
	if (http_server_start(&server, &http, &err) != OK)
		fail_msg("%s", err.text);
	return 0;
}

static int
tear_down(void **state)
{
	http_server_stop(&server, 5000);
	api_free(&api);
	keyring_free(&ring);
	return fixture_tear_down(state);
}

/* `extra`: further headers, each with its CRLF. */
static struct str
ask(const struct secret_text *who, const char *target, const char *extra, const char *body)
{
	char request[4096];
	int len = snprintf(request, sizeof(request),
		"%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s%s%s%sContent-Length: "
		"%zu\r\n\r\n%s",
		target, who ? "Authorization: Bearer " : "", who ? who->text : "",
		who ? "\r\n" : "", extra, strlen(body), body);
	assert_true(len > 0 && (size_t)len < sizeof(request));
	return wire_ask(
		http_server_port(server), (struct str){request, (size_t)len}, space, sizeof(space));
}

static void
expect_at(struct str got, const char *const *parts, int line)
{
	for (; *parts; parts++) {
		if (wire_has(got, *parts))
			continue;
		print_error("want: %s\ngot:  %.*s\n", *parts, STR_ARG(got));
		_fail(__FILE__, line);
	}
}
#define expect(got, ...) expect_at(got, (const char *const[]){__VA_ARGS__, NULL}, __LINE__)

#define JSON "Content-Type: application/json\r\n"
#define THINGS "/api/orgs/" ORG "/things"

static void
test_dispatch__paths_and_methods(void **state)
{
	(void)state;
	expect(ask(NULL, "GET /api/nothing", "", ""), "HTTP/1.1 404", "application/problem+json",
		"\"type\":\"/problems/no-such-path\"", "\"status\":404", "\"request_id\":\"",
		"X-Request-ID: ");
	expect(ask(NULL, "DELETE " THINGS, "", ""), "HTTP/1.1 405", "Allow: GET, HEAD, POST",
		"/problems/method-not-allowed");
	expect(ask(NULL, "GET /api/public", "", ""), "HTTP/1.1 200", "text/plain", "for everybody");
	expect(ask(NULL, "GET /api/public?x=1", "", ""), "HTTP/1.1 400",
		"query.x: there is no such parameter.");
}

static void
test_dispatch__who_calls(void **state)
{
	(void)state;
	expect(ask(NULL, "GET /api/self", "", ""), "HTTP/1.1 401",
		"WWW-Authenticate: Bearer realm=\"thingward\", resource_metadata=\""
		"http://127.0.0.1/.well-known/oauth-protected-resource/api\"",
		"/problems/unauthenticated");
	/* Nothing about the input is said to strangers. */
	expect(ask(NULL, "POST " THINGS, JSON, "{\"nmae\":1}"), "HTTP/1.1 401");
	char twice[200];
	snprintf(twice, sizeof(twice), "Authorization: Bearer %s\r\n", admin.text);
	expect(ask(&admin, "GET /api/self", twice, ""), "HTTP/1.1 401");
	expect(ask(&nobody, "GET /api/self", "", ""), "HTTP/1.1 200",
		"{\"id\":\"02000000-0000-0000-0000-000000000002\"}", "Cache-Control: no-store");
	struct str head = ask(&nobody, "HEAD /api/self", "", "");
	expect(head, "HTTP/1.1 200");
	assert_false(wire_has(head, "{\"id\""));
}

static void
test_dispatch__the_permission_is_required(void **state)
{
	(void)state;
	expect(ask(&nobody, "GET " THINGS, "", ""), "HTTP/1.1 403",
		"\"permission\":\"iam:groups:read\"");
	expect(ask(&nobody, "POST " THINGS, JSON, "{\"name\":\"x\"}"), "HTTP/1.1 403",
		"\"permission\":\"iam:groups:create\"");
	expect(ask(&admin, "GET /api/orgs/" ORG_OTHER "/things", "", ""), "HTTP/1.1 404",
		"/problems/organisation-not-found");
}

static void
test_dispatch__input_is_checked(void **state)
{
	(void)state;
	expect(ask(&admin, "GET /api/orgs/x/things", "", ""), "HTTP/1.1 400",
		"path.org: has to be a UUID.");
	expect(ask(&admin, "GET /api/orgs/%2/things", "", ""), "HTTP/1.1 400");
	expect(ask(&admin, "GET " THINGS "?limit=0", "", ""), "HTTP/1.1 400",
		"query.limit: has to be 1 to 200.");
	expect(ask(&admin, "GET " THINGS "?limit=1&limit=2", "", ""), "HTTP/1.1 400",
		"query.limit: is there several times.");
	expect(ask(&admin, "GET " THINGS "?cursor=abc", "", ""), "HTTP/1.1 400",
		"/problems/invalid-cursor");
	expect(ask(&admin, "POST " THINGS, "", "{\"name\":\"x\"}"), "HTTP/1.1 415");
	expect(ask(&admin, "POST " THINGS, "Content-Type: text/json\r\n", "{}"), "HTTP/1.1 415");
	expect(ask(&admin, "POST " THINGS, JSON, "{\"name\":"), "HTTP/1.1 400",
		"/problems/malformed-json");
	expect(ask(&admin, "POST " THINGS, JSON, ""), "HTTP/1.1 400", "body: is missing.");
	expect(ask(&admin, "POST " THINGS, JSON, "{\"name\":\"x\",\"more\":1}"), "HTTP/1.1 400",
		"body.more: there is no such member.");
	expect(ask(&admin, "GET " THINGS, JSON, "{}"), "HTTP/1.1 400", "body: none is taken here.");
	char large[200] = "{\"name\":\"";
	memset(large + strlen(large), 'x', 100);
	memcpy(large + strlen(large), "\"}", 3);
	expect(ask(&admin, "POST " THINGS, JSON, large), "HTTP/1.1 413",
		"/problems/body-too-large");
	expect(ask(&admin, "GET " THINGS, "", ""), "HTTP/1.1 200", "{\"items\":[],\"next\":null}");
}

static void
test_dispatch__a_change_is_answered_with_its_revision(void **state)
{
	(void)state;
	expect(ask(&admin, "POST " THINGS, "Content-Type: application/json; charset=utf-8\r\n",
		       "{\"name\":\"one\"}"),
		"HTTP/1.1 201", "ETag: \"2\"", "Location: /somewhere", "Thingward-Revision: 2",
		"\"name\":\"one\"");
	expect(ask(&admin, "POST " THINGS, JSON, "{\"name\":\"two\"}"), "HTTP/1.1 201",
		"Thingward-Revision: 3");
	expect(ask(&admin, "POST " THINGS, JSON, "{\"name\":\"two\"}"), "HTTP/1.1 409");
	struct str page = ask(&admin, "GET " THINGS "?limit=1", "", "");
	expect(page, "HTTP/1.1 200", "\"name\":\"one\"", "\"next\":\"");
	assert_false(wire_has(page, "Thingward-Revision"));
	char target[200];
	const char *next = memmem(page.ptr, page.len, "\"next\":\"", 8);
	snprintf(target, sizeof(target), "GET " THINGS "?cursor=%.*s", CURSOR_TEXT_MAX - 1,
		next + 8);
	page = ask(&admin, target, "", "");
	expect(page, "HTTP/1.1 200", "\"name\":\"two\"", "\"next\":null");
	assert_false(wire_has(page, "\"name\":\"one\""));
}

static void
test_dispatch__a_preview_changes_nothing(void **state)
{
	(void)state;
	struct str got = ask(&admin, "POST " THINGS "?preview=true", JSON, "{\"name\":\"one\"}");
	expect(got, "HTTP/1.1 201", "\"name\":\"one\"");
	assert_false(wire_has(got, "Thingward-Revision"));
	expect(ask(&admin, "GET " THINGS, "", ""), "{\"items\":[],\"next\":null}");
	expect(ask(&nobody, "POST " THINGS "?preview=true", JSON, "{\"name\":\"one\"}"),
		"HTTP/1.1 403");
	expect(ask(&admin, "POST " THINGS "?preview=false", JSON, "{\"name\":\"one\"}"),
		"HTTP/1.1 201", "Thingward-Revision: 2");
}

static void
test_dispatch__if_match(void **state)
{
	(void)state;
	static const char target[] = "PATCH /api/orgs/" ORG "/match";
	expect(ask(&admin, target, "If-Match: \"7\"\r\n", ""), "HTTP/1.1 204");
	expect(ask(&admin, target, "If-Match: *\r\n", ""), "HTTP/1.1 204");
	expect(ask(&admin, target, "", ""), "HTTP/1.1 204");
	expect(ask(&admin, target, "If-Match: \"8\"\r\n", ""), "HTTP/1.1 412");
	static const char *const wrong[] = {"7", "\"\"", "\"", "\"x\"", "W/\"7\"", "\"7\", \"8\""};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		char header[64];
		snprintf(header, sizeof(header), "If-Match: %s\r\n", wrong[i]);
		expect(ask(&admin, target, header, ""), "HTTP/1.1 400",
			"/problems/invalid-if-match");
	}
}

/* An operation that forgets to require its permission does nothing, for anybody. */
static void
test_dispatch__what_is_unguarded_fails_closed(void **state)
{
	(void)state;
	static const char target[] = "POST /api/orgs/" ORG "/stated";
	expect(ask(&admin, target, JSON, "{\"name\":\"guarded\"}"), "HTTP/1.1 204");
	expect(ask(&nobody, target, JSON, "{\"name\":\"guarded\"}"), "HTTP/1.1 403");
	expect(ask(&admin, target, JSON, "{\"name\":\"open\"}"), "HTTP/1.1 500",
		"/problems/permission-not-required");
	expect(ask(&admin, "GET " THINGS, "", ""), "{\"items\":[],\"next\":null}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_dispatch__##name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(paths_and_methods),
		TEST(who_calls),
		TEST(the_permission_is_required),
		TEST(input_is_checked),
		TEST(a_change_is_answered_with_its_revision),
		TEST(a_preview_changes_nothing),
		TEST(if_match),
		TEST(what_is_unguarded_fails_closed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
