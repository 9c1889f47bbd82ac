#ifndef API_CURSOR_H
#define API_CURSOR_H

#include <stdbool.h>

#include "base/str.h"
#include "base/uuid.h"

/* Where a page ended, as a text that clients only hand back: base64url of a version byte and the
 * last identifier. */
#define CURSOR_TEXT_MAX 24 /* with the NUL */
void cursor_format(char out[CURSOR_TEXT_MAX], struct uuid last);
bool cursor_parse(struct str text, struct uuid *last) MUST_USE;

#endif
