#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "base/str.h"

#define US_PER_S INT64_C(1000000)

int64_t clock_now_us(void); /* Unix time, UTC, microseconds */
int64_t clock_mono_us(void); /* monotonic, for intervals */

/* RFC 3339 section 5.6. Parsing takes an upper-case 'T' and 'Z' or a numeric offset, up to six
 * digits of a fraction, years 1970 to 9999; leap seconds are refused. */
#define CLOCK_TEXT_MAX 28
#define CLOCK_MAX_US INT64_C(253402300799999999) /* the end of the year 9999 */
/* 2026-11-21T20:35:00.000000Z; a time outside 0 … CLOCK_MAX_US is shown as the nearer end. */
void clock_format(char out[CLOCK_TEXT_MAX], int64_t time_us);
bool clock_parse(struct str text, int64_t *time_us) MUST_USE;

#endif
