#ifndef JSON_NUMBER_H
#define JSON_NUMBER_H

#include <stdbool.h>

#include "base/str.h"

#define JSON_NUMBER_TEXT_MAX 32

/* The double nearest to a number of RFC 8259 section 6, whose form has been checked; false when it
 * is too large. Any length, no allocation, no locale. Private to the folder. */
bool json__number_value(struct str text, double *out) MUST_USE;

/* The shortest decimal of a finite double that is read back as the same: "1.5", "3", "1e+300". */
void json_number_format(char out[JSON_NUMBER_TEXT_MAX], double value);

#endif
