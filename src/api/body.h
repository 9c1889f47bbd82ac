#ifndef API_BODY_H
#define API_BODY_H

#include "api/api.h"

/* Reading a body that is valid by its schema: what is not stated, or null, is absent. */
const struct json *body_get(const struct operation_call *op, const char *name);
struct str body_str(const struct operation_call *op, const char *name);
bool body_states(const struct operation_call *op, const char *name); /* null counts */
bool body_bool(const struct operation_call *op, const char *name);
int64_t body_time_us(const struct operation_call *op, const char *name); /* NEVER when absent */
int64_t json_time_us(const struct json *value); /* likewise */
struct uuid body_uuid(const struct operation_call *op, const char *name); /* nil when absent */
enum state body_state(const struct operation_call *op, const char *name);
kind_mask body_kinds(const struct operation_call *op, const char *name);

/* A node; "platform" stands for the nil identifier. */
struct node body_node(const struct operation_call *op, const char *name);

/* Lists, in the arena of the call. ERR_NO_MEMORY. */
enum status body_strings(const struct str **out, size_t *count, const struct operation_call *op,
	const char *name, struct error *err) MUST_USE;
enum status body_uuids(const struct uuid **out, size_t *count, const struct operation_call *op,
	const char *name, struct error *err) MUST_USE;

#endif
