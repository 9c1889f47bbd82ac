#ifndef API_API_H
#define API_API_H

#include "http/server.h"
#include "iam/call.h"
#include "json/json.h"

/*
 * The management API. Its routes, permissions, limits and schemas are generated from
 * api/openapi.yaml; an operation is one function that decodes, calls one use case and encodes. It
 * runs inside the transaction (on the writer's thread for a change, on a reader's otherwise), may
 * run again from its start, and holds no rule.
 */
struct operation_call {
	struct call call; /* opened, and the route's permission required, before the
			   * operation runs */
	struct http_request *http;
	const struct route *route;
	const struct json *body; /* valid by the route's schema; NULL when there is none */
	struct str path[6]; /* decoded path parameters, in the order of the template */
	struct node node; /* where the route's permission was required */
	int64_t if_match; /* from If-Match: "revision"; 0 when not stated */
	struct page page; /* of a list: limit, cursor, q */
	struct str base_url; /* of the installation */
	const struct config *config;
	bool required; /* the route's permission has been required */
	bool preview; /* ?preview=true: what is written is undone after the answer
		       * was made, so that the operation need not care */

	/* What the operation answers. */
	struct json_writer out; /* of the body; nothing written: no body */
	const char *content_type; /* application/json unless set: then write to out.out */
	unsigned http_status; /* 200 (201 for a route that creates) unless set */
	int64_t etag; /* revision of the one entity shown; 0: none */
	struct str location; /* absent: none */
};
typedef enum status operation(struct operation_call *op, struct error *err);

/* Path parameters as identifiers. Well-formed by the contract (format: uuid), hence no failure. */
struct uuid path_uuid(const struct operation_call *op, unsigned i);
/* An organisation: "platform" stands for the nil identifier. */
struct org_id path_org(const struct operation_call *op, unsigned i);

/* The workspace that the path names; nil when it names none. */
struct workspace_id path_workspace(const struct operation_call *op);

/* Query parameters, valid by the contract; absent, nil, 0 or false when not stated. */
struct str param_str(const struct operation_call *op, const char *name);
struct uuid param_uuid(const struct operation_call *op, const char *name);
int64_t param_int(const struct operation_call *op, const char *name);
int64_t param_time_us(const struct operation_call *op, const char *name);
bool param_bool(const struct operation_call *op, const char *name);

/* Requires the route's permission at a node, for a route whose x-node is `stated`: without it the
 * operation fails. An operation whose use case requires it sets op->required itself. */
enum status operation_require(
	struct operation_call *op, struct node node, struct error *err) MUST_USE;

/* Lists are {"items":[…],"next":"…"|null}: next is a cursor when op->page.more says so. */
void list_open(struct operation_call *op);
void list_close(struct operation_call *op);

#endif
