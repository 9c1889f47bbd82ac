#ifndef JSON_NUMBER_H
#define JSON_NUMBER_H

#include <stdbool.h>

#include "base/str.h"

/* The double nearest to a number of RFC 8259 section 6, whose form has been checked; false when it
 * is too large. Any length, no allocation, no locale. Private to the folder. */
bool json__number_value(struct str text, double *out) MUST_USE;

#endif
