#include "iam/upkeep/installation_keys.h"

#include <string.h>

static const struct sql KEY_CHECK =
	SQL("SELECT incarnation, key_check FROM installation WHERE one = 1");
static const struct sql KEY_CHECK_WRITE =
	SQL("UPDATE installation SET key_check = $1 WHERE one = 1 AND key_check IS NULL");
static const struct sql KEY_CHECK_RENEW =
	SQL("UPDATE installation SET key_check = $1 WHERE one = 1");

#define CHECK_LEN (1 + SHA256_LEN)

static enum status
write_check(int64_t *written, struct tx *tx, const struct sql *sql, const struct keyring *keyring,
	struct uuid incarnation, struct error *err)
{
	struct str proof = {(const char *)incarnation.bytes, sizeof(incarnation.bytes)};
	uint8_t check[CHECK_LEN];
	int pepper = 0;
	struct query q;

	keyring_hash(keyring, check + 1, &pepper, proof);
	check[0] = (uint8_t)pepper;
	enum status rc = query_begin(&q, tx, sql, err);
	if (rc != OK)
		return rc;
	query_bind_bytes(&q, 1, check, sizeof(check));
	return query_run(&q, written, err);
}

static enum status
compare(const struct keyring *keyring, struct str check, struct str incarnation, struct error *err)
{
	if (check.len == CHECK_LEN &&
		keyring_verify(keyring, (const uint8_t *)check.ptr + 1, (uint8_t)check.ptr[0],
			incarnation))
		return OK;
	return error_set(err, ERR_INVALID, "key-file-foreign",
		"The key file is not this installation's: use a copy of the file that it was "
		"begun with.");
}

/* False in *there: nothing to compare with yet. */
static enum status
look(bool *there, struct uuid *incarnation, struct tx *tx, const struct keyring *keyring,
	struct error *err)
{
	struct query q;
	enum status rc = query_begin(&q, tx, &KEY_CHECK, err);
	*there = false;
	if (rc == OK)
		rc = query_next(&q, err);
	if (rc == OK && q.row) {
		*incarnation = query_uuid(&q, 0);
		*there = !query_is_null(&q, 1);
	}
	if (rc == OK && *there) {
		struct str proof = {(const char *)incarnation->bytes, sizeof(incarnation->bytes)};
		rc = compare(keyring, query_bytes(&q, 1), proof, err);
	}
	query_end(&q);
	return rc;
}

enum status
installation_check_keys(struct tx *tx, const struct keyring *keyring, struct error *err)
{
	struct uuid incarnation = {{0}};
	int64_t written = 0;
	bool there = false;

	enum status rc = look(&there, &incarnation, tx, keyring, err);
	if (rc != OK || there)
		return rc;
	rc = write_check(&written, tx, &KEY_CHECK_WRITE, keyring, incarnation, err);
	/* Another node may have been faster. */
	return rc == OK && written == 0 ? look(&there, &incarnation, tx, keyring, err) : rc;
}

enum status
installation_renew_check(struct tx *tx, const struct keyring *keyring, struct error *err)
{
	struct uuid incarnation = {{0}};
	int64_t written = 0;
	bool there = false;

	enum status rc = look(&there, &incarnation, tx, keyring, err);
	return rc == OK ? write_check(&written, tx, &KEY_CHECK_RENEW, keyring, incarnation, err)
			: rc;
}
