#ifndef IAM_BLUEPRINT_TEXTS_H
#define IAM_BLUEPRINT_TEXTS_H

#include "base/str.h"

/* The shipped blueprints, generated at build time from blueprints/NAME.json, by name. */
struct blueprint_text {
	struct str name, text;
};
extern const struct blueprint_text blueprint_texts[];
extern const size_t blueprint_text_count;

#endif
