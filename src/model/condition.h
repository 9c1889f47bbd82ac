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

/*
 * Values: strings, numbers within ±2^53, true and false; for in and not_in an array of 1 to 64 of
 * them; for lt, lte, gt and gte a number; for starts_with a string; for in_cidr a block of IPv4 or
 * IPv6 addresses or an array of 1 to 64 of them, compared with an attribute that is the text of an
 * address (an IPv4 address mapped into IPv6 is that IPv4 address); for exists true or false.
 * An attribute's path has at most 8 parts of 1 to 64 bytes [A-Za-z0-9_-].
 */

/* Compiles; ERR_INVALID with the place ("condition.all[1].value") and the remedy. ERR_BUSY when a
 * time zone cannot be read just now. Reads the system's time zones; nothing points into `source`
 * afterwards. Threads: any. */
enum status condition_parse(struct condition **out, const struct json *source, struct arena *arena,
	struct error *err) MUST_USE;
/* From stored text. A stored text that no longer compiles (a time zone that is gone) gives
 * ERR_CORRUPT, the reason in the detail: use CONDITION_BROKEN, which refuses in both uses. ERR_BUSY
 * as above. */
enum status condition_load(
	struct condition **out, struct str text, struct arena *arena, struct error *err) MUST_USE;
extern const struct condition CONDITION_BROKEN;

/* The canonical text that is stored: comparisons, and the values of in, not_in and in_cidr, sorted
 * and without repetition. It parses again to itself. Absent for CONDITION_BROKEN. */
struct str condition_text(const struct condition *c);

/* True when each comparison of `required` (may be NULL: nothing required) is in `given` (may be
 * NULL) as well. CONDITION_BROKEN includes nothing and is included by nothing. */
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
	bool *used; /* set once a condition is judged by them; may be NULL */
};

/*
 * `if_missing` is what a comparison gives that cannot be determined: false for a grant, true for a
 * guardrail. So is one whose attribute is absent, of another type (than any of the values), not a
 * number, or no address for in_cidr, ne and not_in included, or whose zone does not know the time.
 * `exists` is determined by absence itself. Of two attributes of one path the first counts. No
 * allocation, no lock, time bounded by the sizes above. Threads: any.
 */
bool condition_holds(
	const struct condition *c, const struct attributes *attributes, bool if_missing);

#endif
