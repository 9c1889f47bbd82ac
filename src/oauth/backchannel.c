#include "oauth/backchannel.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/crew.h"
#include "base/log.h"
#include "base/rounds.h"
#include "iam/tokens/logout_notices.h"
#include "jose/jwt.h"

#define ROUND_US US_PER_S
#define BATCH 16
#define LEASE_S 300 /* longer than all that waits before it can take */
#define TOKEN_LIFE_US (120 * US_PER_S)
#define ARENA_MAX ((size_t)256 * 1024)
#define ANSWER_MAX ((size_t)16 * 1024)
#define LOADS_MAX 8
#define URL_MAX 2304

#define EVENT "http://schemas.openid.net/event/backchannel-logout"

struct backchannel {
	struct backchannel_options options;
	struct crew *crew; /* which sends */
	struct arena *arena; /* of a round */
	struct rounds rounds;
	pthread_mutex_t mutex;
	pthread_cond_t loaded; /* something was */
};

static const struct crew_options CREW = {
	.name = "logouts", .threads = 4, .threads_of_one = 2, .waiting = 128, .waiting_of_one = 32};

struct logout_token {
	struct str issuer;
	struct uuid id, client, subject, session; /* jti, aud, sub, sid */
	int64_t issued_us;
};

/* OpenID Connect Back-Channel Logout section 2.4; appended. ERR_TOO_LARGE. */
static enum status
issue_token(struct buf *out, const struct logout_token *token, const struct signer *signer,
	struct error *err)
{
	char space[2048], client[UUID_TEXT_LEN + 1], subject[UUID_TEXT_LEN + 1];
	char id[UUID_TEXT_LEN + 1];
	struct json_writer w;
	struct buf payload;

	uuid_format(client, token->client);
	uuid_format(subject, token->subject);
	uuid_format(id, token->id);
	const struct jwt_claims claims = {
		.iss = token->issuer,
		.sub = str_from(subject),
		.aud = {str_from(client)},
		.aud_count = 1,
		.iat_us = token->issued_us,
		.exp_us = token->issued_us + TOKEN_LIFE_US,
		.jti = str_from(id),
	};
	buf_init_fixed(&payload, space, sizeof(space));
	jw_init(&w, &payload);
	jw_object(&w, NULL);
	jwt_claims_write(&w, &claims);
	jw_uuid(&w, "sid", token->session);
	jw_object(&w, "events");
	jw_object(&w, EVENT);
	jw_end_object(&w);
	jw_end_object(&w);
	jw_end_object(&w);
	if (payload.failed)
		return error_set(err, ERR_TOO_LARGE, "jws-too-large", "The token is too large.");
	return jws_sign(out, signer->key, STR("logout+jwt"), str_from(signer->kid),
		buf_view(&payload), err);
}

typedef enum status job_run(struct store_job *job, struct tx *tx, struct error *err);

/* Jobs: what is due, and what is taken. */
struct round {
	struct store_job job; /* first */
	struct backchannel *backchannel;
	struct logout_notice notices[BATCH];
	size_t count, refused; /* the crew has no room for the first of them */
	bool due;
};

static struct call
event_call(const struct backchannel *b, struct arena *arena, struct tx *tx)
{
	const struct signin *signin = b->options.signin;
	struct call call = {
		.now_us = clock_now_us(),
		.arena = arena,
		.directory = signin->directory,
		.keyring = signin->keyring,
	};
	call_open_event(&call, tx, PLATFORM);
	return call;
}

static enum status
run_due(struct store_job *job, struct tx *tx, struct error *err)
{
	struct round *r = (struct round *)(void *)job;
	return logout_notices_due(&r->due, tx, clock_now_us(), err);
}

static enum status
run_take(struct store_job *job, struct tx *tx, struct error *err)
{
	struct round *r = (struct round *)(void *)job;
	struct call call = event_call(r->backchannel, r->backchannel->arena, tx);
	return logout_notices_take(r->notices, &r->count, &call, BATCH, LEASE_S, err);
}

/* Whose clients are too slow for what they are to be told hears of all of it later. */
static enum status
run_refused(struct store_job *job, struct tx *tx, struct error *err)
{
	struct round *r = (struct round *)(void *)job;
	struct call call = event_call(r->backchannel, NULL, tx);
	enum status rc = OK;
	for (size_t i = 0; rc == OK && i < r->refused; i++)
		rc = logout_notice_give_back(&call, &r->notices[i], err);
	for (size_t i = 0; rc == OK && i < r->refused; i++)
		if (i == 0 || !uuid_eq(r->notices[i].org.id, r->notices[i - 1].org.id))
			rc = logout_notices_put_off(&call, r->notices[i].org, err);
	return rc;
}

/* Loads what was missed, waiting for it. */
struct loading {
	struct directory_load load; /* first */
	struct backchannel *backchannel;
	bool over; /* under the mutex */
};

static void
note_loaded(struct directory_load *load, enum status status, const struct error *err)
{
	struct loading *loading = (struct loading *)(void *)load;
	struct backchannel *b = loading->backchannel;
	(void)status;
	(void)err;
	mutex_lock(&b->mutex);
	loading->over = true;
	pthread_cond_broadcast(&b->loaded);
	mutex_unlock(&b->mutex);
}

