#ifndef POLICY_RANDOM_H
#define POLICY_RANDOM_H

#include "policy_reference.h"

/* Random organisations, questions and gifts: the same ones for the same seed. */
struct dice {
	uint64_t state;
};

#define RANDOM_NOW_US 1000000

uint32_t dice_below(struct dice *dice, uint32_t limit); /* 0 to limit - 1; limit at least 1 */
bool dice_chance(struct dice *dice, uint32_t percent);

void random_org(struct ref_org *org, struct dice *dice);
void random_question(struct ref_question *q, const struct ref_org *org, struct dice *dice);
/* About the node itself: a global resource is asked about at the organisation, where it is. */
void random_gift(struct ref_question *q, struct ref_terms *terms, const struct ref_org *org,
	struct dice *dice);
/* The node that a question is about, as a place for a grant; NULL for a bare name. */
const char *random_node_of(const struct ref_question *q);

void random_grant(struct ref_grant *grant, const struct ref_org *org, struct dice *dice);
void random_guardrail(struct ref_guardrail *rail, const struct ref_org *org, struct dice *dice);

#endif
