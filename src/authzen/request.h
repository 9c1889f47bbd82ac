#ifndef AUTHZEN_REQUEST_H
#define AUTHZEN_REQUEST_H

#include "base/arena.h"
#include "base/uuid.h"
#include "model/condition.h"

/*
 * The requests of OpenID AuthZEN 1.0 sections 6.1 and 7.1, read from the body in one pass, without
 * allocation. All slices point into the body or the scratch.
 *
 * Unknown members are passed over. Refused: what json/reader.h refuses, a member of the wrong type,
 * a required one that is missing, more attributes than ATTRIBUTES_MAX. An attribute is a text, a
 * number or a truth value below `properties` or `context`, named by its path; whatever no condition
 * can name (arrays, null, names outside [A-Za-z0-9_-]{1,64}, paths of more than 8 parts) is absent.
 */
#define ACCESS_DEPTH_MAX 16
#define ACCESS_STRING_MAX (16 * 1024)
#define ACCESS_PATHS_MAX (8 * 1024)
#define ACCESS_ITEMS_MAX 1000

enum access_part {
	ACCESS_SUBJECT,
	ACCESS_ACTION,
	ACCESS_RESOURCE,
	ACCESS_CONTEXT,
	ACCESS_PARTS,
};

struct access_request {
	struct str subject_type, subject_id;
	struct str action;
	struct str resource_type, resource_id;
	struct str workspace; /* resource.properties.workspace, or absent */
	bool explain; /* context.explain */
	int64_t at_least; /* context.at_least: a revision; 0: none demanded */
	struct uuid incarnation; /* context.incarnation, of that revision; nil: not said */
	int64_t max_age_ms; /* context.max_age_ms; INT64_MAX: none demanded */
	const char *error; /* why it was refused, a literal; NULL: it was not */
	uint32_t attribute_count;
	uint32_t path_len; /* of `paths` in use */
	/* Not initialised beyond what is in use. */
	struct attribute attributes[ATTRIBUTES_MAX];
	char paths[ACCESS_PATHS_MAX];
};

/* Memory for texts with escapes: as many bytes as the body has are always enough. */
struct access_scratch {
	char *ptr;
	size_t size;
};

/* False with out->error. */
bool access_request_parse(
	struct access_request *out, struct str body, struct access_scratch scratch) MUST_USE;

enum access_semantic {
	ACCESS_EXECUTE_ALL = 0,
	ACCESS_DENY_ON_FIRST_DENY,
	ACCESS_PERMIT_ON_FIRST_PERMIT,
};

/* One of the evaluations: the raw text of each part, absent where it has none. */
struct access_item {
	struct str parts[ACCESS_PARTS];
	bool broken; /* no object at all */
};

struct access_batch {
	struct access_item defaults;
	struct access_item *items; /* in the arena */
	uint32_t count; /* 0: read it as a single request */
	enum access_semantic semantic;
	const char *error; /* why all of it was refused, a literal; NULL: it was not */
	bool no_memory; /* refused for that */
};

/* What concerns all of the payload: false with out->error. */
bool access_batch_parse(struct access_batch *out, struct str body, struct access_scratch scratch,
	struct arena *arena) MUST_USE;

/* The i-th evaluation: each part is its own or, when it has none, the default's, whole. False with
 * out->error. */
bool access_batch_request(struct access_request *out, const struct access_batch *batch, uint32_t i,
	struct access_scratch scratch) MUST_USE;

#endif
