#ifndef BENCH_SHAPE_H
#define BENCH_SHAPE_H

#include "model/ids.h"

/*
 * The organisations that are measured: what bench_seed puts into a store and the others ask about.
 *
 * Each has one workspace; resource groups of about a hundred devices, two of which hold a device;
 * groups, which hold grants at the organisation, the workspace (two), a resource group and a
 * device; principals (service accounts), each in two groups and with a grant of its own at a
 * resource group; and an API key that is an owner.
 *
 * Of a member of any group: "devices:read" is allowed through its grant at the workspace,
 * "devices:wipe" is carried by nothing, "devices:delete" is granted there and then denied by a
 * guardrail. Names of devices are "d-" and eight digits.
 */
enum thing {
	THING_ORG = 1,
	THING_WORKSPACE,
	THING_GROUP,
	THING_ROLE,
	THING_RGROUP,
	THING_RESOURCE,
	THING_PRINCIPAL, /* number 0 is the API key; the others begin at 1 */
	THING_CREDENTIAL,
	THING_GRANT,
	THING_GUARDRAIL,
};

#define DEVICES_PER_RGROUP 100
#define DEVICE_NAME_FORMAT "d-%08u"

/* Of the form of version 7: in the order of their numbers, the second half as if drawn. */
static inline struct uuid
shape_id(enum thing thing, uint32_t org, uint32_t number)
{
	struct uuid id = {{0x01, 0x99}};
	uint64_t random = (uint64_t)org << 32 | number;

	random = (random ^ random >> 30) * UINT64_C(0xbf58476d1ce4e5b9) + thing;
	random = (random ^ random >> 27) * UINT64_C(0x94d049bb133111eb);
	random ^= random >> 31;
	for (int i = 0; i < 4; i++)
		id.bytes[2 + i] = (uint8_t)(number >> (24 - 8 * i));
	for (int i = 0; i < 8; i++)
		id.bytes[8 + i] = (uint8_t)(random >> (8 * i));
	id.bytes[6] = 0x70;
	id.bytes[7] = (uint8_t)thing;
	id.bytes[8] = (id.bytes[8] & 0x3f) | 0x80;
	return id;
}

/* Numbers that look random and come again in each run. The state is not 0. */
static inline uint32_t
shape_draw(uint64_t *state, uint32_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)((*state >> 32) * below >> 32);
}

#endif
