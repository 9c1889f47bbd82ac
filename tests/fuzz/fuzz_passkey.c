/* Answers of passkeys: the input as what the script sends, as the attestation of a new one, as the
 * data of an assertion, and as CBOR. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "signin/cbor.h"
#include "signin/passkey.h"

#define MEMORY_MAX ((size_t)1 << 20)

static const struct keyring *
any_keys(void)
{
	static struct keyring *ring;
	char folder[] = "/tmp/thingward-fuzz-XXXXXX", path[64];
	struct error err = {0};
	if (ring)
		return ring;
	require(mkdtemp(folder) && crypto_init(&err) == OK);
	snprintf(path, sizeof(path), "%s/keys", folder);
	require(keyring_load(&ring, path, true, &err) == OK);
	unlink(path);
	rmdir(folder);
	return ring;
}

/* What was refused says so, and nothing else. */
static bool
taken(enum status rc, const struct error *err)
{
	require(rc == OK || (rc == ERR_UNAUTHENTICATED && err->detail[0]) || rc == ERR_NO_MEMORY);
	return rc == OK;
}

static void
check_text(const struct passkey_ceremony *ceremony, struct str text)
{
	struct passkey_answer answer;
	struct error err = {0};
	/* No challenge is known to whoever makes up the input. */
	require(!taken(passkey_read(&answer, ceremony, text, &err), &err));
}

static void
check_new(const struct passkey_ceremony *ceremony, struct str object)
{
	struct passkey_answer answer = {.credential_id = STR("c"), .attestation = object};
	struct passkey_key key;
	struct error err = {0};
	answer.client_data = STR("{}");
	if (!taken(passkey_verify_new(&key, ceremony, &answer, &err), &err))
		return;
	require(str_eq(key.credential_id, answer.credential_id));
	require(key.public_key.len <= PASSKEY_PUBLIC_MAX);
}

static void
check_use(const struct passkey_ceremony *ceremony, struct str data)
{
	static const char point[64] = {1};
	struct passkey passkey = {.key = {.credential_id = STR("c"), .algorithm = -7}};
	struct passkey_answer answer = {.credential_id = STR("c"), .authenticator_data = data};
	struct passkey_proof proof;
	struct error err = {0};
	passkey.key.public_key = (struct str){point, sizeof(point)};
	answer.client_data = STR("{}");
	answer.signature = data;
	require(!taken(passkey_verify(&proof, ceremony, &answer, &passkey, &err), &err));
}

/* What is cut off lies within, and what is inside it can be cut off likewise. */
static void
check_cbor(struct str text)
{
	struct cbor_item item, value;
	while (text.len) {
		struct str rest = text;
		if (!cbor_cut(&item, &rest))
			return;
		require(item.whole.ptr == text.ptr && item.whole.len + rest.len == text.len);
		require(rest.len < text.len);
		struct str again = item.whole;
		require(cbor_cut(&value, &again) && again.len == 0);
		(void)!cbor_map_get(&value, &item, STR("fmt"));
		text = rest;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct arena *arena = arena_new(MEMORY_MAX);
	struct passkey_ceremony ceremony = {.purpose = PASSKEY_ADD,
		.base_url = STR("https://id.example"),
		.browser = STR("browser"),
		.ring = any_keys(),
		.now_us = 1,
		.arena = arena};
	require(arena != NULL);
	check_cbor(text);
	check_text(&ceremony, text);
	check_new(&ceremony, text);
	ceremony.purpose = PASSKEY_SECOND;
	check_use(&ceremony, text);
	arena_free(&arena);
	return 0;
}
