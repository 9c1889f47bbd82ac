#include "authzen/evaluate.h"

#include "authzen/wait.h"

#define ANSWER_BATCH_MAX (4 * 1024 * 1024)

/* What came of one run from the start. */
enum outcome {
	OUTCOME_ANSWERED,
	OUTCOME_REFUSED, /* see the error */
	OUTCOME_MISSED, /* see the judge's misses: load, and run again */
};

/* Texts with escapes need room to be decoded into, the others none. */
static bool
make_scratch(struct access_scratch *out, struct http_request *r, struct error *err)
{
	struct str body = http_body(r);
	*out = (struct access_scratch){NULL, 0};
	if (body.len == 0 || !memchr(body.ptr, '\\', body.len))
		return true;
	out->ptr = arena_alloc(http_arena(r), body.len);
	out->size = body.len;
	if (!out->ptr)
		(void)error_no_memory(err);
	return out->ptr != NULL;
}

static enum outcome
malformed(struct error *err, const char *why)
{
	(void)error_set(err, ERR_INVALID, "malformed-request", "%s", why);
	return OUTCOME_REFUSED;
}

static enum outcome
run_single(const struct evaluation *e, struct judge *j, struct access_scratch scratch,
	struct error *err)
{
	struct access_request request;
	struct ruling ruling;
	if (!access_request_parse(&request, http_body(e->http), scratch))
		return malformed(err, request.error);
	enum status rc = judge_decide(&ruling, j, &request, err);
	if (j->misses.count)
		return OUTCOME_MISSED;
	if (rc != OK)
		return OUTCOME_REFUSED;
	char space[ANSWER_SINGLE_MAX];
	struct buf out;
	buf_init_fixed(&out, space, sizeof(space));
	answer_decision(&out, j, &request, &ruling);
	if (out.failed) {
		(void)error_set(err, ERR_INTERNAL, "answer-too-large",
			"The explanation is too large; ask without it.");
		return OUTCOME_REFUSED;
	}
	answer_send(e->http, buf_view(&out));
	return OUTCOME_ANSWERED;
}

/* One run over several. */
struct series {
	const struct evaluation *evaluation;
	struct judge *judge;
	const struct access_batch *batch;
	struct access_scratch scratch;
	struct json_writer writer;
	uint32_t forbidden;
};

/* The names that are looked for lie in the scratch, which the next item reuses. */
static bool
keep_names(struct judge *j, uint32_t from, struct arena *arena)
{
	for (uint32_t i = from; i < j->misses.count; i++) {
		struct miss *miss = &j->misses.items[i];
		if (miss->key.kind != VIEW_RESOURCE)
			continue;
		miss->type = arena_copy(arena, miss->type);
		miss->name = arena_copy(arena, miss->name);
		if (!miss->type.ptr || !miss->name.ptr)
			return false;
	}
	return true;
}

/* An item that cannot be decided is a denial at its place; what concerns all of them is an error.
 */
static enum status
run_item(struct series *s, uint32_t i, enum decision *decision, struct error *err)
{
	struct access_request request;
	struct ruling ruling;
	struct error own = {0};
	uint32_t missed = s->judge->misses.count;
	*decision = DECISION_DENY;
	if (!access_batch_request(&request, s->batch, i, s->scratch)) {
		answer_failed_item(&s->writer, 400, request.error);
		return OK;
	}
	enum status rc = judge_decide(&ruling, s->judge, &request, &own);
	if (s->judge->misses.count)
		return keep_names(s->judge, missed, http_arena(s->evaluation->http))
			? OK
			: error_no_memory(err);
	if (rc == ERR_FORBIDDEN) {
		s->forbidden++;
		answer_failed_item(&s->writer, 403, own.text);
		return OK;
	}
	if (rc != OK) {
		*err = own;
		return rc;
	}
	*decision = ruling.answer.decision;
	answer_item(&s->writer, &request, &ruling);
	return OK;
}