static bool
load(struct backchannel *b, const struct misses *misses)
{
	struct error err = {0};
	struct loading *loading = calloc(1, sizeof(*loading));
	if (!loading)
		return false;
	*loading = (struct loading){
		.load = {.misses = *misses, .loaded = note_loaded}, .backchannel = b};
	bool asked = directory_load(b->options.signin->directory, &loading->load, &err) == OK;
	mutex_lock(&b->mutex);
	while (asked && !loading->over)
		cond_wait(&b->loaded, &b->mutex);
	mutex_unlock(&b->mutex);
	free(loading);
	return asked;
}

/* One request, as it is to be sent. */
struct letter {
	char url[URL_MAX]; /* empty: there is nobody to tell any more */
	struct buf form;
};

static enum status
write_issuer(struct buf *out, const struct signin *signin, struct workspace_id workspace)
{
	char id[UUID_TEXT_LEN + 1];
	buf_str(out, signin->base_url);
	if (!uuid_is_nil(workspace.id)) {
		uuid_format(id, workspace.id);
		buf_printf(out, "/w/%s", id);
	}
	return out->failed ? ERR_TOO_LARGE : OK;
}

static enum status
write_form(struct letter *out, const struct logout_notice *notice, const struct signer *signer,
	const struct signin *signin, struct error *err)
{
	char issuer_space[URL_MAX], token_space[JWS_TOKEN_MAX];
	struct buf issuer, token;
	buf_init_fixed(&issuer, issuer_space, sizeof(issuer_space));
	buf_init_fixed(&token, token_space, sizeof(token_space));
	if (write_issuer(&issuer, signin, notice->workspace) != OK)
		return error_set(err, ERR_TOO_LARGE, "issuer-too-long", "The issuer is too long.");
	const struct logout_token claims = {
		.issuer = buf_view(&issuer),
		.id = notice->id,
		.client = notice->client.id,
		.subject = notice->principal.id,
		.session = notice->family.id,
		.issued_us = clock_now_us(),
	};
	enum status rc = issue_token(&token, &claims, signer, err);
	if (rc == OK)
		http_client_add_field(&out->form, "logout_token", buf_view(&token));
	return rc == OK && out->form.failed ? error_no_memory(err) : rc;
}

/* From views: the client's address, and the token under its issuer's key. */
static enum status
compose(struct letter *out, const struct logout_notice *notice, const struct signin *signin,
	struct misses *misses, struct error *err)
{
	struct signer signer;
	struct error why = {0};
	struct directory *d = signin->directory;
	const struct client_view *client = directory_client(d, notice->org, notice->client, misses);
	const struct keys_view *keys = directory_keys(d, notice->org, notice->workspace, misses);
	out->url[0] = '\0';
	if (misses->count || !client || !keys || !client->backchannel_uri.ptr ||
		client->backchannel_uri.len >= URL_MAX)
		return OK;
	enum status rc = signer_open(&signer, signin, keys, client->id_token_algorithm, &why);
	if (rc == ERR_NOT_FOUND)
		rc = signer_open(&signer, signin, keys, SIGN_ES256, err);
	if (rc == OK)
		rc = write_form(out, notice, &signer, signin, err);
	if (rc != OK)
		return rc;
	memcpy(out->url, client->backchannel_uri.ptr, client->backchannel_uri.len);
	out->url[client->backchannel_uri.len] = '\0';
	return OK;
}

static enum status
prepare(struct backchannel *b, struct letter *out, const struct logout_notice *notice,
	struct error *err)
{
	for (unsigned i = 0; i < LOADS_MAX; i++) {
		struct misses misses = {0};
		buf_reset(&out->form);
		directory_enter();
		enum status rc = compose(out, notice, b->options.signin, &misses, err);
		directory_leave();
		if (!misses.count)
			return rc;
		if (!load(b, &misses))
			break;
	}
	return error_set(err, ERR_BUSY, "not-loaded", "The client could not be loaded.");
}

static enum status
send_letter(struct backchannel *b, const struct letter *letter, struct error *err)
{
	struct http_client_answer answer = {0};
	const struct http_client_request request = {
		.method = "POST",
		.url = letter->url,
		.body = buf_view(&letter->form),
		.content_type = HTTP_CLIENT_FORM,
		.timeout_ms = BACKCHANNEL_TIMEOUT_MS,
		.answer_max = ANSWER_MAX,
		.guard = &b->options.guard,
	};
	enum status rc = http_client_run(&answer, &request, err);
	long status = answer.status;
	http_client_answer_clear(&answer);
	if (rc == OK && status != 200 && status != 204)
		rc = error_set(
			err, ERR_INVALID, "logout-refused", "The client answered %ld.", status);
	return rc;
}

/* One notice on its way, with the job that writes down what became of it. */
struct errand {
	struct store_job job; /* first */
	struct crew_task task;
	struct backchannel *backchannel;
	struct logout_notice notice;
	bool over; /* told, or nobody is there to be told */
};

