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

	/* A condition refuses where an attribute is missing: what is allowed without the address is
	 * allowed with it, and most questions never need it. */
	if (policy_decide(question, &answer) == DECISION_ALLOW)
		return true;
	const struct attribute address = door_address(r);
	known.attributes.items = &address;
	known.attributes.count = 1;
	return policy_decide(&known, &answer) == DECISION_ALLOW;
}
