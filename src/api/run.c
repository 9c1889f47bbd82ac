/* One operation: around it the call, inside the transaction; after it the answer. */
#include <stdio.h>

#include "api/exchange.h"
#include "api/problem.h"
#include "base/clock.h"

static void
open_call(struct exchange *x)
{
	x->op.base_url = x->api->options.signin->base_url;
	x->op.config = x->api->options.config;
	x->op.call = (struct call){
		.caller = x->caller,
		.address = http_peer(x->http),
		.now_us = clock_now_us(),
		.arena = http_arena(x->http),
		.directory = x->api->options.signin->directory,
		.keyring = x->api->options.signin->keyring,
	};
}

/* Where the route's permission is required. */
static struct node
node_of(const struct exchange *x)
{
	const struct route *route = x->route;
	switch (route->node) {
	case NODE_PLATFORM:
		return node_org(PLATFORM);
	case NODE_WORKSPACE:
		return node_workspace(
			(struct workspace_id){path_uuid(&x->op, (unsigned)route->workspace_at)});
	case NODE_ORG:
	case NODE_NONE:
	case NODE_RESOURCE_GROUP:
	case NODE_RESOURCE:
		break;
	}
	return node_org(x->org);
}

static enum status
run_operation(struct exchange *x, struct buf *out, struct error *err)
{
	struct operation_call *op = &x->op;
	jw_init(&op->out, out);
	op->content_type = "application/json";
	op->http_status = op->route->success;
	op->etag = 0;
	op->location = (struct str){NULL, 0};
	op->page.more = false;
	enum status rc = op->route->run(op, err);
	if (rc != OK)
		return rc;
	if (out->starved || arena_starved(http_arena(x->http)))
		return error_no_memory(err);
	if (out->failed)
		return error_set(err, ERR_LIMIT, "answer-too-large",
			"The answer is too large; ask for fewer with limit.");
	x->answer =
		arena_copy(http_arena(x->http), (struct str){out->ptr ? out->ptr : "", out->len});
	return x->answer.ptr ? OK : error_no_memory(err);
}

/* Once the call is open. */
static enum status
run_guarded(struct exchange *x, struct buf *out, struct error *err)
{
	const struct route *route = x->route;
	struct call *call = &x->op.call;
	enum status rc = OK;
	x->op.node = node_of(x);
	x->op.required = false;
	if (route->access == ROUTE_PERMITTED)
		rc = operation_require(&x->op, x->op.node, err);
	if (rc == OK)
		rc = run_operation(x, out, err);
	if (rc == OK && route->access == ROUTE_STATED && !x->op.required)
		rc = error_set(err, ERR_INTERNAL, "permission-not-required",
			"The operation %s is not guarded; tell the makers.", route->name);
	if (rc == OK && route->change)
		rc = call_close(call, err);
	x->revision = call->chain.revision;
	return rc;
}

/* Who repeats a change is told what it was told, whatever it may do by now. */
static enum status
run_called(struct exchange *x, struct tx *tx, struct buf *out, struct error *err)
{
	enum status rc = call_open(&x->op.call, tx, x->org, err);
	if (rc == OK)
		rc = exchange_recall(x, err);
	if (rc != OK || x->recalled)
		return rc;
	rc = run_guarded(x, out, err);
	return rc == OK ? exchange_keep(x, err) : rc;
}

enum status
exchange_run(struct exchange *x, struct tx *tx, struct error *err)
{
	struct buf out;
	buf_init(&out, API_ANSWER_MAX);
	x->incarnation = tx_incarnation(tx);
	open_call(x);
	directory_enter();
	enum status rc = run_called(x, tx, &out, err);
	directory_leave();
	if (out.ptr) /* it may hold a secret */
		crypto_wipe(out.ptr, out.cap);
	buf_clear(&out);
	x->undone = rc == OK && x->op.preview;
	if (x->undone)
		return error_set(err, ERR_CONFLICT, "preview", "Nothing was changed.");
	return rc;
}

void
exchange_answer(struct exchange *x)
{
	const struct operation_call *op = &x->op;
	http_add_header(x->http, "X-Request-ID", http_request_id(x->http));
	http_add_header(x->http, "Cache-Control", STR("no-store"));
	char number[32];
	if (op->etag) {
		snprintf(number, sizeof(number), "\"%lld\"", (long long)op->etag);
		http_add_header(x->http, "ETag", str_from(number));
	}
	if (op->location.ptr)
		http_add_header(x->http, "Location", op->location);
	if (op->route->change && !x->undone) {
		char incarnation[UUID_TEXT_LEN + 1];
		snprintf(number, sizeof(number), "%lld", (long long)x->revision);
		uuid_format(incarnation, x->incarnation);
		http_add_header(x->http, "Thingward-Revision", str_from(number));
		http_add_header(x->http, "Thingward-Incarnation", str_from(incarnation));
	}
	bool empty = op->http_status == 204 || !x->answer.len;
	http_respond(x->http, op->http_status, empty ? NULL : op->content_type, x->answer);
}

void
exchange_run_public(struct exchange *x)
{
	struct error err = {0};
	struct buf out;
	buf_init(&out, API_ANSWER_MAX);
	enum status rc = exchange_decode(x, &err);
	if (rc == OK)
		rc = run_operation(x, &out, &err);
	buf_clear(&out);
	json_free(&x->body);
	if (rc == OK)
		exchange_answer(x);
	else
		problem_respond(x->http, &err);
}
