#ifndef IAM_VERIFY_RULES_H
#define IAM_VERIFY_RULES_H

#include "iam/upkeep/verify.h"

/* The parts of store_verify that look at all rows: each rule is told, and `*sound` becomes false
 * when one is broken. */
typedef enum status verify_part(bool *sound, struct tx *tx,
	const struct store_verify_listener *listener, struct error *err);

/* What refers to something finds it, and the like (invariants.c). */
verify_part verify__invariants MUST_USE;
/* What is unique by a form of something is stored under that form (forms.c). */
verify_part verify__forms MUST_USE;

#endif
