#include "signin/upstream_visit.h"

#include "signin/carried.h"
#include "signin/ticket.h"

#define VERSION 1
#define HEAD_LEN (1 + 16 + 16 + 8 + 32)
#define TICKET_BYTES_MAX (TICKET_TEXT_MAX / 4 * 3)
#define PLAIN_MAX (HEAD_LEN + TICKET_BYTES_MAX)

static const struct str AAD = {"upstream visit", 14};

void
upstream_prove(
	char out[UPSTREAM_PROOF_SIZE], const struct upstream_visit *visit, enum upstream_proof what)
{
	static const char *const LABELS[] = {
		"upstream state ", "upstream nonce ", "upstream verifier "};
	const struct crypto_piece pieces[] = {
		{LABELS[what], strlen(LABELS[what])}, {visit->seed, sizeof(visit->seed)}};
	uint8_t hash[SHA256_LEN];

	crypto_sha256_pieces(hash, pieces, ARRAY_LEN(pieces));
	crypto_base64url(out, UPSTREAM_PROOF_SIZE, hash, sizeof(hash));
}

void
upstream_challenge(char out[UPSTREAM_PROOF_SIZE], const struct upstream_visit *visit)
{
	char verifier[UPSTREAM_PROOF_SIZE];
	uint8_t hash[SHA256_LEN];

	upstream_prove(verifier, visit, UPSTREAM_VERIFIER);
	crypto_sha256(hash, verifier, strlen(verifier));
	crypto_base64url(out, UPSTREAM_PROOF_SIZE, hash, sizeof(hash));
}

static void
write_head(struct buf *out, const struct upstream_visit *visit)
{
	buf_char(out, VERSION);
	buf_append(out, visit->org.id.bytes, sizeof(struct uuid));
	buf_append(out, visit->provider.id.bytes, sizeof(struct uuid));
	for (int shift = 56; shift >= 0; shift -= 8)
		buf_char(out, (char)((uint64_t)visit->started_us >> shift & 0xff));
	buf_append(out, visit->seed, sizeof(visit->seed));
}

static bool
write_ticket(struct buf *out, struct str ticket)
{
	uint8_t bytes[TICKET_BYTES_MAX];
	size_t len = 0;

	if (!ticket.ptr)
		return true;
	bool sound = ticket.len > 0 && crypto_base64url_decode(bytes, sizeof(bytes), &len, ticket);
	buf_append(out, bytes, len);
	return sound;
}

enum status
upstream_visit_seal(struct str *out, const struct upstream_visit *visit, const struct keyring *ring,
	struct arena *arena, struct error *err)
{
	char space[PLAIN_MAX];
	struct buf plain;

	*out = (struct str){NULL, 0};
	buf_init_fixed(&plain, space, sizeof(space));
	write_head(&plain, visit);
	if (!write_ticket(&plain, visit->ticket) || plain.failed)
		return error_set(err, ERR_INVALID, "ticket-invalid",
			"This page was opened in a way that it was not made for; go back to the "
			"application and begin again.");
	enum status rc = carried_seal(out, buf_view(&plain), ring, AAD, arena, err);
	crypto_wipe(space, sizeof(space));
	return rc;
}

static enum status
read_plain(struct upstream_visit *out, bool *known, struct str plain, struct arena *arena,
	struct error *err)
{
	const uint8_t *at = (const uint8_t *)plain.ptr;

	*known = plain.len >= HEAD_LEN && at[0] == VERSION;
	if (!*known)
		return OK;
	memcpy(out->org.id.bytes, at + 1, 16);
	memcpy(out->provider.id.bytes, at + 17, 16);
	uint64_t started = 0;
	for (int i = 0; i < 8; i++)
		started = started << 8 | at[33 + i];
	out->started_us = (int64_t)started;
	memcpy(out->seed, at + 41, sizeof(out->seed));
	if (plain.len == HEAD_LEN)
		return OK;
	char *ticket = arena_alloc(arena, TICKET_TEXT_MAX + 1);
	if (!ticket)
		return error_no_memory(err);
	out->ticket.len =
		crypto_base64url(ticket, TICKET_TEXT_MAX + 1, at + HEAD_LEN, plain.len - HEAD_LEN);
	out->ticket.ptr = ticket;
	return OK;
}

static bool
is_its_state(const struct upstream_visit *visit, struct str state)
{
	char own[UPSTREAM_PROOF_SIZE];

	upstream_prove(own, visit, UPSTREAM_STATE);
	return state.ptr && state.len == strlen(own) && crypto_equal(own, state.ptr, state.len);
}

enum status
upstream_visit_open(struct upstream_visit *out, const struct upstream_return *back,
	const struct keyring *ring, struct arena *arena, struct error *err)
{
	char space[PLAIN_MAX];
	struct buf plain;
	bool known;

	*out = (struct upstream_visit){0};
	buf_init_fixed(&plain, space, sizeof(space));
	enum status rc = carried_open(&known, &plain, back->cookie, ring, AAD, err);
	if (rc == OK && known)
		rc = read_plain(out, &known, buf_view(&plain), arena, err);
	crypto_wipe(space, sizeof(space));
	if (rc != OK)
		return rc;
	if (known && back->now_us - out->started_us < UPSTREAM_VISIT_LIFE_US &&
		is_its_state(out, back->state))
		return OK;
	return error_set(err, ERR_INVALID, "visit-unknown",
		"This sign-in was not begun in this browser, or has taken too long: begin again.");
}
