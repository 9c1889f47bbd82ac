#ifndef API_EXCHANGE_H
#define API_EXCHANGE_H

#include "api/dispatch.h"
#include "api/route.h"
#include "door/wait.h"
#include "iam/idempotency.h"

/* One exchange of the management API on its way. In the arena of the request. */
struct api {
	struct api_options options;
};

enum exchange_phase {
	EXCHANGE_AUTHENTICATING = 0,
	EXCHANGE_IN_STORE,
};

struct exchange {
	struct api *api;
	struct http_request *http;
	struct route_match match;
	const struct route *route; /* of the match */
	enum exchange_phase phase;
	struct caller caller;
	struct operation_call op;
	struct org_id org; /* acted in */
	struct store_job job;
	struct wait *wait; /* NULL until something had to be loaded */
	struct json *body; /* owned until the job is done */
	struct uuid incarnation; /* of the revision that the change made */
	struct str answer; /* in the arena, once the job has run */
	bool undone; /* the run was only a preview */
	bool keyed; /* `key` is there: the change may be repeated */
	bool recalled; /* the answer is that of the first such change */
	struct idempotency key;
	int64_t revision; /* told with the answer to a change */
	enum status status;
	struct error error;
};

/* Path, query, If-Match and body, against the contract. */
enum status exchange_decode(struct exchange *x, struct error *err) MUST_USE;

/* Idempotency-Key, of a route that takes one. */
enum status exchange_read_key(struct exchange *x, struct error *err) MUST_USE;
/* Inside the opened call: the answer of the first, if this is a repetition; keeps a new one. */
enum status exchange_recall(struct exchange *x, struct error *err) MUST_USE;
enum status exchange_keep(struct exchange *x, struct error *err) MUST_USE;

/* Runs the operation inside a transaction, everything around it included. */
enum status exchange_run(struct exchange *x, struct tx *tx, struct error *err) MUST_USE;

/* Answers after x->op has run. */
void exchange_answer(struct exchange *x);

/* Runs and answers an operation that needs no transaction. */
void exchange_run_public(struct exchange *x);

#endif
