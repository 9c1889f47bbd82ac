#ifndef MODEL_CONDITION_INTERNAL_H
#define MODEL_CONDITION_INTERNAL_H

#include "base/address.h"
#include "model/condition.h"
#include "model/zone.h"

enum condition_operator {
	CONDITION_EQ,
	CONDITION_NE,
	CONDITION_IN,
	CONDITION_NOT_IN,
	CONDITION_LT,
	CONDITION_LTE,
	CONDITION_GT,
	CONDITION_GTE,
	CONDITION_EXISTS,
	CONDITION_STARTS_WITH,
	CONDITION_IN_CIDR,
	CONDITION_TIME_OF_DAY,
	CONDITION_OPERATORS,
};

struct condition_value {
	unsigned type; /* ATTRIBUTE_… */
	struct str str;
	double number;
	bool flag;
};

struct comparison {
	enum condition_operator op;
	struct str attribute; /* its whole path; absent for time_of_day */
	struct str text; /* canonical */
	union {
		struct {
			const struct condition_value *items; /* eq, ne: one; in, not_in: sorted */
			uint32_t count;
			unsigned types; /* bits 1 << ATTRIBUTE_… that occur in them */
		} values;
		struct {
			const struct cidr *items;
			uint32_t count;
		} blocks;
		struct {
			const struct zone *zone;
			unsigned from_min, until_min; /* after local midnight */
		} window;
		double number; /* lt, lte, gt, gte */
		struct str prefix;
		bool present;
	};
};

struct condition {
	struct str text;
	const struct comparison *items; /* sorted by text; none: broken */
	uint32_t count;
};

/* Where the compiler stands. */
struct condition_compiler {
	struct arena *arena;
	struct error *err;
	size_t index; /* of the comparison in the source */
};

/* ERR_INVALID at "condition.all[index]" followed by `member` (".value"). */
enum status condition__refuse(
	const struct condition_compiler *c, const char *member, const char *fmt, ...) PRINTF(3, 4);

/* Compiles the value for out->op and appends its canonical text. */
enum status condition__compile_value(const struct condition_compiler *c, struct comparison *out,
	const struct json *value, struct buf *text) MUST_USE;

#endif
