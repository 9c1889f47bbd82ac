#include "iam/tokens/refusals.h"

#include "base/clock.h"
#include "iam/principals/clients.h"
#include "iam/rows.h"

static const struct sql REFUSAL_SET =
	SQL("INSERT INTO refusals (org, refused, until_us) VALUES ($1, $2, $3)"
	    " ON CONFLICT (org, refused) DO UPDATE SET until_us = $3 WHERE refusals.org = $1"
	    " AND refusals.until_us < $3");

int64_t
refusal_end_us(const struct call *call)
{
	return call->now_us + (int64_t)CLIENT_ACCESS_TTL_MAX_S * US_PER_S;
}

/* Longer is kept, twice is once. */
static enum status
add(struct call *call, struct uuid refused, int64_t until_us, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &REFUSAL_SET, refused, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 3, until_us);
	rc = query_run(&q, NULL, err);
	if (rc != OK)
		return rc;
	call_touch(call, VIEW_REFUSAL, refused);
	call_touch(call, VIEW_REFUSALS, call->chain.org.id);
	return OK;
}

static void
token_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct token *token = entity;

	jw_object(w, name);
	jw_uuid(w, "id", token->id);
	jw_uuid(w, "principal", token->principal.id);
	jw_uuid(w, "client", token->client.id);
	jw_time(w, "expires_at", token->expires_us);
	jw_end_object(w);
}

enum status
token_end(struct call *call, const struct token *token, struct error *err)
{
	enum status rc = iam__record(call, "tokens.delete", "token", token->id,
		VERSIONS(call_json(call, token_write, token), NOTHING), err);

	return rc == OK ? add(call, token->id, token->expires_us, err) : rc;
}
