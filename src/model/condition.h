#ifndef MODEL_CONDITION_H
#define MODEL_CONDITION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "json/json.h"

/*
 * A condition of a grant or guardrail: a conjunction of comparisons over the request.
 *
 *	{"all":[{"attribute":"context.address","operator":"in_cidr","value":"10.0.0.0/8"},
 *	        {"operator":"time_of_day","value":{"from":"08:00","to":"18:00",
 *	                                          "zone":"Europe/Berlin"}}]}
 *
 * Attributes: subject.properties.*, resource.properties.*, action.properties.*, context.*, with
 * dots for nested objects. Operators: eq, ne, in, not_in, lt, lte, gt, gte, exists, starts_with,
 * in_cidr, time_of_day (the server's clock; from inclusive, to exclusive, may pass midnight).
 *
 * Checked and compiled when it is stored and when it is loaded. At decision time it cannot fail,
 * loop or allocate.
 */
#define CONDITION_COMPARISONS_MAX 16
#define CONDITION_VALUES_MAX 64
#define CONDITION_TEXT_MAX 8192

struct condition; /* immutable, in an arena */

/* Compiles; ERR_INVALID with the place ("condition.all[1].value") and the remedy. */
enum status condition_parse(struct condition **out, const struct json *source, struct arena *arena,
	struct error *err) MUST_USE;
/* From stored text. A stored text that no longer compiles (a time zone that is gone) gives
 * ERR_CORRUPT: use CONDITION_BROKEN, which refuses in both uses. */
enum status condition_load(struct condition **out, struct str text, struct arena *arena,
	struct error *err) MUST_USE;
extern const struct condition CONDITION_BROKEN;

/* The canonical text that is stored: comparisons sorted and without repetition. */
struct str condition_text(const struct condition *c);

/* True when each comparison of `required` (may be NULL: nothing required) is in `given` as well. */
bool condition_includes(const struct condition *given, const struct condition *required);

/* One flat attribute of a request. `path` is the whole of it: "context.address". */
struct attribute {
	struct str path;
	enum { ATTRIBUTE_STRING, ATTRIBUTE_NUMBER, ATTRIBUTE_BOOL } type;
	struct str str;
	double number;
	bool flag;
};
#define ATTRIBUTES_MAX 64

struct attributes {
	const struct attribute *items;
	uint32_t count;
	int64_t now_us;
};

/*
 * `if_missing` is what a comparison gives whose attribute is absent or of another type: false for
 * a grant, true for a guardrail. `exists` is determined by absence itself. No allocation, no lock,
 * time bounded by the sizes above.
 */
bool condition_holds(const struct condition *c, const struct attributes *attributes,
	bool if_missing);

#endif
