#ifndef MODEL_ZONE_RULE_H
#define MODEL_ZONE_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* The rule that a time zone follows after its last listed change: POSIX.1 "TZ" with changes of the
 * form Mm.w.d, hours up to 167 (RFC 9636 section 3.3.1). Pure; threads: any. */

struct zone_change {
	uint8_t month; /* 1 to 12 */
	uint8_t week; /* 1 to 5, 5 being the last */
	uint8_t weekday; /* 0 is Sunday */
	int32_t time_s; /* after midnight of that day, by the clock before the change */
};

struct zone_rule {
	int32_t standard_s; /* east of UTC */
	bool has_summer;
	int32_t summer_s;
	struct zone_change start, end;
};

/* "CET-1CEST,M3.5.0,M10.5.0/3". False on anything else, the forms Jn and n included. */
bool zone_rule_parse(struct zone_rule *out, struct str text) MUST_USE;

/* Seconds east of UTC at a Unix time, which is within the years 1970 to 9999. */
int32_t zone_rule_offset(const struct zone_rule *rule, int64_t time_s);

#endif
