#include "iam/people/recovery_codes.h"

#include "base/random.h"
#include "iam/people/second_factors.h"
#include "iam/rows.h"

#define CODE_BYTES 10
#define LETTERS (CODE_BYTES * 8 / 5)

static const struct sql CODES_DELETE = SQL("DELETE FROM recovery_codes WHERE person = $1");
static const struct sql CODE_INSERT =
	SQL("INSERT INTO recovery_codes (person, hash, pepper) VALUES ($1, $2, $3)");
static const struct sql CODES_SELECT =
	SQL("SELECT hash, pepper FROM recovery_codes WHERE person = $1 AND used_us IS NULL");
static const struct sql CODE_USE = SQL("UPDATE recovery_codes SET used_us = $3"
				       " WHERE person = $1 AND hash = $2 AND used_us IS NULL");

/* What is hashed: the letters alone. */
struct code {
	char letters[LETTERS + 1];
};

static void
code_new(struct code *out)
{
	uint8_t bytes[CODE_BYTES];

	random_bytes(bytes, sizeof(bytes));
	crypto_base32(out->letters, sizeof(out->letters), bytes, sizeof(bytes));
	crypto_wipe(bytes, sizeof(bytes));
}

static void
code_show(char out[RECOVERY_CODE_LEN + 1], const struct code *code)
{
	for (size_t i = 0; i < LETTERS; i++) {
		char c = code->letters[i];
		if (i > 0 && i % 4 == 0)
			*out++ = '-';
		*out++ = c >= 'A' ? (char)(c - 'A' + 'a') : c;
	}
	*out = '\0';
}

/* The letter that a character stands for; 0: none. */
static char
letter_of(char c)
{
	if (c >= 'a' && c <= 'z')
		return (char)(c - 'a' + 'A');
	if ((c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7'))
		return c;
	return c == '0' ? 'O' : c == '1' ? 'L' : c == '8' ? 'B' : '\0';
}

static bool
code_read(struct code *out, struct str typed)
{
	size_t count = 0;
	for (size_t i = 0; i < typed.len; i++) {
		char c = typed.ptr[i];
		if (c == '-' || c == ' ')
			continue;
		if (count == LETTERS || !letter_of(c))
			return false;
		out->letters[count++] = letter_of(c);
	}
	out->letters[count] = '\0';
	return count == LETTERS;
}

static enum status
query_person(struct query *q, struct call *call, const struct sql *sql, struct person_id person,
	struct error *err)
{
	enum status rc = query_begin(q, call->tx, sql, err);
	if (rc == OK)
		query_bind_uuid(q, 1, person.id);
	return rc;
}

static enum status
insert(struct call *call, struct person_id person, const struct code *code, struct error *err)
{
	uint8_t hash[SHA256_LEN];
	int pepper;
	struct query q;

	keyring_hash(call->keyring, hash, &pepper, str_from(code->letters));
	enum status rc = query_person(&q, call, &CODE_INSERT, person, err);
	if (rc != OK)
		return rc;
	query_bind_bytes(&q, 2, hash, sizeof(hash));
	query_bind_int(&q, 3, pepper);
	return query_run(&q, NULL, err);
}

enum status
recovery_codes_issue(
	struct recovery_codes *out, struct call *call, struct person_id person, struct error *err)
{
	struct code code;
	struct query q;

	ASSERT(org_is_platform(call->chain.org));
	enum status rc = query_person(&q, call, &CODES_DELETE, person, err);
	if (rc == OK)
		rc = query_run(&q, NULL, err);
	for (size_t i = 0; i < RECOVERY_CODES && rc == OK; i++) {
		code_new(&code);
		code_show(out->text[i], &code);
		rc = insert(call, person, &code, err);
	}
	crypto_wipe(&code, sizeof(code));
	if (rc == OK)
		rc = iam__record(call, "recovery_codes.create", "person", person.id,
			VERSIONS(NOTHING, NOTHING), err);
	return rc;
}

/* The hash of the row that a code is of. */
static enum status
find(uint8_t hash[SHA256_LEN], bool *found, struct call *call, struct person_id person,
	const struct code *code, struct error *err)
{
	struct query q;

	*found = false;
	enum status rc = query_person(&q, call, &CODES_SELECT, person, err);
	if (rc != OK)
		return rc;
	while (!*found && (rc = query_next(&q, err)) == OK && q.row) {
		struct str stored = query_bytes(&q, 0);
		if (stored.len != SHA256_LEN)
			continue;
		memcpy(hash, stored.ptr, SHA256_LEN);
		*found = keyring_verify(
			call->keyring, hash, (int)query_int(&q, 1), str_from(code->letters));
	}
	query_end(&q);
	return rc;
}

static enum status
use_up(bool *used, struct call *call, struct person_id person, const uint8_t hash[SHA256_LEN],
	struct error *err)
{
	int64_t changed;
	struct query q;

	enum status rc = query_person(&q, call, &CODE_USE, person, err);
	if (rc != OK)
		return rc;
	query_bind_bytes(&q, 2, hash, SHA256_LEN);
	query_bind_int(&q, 3, call->now_us);
	rc = query_run(&q, &changed, err);
	*used = rc == OK && changed == 1;
	return rc;
}

enum status
recovery_code_use(bool *accepted, struct call *call, struct person_id person, struct str typed,
	struct error *err)
{
	uint8_t hash[SHA256_LEN];
	struct code code;
	struct call own;
	bool found;

	*accepted = false;
	if (!code_read(&code, typed))
		return OK;
	enum status rc = find(hash, &found, call, person, &code, err);
	crypto_wipe(&code, sizeof(code));
	if (rc != OK || !found)
		return rc;
	rc = second_factors__open(&own, call, person, err);
	if (rc == OK)
		rc = use_up(accepted, &own, person, hash, err);
	if (rc == OK && *accepted)
		rc = iam__record(&own, "recovery_codes.use", "person", person.id,
			VERSIONS(NOTHING, NOTHING), err);
	return rc == OK ? call_close(&own, err) : rc;
}
