/* Documents of blueprints: whatever is JSON is either a plan that keeps its promises or refused
 * with a place. */
#include <string.h>

#include "crypto/crypto.h"
#include "fuzz.h"
#include "iam/blueprints/plan.h"

static void
check_plan(const struct blueprint_plan *plan)
{
	require(plan->facts.name.len > 0 && plan->document.len > 0);
	require(plan->type_count <= PLAN_TYPES_MAX && plan->role_count <= PLAN_ROLES_MAX);
	require(plan->permission_count <= PLAN_PERMISSIONS_MAX);
	require(plan->guardrail_count <= PLAN_GUARDRAILS_MAX);
	for (size_t i = 0; i < plan->role_count; i++)
		require(plan_role_find(plan, plan->roles[i].role.name) == &plan->roles[i]);
	for (size_t i = 0; i < plan->permission_count; i++)
		require(plan->permissions[i].group.len > 0);
	for (size_t i = 1; i < plan->permission_count; i++)
		require(str_compare(plan->permissions[i - 1].name, plan->permissions[i].name) < 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct blueprint_plan plan;
	struct json *document = NULL;
	struct error err = {0};
	struct arena *arena = arena_new(16 * 1024 * 1024);

	require(arena != NULL && crypto_init(&err) == OK);
	if (json_parse(&document, (struct str){(const char *)data, size}, JSON_LIMITS_DEFAULT,
		    &err) == OK) {
		if (blueprint__check(&plan, document, arena, &err) == OK)
			check_plan(&plan);
		else
			require(err.code && err.text[0]);
	}
	json_free(&document);
	arena_free(&arena);
	return 0;
}