static enum status
run_settle(struct store_job *job, struct tx *tx, struct error *err)
{
	struct errand *e = (struct errand *)(void *)job;
	struct call call = event_call(e->backchannel, NULL, tx);
	return logout_notice_settle(&call, &e->notice, e->over, err);
}

static enum status
run_give_back(struct store_job *job, struct tx *tx, struct error *err)
{
	struct errand *e = (struct errand *)(void *)job;
	struct call call = event_call(e->backchannel, NULL, tx);
	return logout_notice_give_back(&call, &e->notice, err);
}

/* What cannot be written down stays due: it is told once more when the lease is over. */
static void
finish(struct errand *e, job_run *run)
{
	char client[UUID_TEXT_LEN + 1];
	struct error lost = {0};

	uuid_format(client, e->notice.client.id);
	e->job = (struct store_job){.run = run};
	if (store_change_wait(e->backchannel->options.store, &e->job, &lost) != OK)
		log_event(LOG_WARN, "logout-not-settled", LOG_Z("client", client),
			LOG_Z("text", lost.text));
	free(e);
}

static void
log_failure(const struct logout_notice *notice, const struct error *why)
{
	char client[UUID_TEXT_LEN + 1];

	uuid_format(client, notice->client.id);
	log_event(LOG_WARN, "logout-not-told", LOG_Z("client", client),
		LOG_I("attempt", notice->attempts), LOG_Z("code", why->code),
		LOG_Z("text", why->text));
}

static struct errand *
errand_of(struct crew_task *task)
{
	return (struct errand *)(void *)((char *)task - offsetof(struct errand, task));
}

/* The token is made only now: it does not live long enough to wait as well. */
static void
run_errand(struct crew_task *task)
{
	struct errand *e = errand_of(task);
	struct letter letter = {0};
	struct error err = {0};

	buf_init(&letter.form, 2 * JWS_TOKEN_MAX);
	enum status rc = prepare(e->backchannel, &letter, &e->notice, &err);
	if (rc == OK && letter.url[0])
		rc = send_letter(e->backchannel, &letter, &err);
	buf_clear(&letter.form);
	if (rc != OK)
		log_failure(&e->notice, &err);
	e->over = rc == OK;
	finish(e, run_settle);
}

/* The server stops: whoever takes it next need not wait until the lease is over. */
static void
leave_errand(struct crew_task *task)
{
	finish(errand_of(task), run_give_back);
}

static bool
tell(struct backchannel *b, const struct logout_notice *notice)
{
	struct errand *e = calloc(1, sizeof(*e));
	if (!e)
		return false;
	*e = (struct errand){
		.task = {.run = run_errand, .leave = leave_errand, .party = notice->org.id},
		.backchannel = b,
		.notice = *notice,
	};
	bool taken = crew_take(b->crew, &e->task);
	if (!taken)
		free(e);
	return taken;
}

static bool
change(struct round *r, job_run *run)
{
	struct error err = {0};
	r->job = (struct store_job){.run = run};
	return store_change_wait(r->backchannel->options.store, &r->job, &err) == OK;
}

/* False when there is no more to do at present. What cannot be done now stays due. */
static bool
tell_batch(struct backchannel *b)
{
	struct error err = {0};
	struct round r = {.job = {.run = run_due}, .backchannel = b};
	arena_reset(b->arena);
	if (store_read_wait(b->options.store, &r.job, &err) != OK || !r.due)
		return false;
	if (!change(&r, run_take))
		return false;
	for (size_t i = 0; i < r.count; i++)
		if (rounds_end(&b->rounds) || !tell(b, &r.notices[i]))
			r.notices[r.refused++] = r.notices[i];
	if (r.refused && !change(&r, run_refused))
		return false;
	return r.count == BATCH;
}

static void
do_round(void *owner)
{
	struct backchannel *b = owner;
	while (!rounds_end(&b->rounds) && tell_batch(b))
		;
}

static void
release(struct backchannel *b)
{
	crew_free(&b->crew);
	pthread_cond_destroy(&b->loaded);
	pthread_mutex_destroy(&b->mutex);
	arena_free(&b->arena);
	free(b);
}

enum status
backchannel_start(
	struct backchannel **out, const struct backchannel_options *options, struct error *err)
{
	struct backchannel *b = calloc(1, sizeof(*b));
	*out = NULL;
	if (!b)
		return error_no_memory(err);
	b->options = *options;
	b->arena = arena_new(ARENA_MAX);
	mutex_init(&b->mutex);
	cond_init(&b->loaded);
	const struct rounds_work work = {"backchannel", ROUND_US, do_round, b};
	enum status rc = b->arena ? crew_new(&b->crew, &CREW, err) : error_no_memory(err);
	if (rc == OK)
		rc = rounds_start(&b->rounds, &work, err);
	if (rc != OK)
		release(b);
	else
		*out = b;
	return rc;
}

void
backchannel_stop(struct backchannel **backchannel)
{
	struct backchannel *b = *backchannel;
	if (!b)
		return;
	rounds_stop(&b->rounds);
	release(b);
	*backchannel = NULL;
}
