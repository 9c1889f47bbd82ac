#include "iam/rows.h"
#include "iam/tokens/codes.h"

/* What stands in the way of a second use is `used_us`; whoever comes first sets it. */
static const struct sql CODE_SELECT =
	SQL("SELECT c.hash, c.pepper, c.workspace, c.client_org, c.client, c.principal, c.person,"
	    " c.session, c.redirect_uri, c.redirect_stated, c.challenge, c.scope, c.resource,"
	    " c.nonce, c.claims, c.methods, c.auth_us, c.expires_us, c.used_us, c.family,"
	    " p.state, p.generation, a.generation, n.generation, s.session, c.provider"
	    " FROM codes c JOIN principals p ON p.org = c.org AND p.principal = c.principal"
	    " JOIN principals a ON a.org = c.client_org AND a.principal = c.client"
	    " LEFT JOIN persons n ON n.person = c.person"
	    " LEFT JOIN sessions s ON s.org = c.client_org AND s.session = c.session"
	    " WHERE c.org = $1 AND c.code = $2");
static const struct sql CODE_USE = SQL("UPDATE codes SET used_us = $3, family = $4"
				       " WHERE org = $1 AND code = $2 AND used_us IS NULL");

/* A row, as far as it is not of the family. */
struct code_row {
	struct family_row family;
	struct str redirect_uri, challenge;
	bool redirect_stated, used, user_active, session_gone, proved;
	int64_t expires_us;
	struct family_id given;
};

static void
read_family(struct family_row *out, struct query *q, struct call *call)
{
	*out = (struct family_row){
		.workspace = {query_uuid(q, 2)},
		.client_org = {query_uuid(q, 3)},
		.client = {query_uuid(q, 4)},
		.principal = {query_uuid(q, 5)},
		.person = {query_uuid(q, 6)},
		.session = {query_uuid(q, 7)},
		.provider = query_uuid(q, 25),
		.scope = iam__text(q, 11, call),
		.resource = iam__text(q, 12, call),
		.nonce = iam__text(q, 13, call),
		.claims = iam__text(q, 14, call),
		.methods = iam__text(q, 15, call),
		.auth_us = query_int(q, 16),
		.generation = query_int(q, 21),
		.client_generation = query_int(q, 22),
		.person_generation = query_int(q, 23),
	};
}

static void
read_code(struct code_row *out, struct query *q, struct call *call, struct str code)
{
	struct str hash = query_bytes(q, 0);

	*out = (struct code_row){
		.redirect_uri = iam__text(q, 8, call),
		.redirect_stated = query_int(q, 9) != 0,
		.challenge = iam__text(q, 10, call),
		.expires_us = query_int(q, 17),
		.used = !query_is_null(q, 18),
		.given = {query_uuid(q, 19)},
		.user_active = query_int(q, 20) == STATE_ACTIVE,
		.session_gone = !query_is_null(q, 7) && query_is_null(q, 24),
		.proved = hash.len == SHA256_LEN &&
			keyring_verify(call->keyring, (const uint8_t *)hash.ptr,
				(int)query_int(q, 1), code),
	};
	read_family(&out->family, q, call);
}

static bool
is_verifier(struct str verifier)
{
	if (verifier.len < 43 || verifier.len > 128)
		return false;
	for (size_t i = 0; i < verifier.len; i++) {
		char c = verifier.ptr[i];
		if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
			c != '-' && c != '.' && c != '_' && c != '~')
			return false;
	}
	return true;
}

bool
code_verifier_fits(struct str verifier, struct str challenge)
{
	uint8_t hash[SHA256_LEN];
	char text[SHA256_LEN * 2];

	if (!is_verifier(verifier))
		return false;
	crypto_sha256(hash, verifier.ptr, verifier.len);
	size_t len = crypto_base64url(text, sizeof(text), hash, sizeof(hash));
	return challenge.len == len && crypto_equal(text, challenge.ptr, len);
}

static bool
redirect_fits(const struct code_row *row, struct str stated)
{
	if (!stated.ptr)
		return !row->redirect_stated;
	return str_eq(stated, row->redirect_uri);
}

static bool
challenge_fits(const struct code_row *row, struct str verifier)
{
	if (!row->challenge.ptr || !verifier.ptr)
		return !row->challenge.ptr && !verifier.ptr;
	return code_verifier_fits(verifier, row->challenge);
}

static bool
is_good(const struct code_row *row, const struct code_presented *presented, int64_t now_us)
{
	return now_us < row->expires_us &&
		uuid_eq(row->family.client_org.id, presented->client_org.id) &&
		uuid_eq(row->family.client.id, presented->client.id) &&
		uuid_eq(row->family.workspace.id, presented->workspace.id) &&
		redirect_fits(row, presented->redirect_uri) &&
		challenge_fits(row, presented->verifier) && row->user_active && !row->session_gone;
}

/* RFC 8707 section 2.2: what was asked for can only be narrowed. */
static bool
resource_fits(const struct code_row *row, struct str named)
{
	return !named.ptr || !row->family.resource.ptr || str_eq(named, row->family.resource);
}

static enum status
load(struct code_row *out, bool *found, struct call *call, struct uuid id, struct str code,
	struct error *err)
{
	struct query q;

	*found = false;
	enum status rc = iam__query(&q, call, &CODE_SELECT, id, err);
	if (rc != OK)
		return rc;
	rc = query_next(&q, err);
	if (rc == OK && q.row) {
		read_code(out, &q, call, code);
		*found = true;
		rc = query_next(&q, err);
	}
	query_end(&q);
	return rc;
}

/* False in *first: another was faster. */
static enum status
use(bool *first, struct call *call, struct uuid id, struct family_id family, struct error *err)
{
	struct query q;
	int64_t changed = 0;

	enum status rc = iam__query(&q, call, &CODE_USE, id, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 3, call->now_us);
	query_bind_uuid(&q, 4, family.id);
	rc = query_run(&q, &changed, err);
	*first = changed == 1;
	return rc;
}

enum status
code_exchange(struct code_exchange *out, struct call *call, const struct code_presented *presented,
	struct error *err)
{
	struct secret_parts parts;
	struct code_row row;
	bool found, first = false;

	*out = (struct code_exchange){.kind = CODE_NONE};
	if (!secret_parse(&parts, presented->code) || strcmp(parts.prefix, "twg_") != 0 ||
		!uuid_eq(parts.org, call->chain.org.id))
		return OK;
	enum status rc = load(&row, &found, call, parts.credential, presented->code, err);
	if (rc != OK || !found || !row.proved)
		return rc;
	if (!row.used && is_good(&row, presented, call->now_us)) {
		if (!resource_fits(&row, presented->resource)) {
			out->kind = CODE_ELSEWHERE;
			return OK;
		}
		rc = use(&first, call, parts.credential, presented->family, err);
		if (rc == OK && !first)
			rc = load(&row, &found, call, parts.credential, presented->code, err);
	}
	if (rc == OK && row.used) {
		out->kind = CODE_USED;
		out->given = row.given;
	} else if (rc == OK && first) {
		out->kind = CODE_GOOD;
		out->family = row.family;
		out->family.id = presented->family;
	}
	return rc;
}
