#include "door/may.h"

struct attribute
door_address(const struct http_request *r)
{
	return (struct attribute){
		.path = STR("context.address"), .type = ATTRIBUTE_STRING, .str = http_peer(r)};
}

bool
door_may(const struct question *question, const struct http_request *r)
{
	struct question known = *question;
	struct answer answer;
	bool conditional = false;

	known.attributes.used = &conditional;
	enum decision decision = policy_decide(&known, &answer);
	if (!conditional)
		return decision == DECISION_ALLOW;
	/* Only where there is a condition, the address is worth its making. */
	const struct attribute address = door_address(r);
	known.attributes.items = &address;
	known.attributes.count = 1;
	return policy_decide(&known, &answer) == DECISION_ALLOW;
}
