#ifndef API_ROUTE_H
#define API_ROUTE_H

#include <limits.h>

#include "api/api.h"
#include "api/validate.h"

/* The route table, generated from api/openapi.yaml. */
enum route_access {
	ROUTE_PERMITTED = 0, /* requires `permission` at the node */
	ROUTE_STATED, /* requires it at a node that the operation finds: operation_require */
	ROUTE_AUTHENTICATED, /* requires that it is known who calls */
	ROUTE_PUBLIC, /* runs without a transaction */
};

struct route_parameter {
	const char *name;
	const struct schema *schema;
};

struct route {
	const char *name; /* the operationId */
	enum http_method method;
	operation *run;
	enum route_access access;
	uint32_t permission; /* PERMISSION_NONE unless ROUTE_PERMITTED */
	enum node_kind node; /* where: NODE_NONE for oneself */
	int8_t org_at; /* which path parameters these are; -1: none */
	int8_t workspace_at;
	bool change; /* runs on the writer */
	bool paged; /* takes cursor and limit */
	bool matches; /* takes If-Match */
	bool repeats; /* takes Idempotency-Key */
	bool previews; /* takes ?preview=true */
	enum principal_kind kind; /* of a handler that serves several; KIND_NONE: any */
	unsigned success; /* the HTTP status unless the operation says another */
	size_t body_max; /* bytes */
	const struct schema *body; /* NULL: takes none */
	bool body_required;
	const struct route_parameter *path, *query;
	unsigned path_count, query_count;
};
extern const struct route routes[];
extern const unsigned route_count;

/* One path with its methods, whose operations stand in `routes` in the same order. */
#define ROUTE_METHODS_MAX 5
struct route_path {
	const char *template;
	const char *const *segments; /* NULL: a parameter */
	unsigned segment_count;
	enum http_method methods[ROUTE_METHODS_MAX];
	unsigned method_count;
	unsigned first; /* of its operations */
};
extern const struct route_path route_paths[]; /* literals before parameters */
extern const unsigned route_path_count;

extern const struct str contract_text; /* api/openapi.yaml itself */

#define ROUTE_PARAMETERS_MAX 6
#define ROUTE_NONE UINT_MAX
struct route_match {
	const struct route_path *path;
	unsigned route; /* index of `routes`; ROUTE_NONE: the path does not have the method */
	struct str parameters[ROUTE_PARAMETERS_MAX]; /* as sent, not decoded, not empty */
	unsigned parameter_count;
};

/* False when there is no such path. HEAD is served as GET. No allocation. Threads: any. */
bool route_find(struct route_match *out, struct str path, enum http_method method) MUST_USE;

/* The methods of a path for "Allow": "GET, HEAD, PUT". */
#define ROUTE_ALLOW_MAX 64
void route_allow(char out[ROUTE_ALLOW_MAX], const struct route_path *path);

#endif