static bool
is_last(enum access_semantic semantic, enum decision decision)
{
	switch (semantic) {
	case ACCESS_EXECUTE_ALL:
		return false;
	case ACCESS_DENY_ON_FIRST_DENY:
		return decision == DECISION_DENY;
	case ACCESS_PERMIT_ON_FIRST_PERMIT:
		return decision == DECISION_ALLOW;
	}
	return false;
}

static enum outcome
run_items(struct series *s, struct error *err)
{
	uint32_t count = s->batch->count;
	uint32_t i = 0;
	bool last = false;
	jw_object(&s->writer, NULL);
	jw_array(&s->writer, "evaluations");
	while (i < count && !last && !s->judge->misses.overflow) {
		enum decision decision;
		if (run_item(s, i++, &decision, err) != OK)
			return OUTCOME_REFUSED;
		/* With something missing what was decided means nothing: only collect. */
		last = s->judge->misses.count == 0 && is_last(s->batch->semantic, decision);
	}
	if (s->judge->misses.count)
		return OUTCOME_MISSED;
	if (s->forbidden == i) {
		(void)error_set(err, ERR_FORBIDDEN, "not-allowed",
			"The caller may not ask for decisions here: iam:decisions:evaluate is "
			"missing.");
		return OUTCOME_REFUSED;
	}
	jw_end_array(&s->writer);
	jw_object(&s->writer, "context");
	answer_age(&s->writer, s->judge);
	jw_end_object(&s->writer);
	jw_end_object(&s->writer);
	return OUTCOME_ANSWERED;
}

static enum outcome
run_batch(const struct evaluation *e, struct judge *j, const struct access_batch *batch,
	struct access_scratch scratch, struct error *err)
{
	struct buf out;
	buf_init(&out, ANSWER_BATCH_MAX);
	struct series s = {.evaluation = e, .judge = j, .batch = batch, .scratch = scratch};
	jw_init(&s.writer, &out);
	enum outcome outcome = run_items(&s, err);
	if (outcome == OUTCOME_ANSWERED && out.failed) {
		(void)error_no_memory(err);
		outcome = OUTCOME_REFUSED;
	}
	if (outcome == OUTCOME_ANSWERED)
		answer_send(e->http, buf_view(&out));
	buf_clear(&out);
	return outcome;
}

static enum outcome
run_many(const struct evaluation *e, struct judge *j, struct access_scratch scratch,
	struct error *err)
{
	struct access_batch batch;
	if (!access_batch_parse(&batch, http_body(e->http), scratch, http_arena(e->http))) {
		if (!batch.no_memory)
			return malformed(err, batch.error);
		(void)error_no_memory(err);
		return OUTCOME_REFUSED;
	}
	if (batch.count == 0)
		return run_single(e, j, scratch, err);
	return run_batch(e, j, &batch, scratch, err);
}

static enum outcome
run_once(const struct evaluation *e, struct judge *j, struct error *err)
{
	struct access_scratch scratch;
	struct str header = http_header_once(e->http, "Authorization");
	enum status rc = judge_open(j, e->door, header, e->workspace, err);
	if (j->misses.count)
		return OUTCOME_MISSED;
	if (rc != OK || !make_scratch(&scratch, e->http, err))
		return OUTCOME_REFUSED;
	return e->many ? run_many(e, j, scratch, err) : run_single(e, j, scratch, err);
}

void
evaluation_run(const struct evaluation *e)
{
	struct error err = {0};
	struct judge judge; /* large, and initialised by judge_open as far as it is used */
	judge.http = e->http;
	judge.caught_up = authzen__caught_up(e->http);
	judge.behind = false;
	directory_enter();
	enum outcome outcome = run_once(e, &judge, &err);
	directory_leave();
	switch (outcome) {
	case OUTCOME_ANSWERED:
		break;
	case OUTCOME_REFUSED:
		if (judge.behind && !judge.caught_up &&
			directory_is_shared(e->door->signin.directory))
			authzen__wait_for_news(e->http, e->door);
		else
			answer_status(e->http, &err);
		break;
	case OUTCOME_MISSED:
		authzen__wait(e->http, e->door, &judge.misses);
		break;
	}
}
