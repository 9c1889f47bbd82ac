#include "api/dispatch.h"

#include <stdlib.h>

#include "api/exchange.h"
#include "api/problem.h"
#include "base/clock.h"
#include "signin/credential.h"

enum status
api_new(struct api **out, const struct api_options *options, struct error *err)
{
	*out = NULL;
	enum status rc = validate_init(err);
	if (rc != OK)
		return rc;
	struct api *api = calloc(1, sizeof(*api));
	if (!api)
		return error_no_memory(err);
	api->options = *options;
	*out = api;
	return OK;
}

void
api_free(struct api **api)
{
	free(*api);
	*api = NULL;
}

/* Where the API says who may call it (RFC 9728 section 5.1); that what was sent is worth nothing
 * (RFC 6750 section 3.1). */
static void
challenge(struct exchange *x)
{
	char space[512];
	struct buf out;
	buf_init_fixed(&out, space, sizeof(space));
	buf_str(&out, STR("Bearer realm=\"thingward\", resource_metadata=\""));
	buf_str(&out, x->api->options.signin->base_url);
	buf_str(&out, STR("/.well-known/oauth-protected-resource/api\""));
	if (http_header_count(x->http, "Authorization") > 0)
		buf_str(&out, STR(", error=\"invalid_token\""));
	http_add_header(x->http, "WWW-Authenticate",
		out.failed ? STR("Bearer realm=\"thingward\"") : buf_view(&out));
}

static void
refuse(struct exchange *x, const struct error *err)
{
	if (err->status == ERR_UNAUTHENTICATED)
		challenge(x);
	problem_respond(x->http, err);
}

static void
answer_done(struct exchange *x)
{
	if (x->status == OK)
		exchange_answer(x);
	else
		refuse(x, &x->error);
}

#define exchange_of(member_ptr, member)                                                            \
	((struct exchange *)(void *)((char *)(member_ptr)-offsetof(struct exchange, member)))

static enum status
job_run(struct store_job *job, struct tx *tx, struct error *err)
{
	return exchange_run(exchange_of(job, job), tx, err);
}

static void
job_done(struct store_job *job, enum status status, const struct error *err)
{
	struct exchange *x = exchange_of(job, job);
	bool previewed = x->undone && err && err->status == ERR_CONFLICT;
	x->status = previewed ? OK : status;
	if (x->status != OK && err)
		x->error = *err;
	/* The exchange may be gone when the request is never resumed: what is owned goes now. */
	json_free(&x->body);
	x->op.body = NULL;
	http_resume(x->http);
}

static enum status
too_many(struct error *err)
{
	return error_set(err, ERR_BUSY, "overloaded", "Too many requests wait; try again.");
}

/* Nobody else resumes what was not handed over. */
static void
hand_back(struct exchange *x, enum status status, const struct error *err)
{
	x->phase = EXCHANGE_IN_STORE;
	x->status = status;
	x->error = *err;
	json_free(&x->body);
	http_resume(x->http);
}

static void
hand_to_store(struct exchange *x)
{
	struct error err = {0};
	const struct route *route = x->route;
	x->org = x->caller.org;
	if (route->org_at >= 0)
		x->org = path_org(&x->op, (unsigned)route->org_at);
	else if (route->node == NODE_PLATFORM)
		x->org = PLATFORM;
	x->phase = EXCHANGE_IN_STORE;
	x->job = (struct store_job){.run = job_run, .done = job_done, .shard = x->org.id};
	if (!http_suspend(x->http)) {
		json_free(&x->body);
		(void)too_many(&err);
		refuse(x, &err);
		return;
	}
	/* Once it is handed over, the exchange belongs to whoever runs it. */
	struct store *store = x->api->options.store;
	bool change = route->change;
	struct error handing = {0};
	enum status rc = change ? store_change(store, &x->job, &handing)
				: store_read(store, &x->job, &handing);
	if (rc != OK)
		hand_back(x, rc, &handing);
}

static void
load_misses(struct exchange *x, const struct misses *misses)
{
	struct error err = {0};
	enum status rc = OK;
	if (!x->wait)
		x->wait = wait_new(x->http, x->api->options.signin->directory, NULL);
	if (!x->wait)
		rc = error_no_memory(&err);
	if (rc == OK)
		rc = wait_for_views(x->wait, misses, &err);
	if (rc != OK)
		refuse(x, &err);
}

static void
authenticate(struct exchange *x)
{
	struct error err = {0};
	struct misses misses = {0};
	struct str header = http_header_once(x->http, "Authorization");
	directory_enter();
	const struct proof proof = {header, clock_now_us(), http_arena(x->http)};
	enum status rc = signin_bearer(&x->caller, x->api->options.signin, &proof, &misses, &err);
	directory_leave();
	if (rc != OK && misses.count) {
		load_misses(x, &misses);
		return;
	}
	if (rc == OK)
		rc = exchange_decode(x, &err);
	if (rc == OK)
		hand_to_store(x);
	else
		refuse(x, &err);
}

/* What can be refused whoever calls. False when it was answered. */
static bool
find_route(struct exchange *x)
{
	if (!route_find(&x->match, http_path(x->http), http_method(x->http))) {
		problem_respond_as(x->http, 404, "no-such-path",
			"There is nothing here; GET /api/openapi.yaml tells what there is.");
		return false;
	}
	if (x->match.route == ROUTE_NONE) {
		char allow[ROUTE_ALLOW_MAX];
		route_allow(allow, x->match.path);
		http_add_header(x->http, "Allow", str_from(allow));
		problem_respond_as(x->http, 405, "method-not-allowed",
			"This path does not have that method; Allow names those that it has.");
		return false;
	}
	x->route = &routes[x->match.route];
	if (x->route->body && http_body(x->http).len &&
		!http_content_is(x->http, "application/json")) {
		problem_respond_as(x->http, 415, "not-json",
			"Send the body as Content-Type: application/json.");
		return false;
	}
	return true;
}

static void
begin(struct api *api, struct http_request *r)
{
	struct exchange *x = arena_new_one(http_arena(r), struct exchange);
	if (!x) {
		struct error err = {0};
		(void)error_no_memory(&err);
		problem_respond(r, &err);
		return;
	}
	x->api = api;
	x->http = r;
	http_set_state(r, x);
	if (!find_route(x))
		return;
	if (x->route->access == ROUTE_PUBLIC)
		exchange_run_public(x);
	else
		authenticate(x);
}

void
api_handle(struct api *api, struct http_request *r)
{
	struct error err = {0};
	struct exchange *x = http_state(r);
	if (!x)
		begin(api, r);
	else if (x->phase == EXCHANGE_IN_STORE)
		answer_done(x);
	else if (wait_result(x->wait, &err) != OK)
		refuse(x, &err);
	else
		authenticate(x);
}
