/* What a provider says of who signs in, over any bytes: read by two readers, which have to agree,
 * as an ID token is; then the address in it, by what it would be unique by. */
#include <stdlib.h>

#include "fuzz.h"
#include "jose/jwt.h"
#include "model/names.h"
#include "signin/upstream_internal.h"

#define MEMORY_MAX ((size_t)4 << 20)

/* The letters of ASCII, as small ones: what is unique by them is told apart by nothing else. */
static size_t
count_ascii(struct str text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += (unsigned char)text.ptr[i] < 0x80;
	return count;
}

static void
check_address(struct str email, struct arena *arena)
{
	struct error err = {0};
	struct str normal, again;

	if (email_check(email, "email", arena, &normal, &err) != OK)
		return;
	require(normal.len > 0 && normal.len <= EMAIL_MAX_BYTES);
	require(count_ascii(normal) == count_ascii(email));
	require(email_check(normal, "email", arena, &again, &err) == OK && str_eq(normal, again));
}

static void
check_groups(const struct identity_claims *claims)
{
	require(claims->groups.count <= UPSTREAM_GROUPS_MAX);
	for (size_t i = 0; i < claims->groups.count; i++)
		require(claims->groups.names[i].ptr && str_is_utf8(claims->groups.names[i]));
}

static void
check_claims(const struct json *doc, struct arena *arena)
{
	const struct provider provider = {.groups_claim = STR("groups")};
	const struct upstream_task task = {.provider = &provider, .arena = arena};
	struct identity_claims claims = {0};
	struct error err = {0};
	bool has_groups = false;

	enum status rc = upstream__read_claims(&claims, &has_groups, doc, &task, &err);
	require(rc == OK || rc == ERR_UNAUTHENTICATED);
	if (rc != OK)
		return;
	check_groups(&claims);
	require(!claims.email_verified || claims.email.ptr);
	if (claims.email.ptr)
		check_address(claims.email, arena);
	/* What was read first is not changed by what comes later. */
	struct str email = claims.email;
	bool verified = claims.email_verified;
	rc = upstream__read_claims(&claims, &has_groups, doc, &task, &err);
	require(rc == OK && claims.email.ptr == email.ptr && claims.email_verified == verified);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct arena *arena = arena_new(MEMORY_MAX);
	struct error err = {0};
	struct jwt_claims token;
	struct json *doc = NULL;

	require(arena != NULL);
	bool of_token = jwt_claims_parse(&token, arena, text, &err) == OK;
	if (json_parse(&doc, text, JSON_LIMITS_DEFAULT, &err) == OK) {
		if (of_token && token.sub.ptr)
			require(str_eq(token.sub, json_str(json_get(doc, "sub"))));
		if (of_token && token.iss.ptr)
			require(str_eq(token.iss, json_str(json_get(doc, "iss"))));
		check_claims(doc, arena);
	}
	json_free(&doc);
	arena_free(&arena);
	return 0;
}
