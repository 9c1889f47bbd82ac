#ifndef POLICY_BUILD_H
#define POLICY_BUILD_H

#include "policy_reference.h"

/* The views of src/policy for an organisation of the reference. */
struct built;

/* Everything is in `arena`; the organisation must outlive it. Ends the test when memory fails or a
 * name is wrong. */
struct built *build_org(const struct ref_org *org, struct arena *arena);
const struct org_view *built_org(const struct built *built);

/* The question and the terms in the form of src/policy, in the arena of `built`. */
void build_question(struct question *out, struct built *built, const struct ref_question *q);
void build_terms(struct terms *out, struct built *built, const struct ref_terms *terms);

/* The identifier of whatever has this name. */
struct uuid build_id(const char *name);

#endif
