#include "oauth/backchannel.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/crew.h"
#include "base/log.h"
#include "base/rounds.h"
#include "iam/logout_notices.h"
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
	pthread_cond_t changed;
	bool loaded; /* under the mutex */
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

/* Jobs: what is due, and what is taken. */
struct round {
	struct store_job job; /* first */
	struct backchannel *backchannel;
	struct logout_notice notices[BATCH];
	size_t count;
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

/* Loads what was missed, waiting for it. */
struct loading {
	struct directory_load load; /* first */
	struct backchannel *backchannel;
};

static void
loaded(struct directory_load *load, enum status status, const struct error *err)
{
	struct backchannel *b = ((struct loading *)(void *)load)->backchannel;
	(void)status;
	(void)err;
	mutex_lock(&b->mutex);
	b->loaded = true;
	pthread_cond_signal(&b->changed);
	mutex_unlock(&b->mutex);
}

static bool
load(struct backchannel *b, const struct misses *misses)
{
	struct error err = {0};
	struct loading *loading = calloc(1, sizeof(*loading));
	if (!loading)
		return false;
	*loading = (struct loading){{.misses = *misses, .loaded = loaded}, b};
	b->loaded = false;
	bool asked = directory_load(b->options.signin->directory, &loading->load, &err) == OK;
	mutex_lock(&b->mutex);
	while (asked && !b->loaded)
		pthread_cond_wait(&b->changed, &b->mutex);
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
	struct letter letter;
	bool over; /* told, or nobody is there to be told */
};

static struct errand *
errand_new(struct backchannel *b, const struct logout_notice *notice)
{
	struct errand *e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->backchannel = b;
	e->notice = *notice;
	buf_init(&e->letter.form, 2 * JWS_TOKEN_MAX);
	return e;
}

static void
errand_free(struct errand *e)
{
	buf_clear(&e->letter.form);
	free(e);
}

static enum status
run_settle(struct store_job *job, struct tx *tx, struct error *err)
{
	struct errand *e = (struct errand *)(void *)job;
	struct call call = event_call(e->backchannel, NULL, tx);
	return logout_notice_settle(&call, &e->notice, e->over, err);
}

/* What cannot be written down stays due: it is told once more when the lease is over. */
static void
settle(struct errand *e, enum status status, const struct error *why)
{
	char client[UUID_TEXT_LEN + 1];
	struct error lost = {0};

	uuid_format(client, e->notice.client.id);
	if (status != OK)
		log_event(LOG_WARN, "logout-not-told", LOG_Z("client", client),
			LOG_I("attempt", e->notice.attempts), LOG_Z("code", why->code),
			LOG_Z("text", why->text));
	e->over = status == OK;
	e->job = (struct store_job){.run = run_settle};
	if (store_change_wait(e->backchannel->options.store, &e->job, &lost) != OK)
		log_event(LOG_WARN, "logout-not-settled", LOG_Z("client", client),
			LOG_Z("text", lost.text));
	errand_free(e);
}

static struct errand *
errand_of(struct crew_task *task)
{
	return (struct errand *)(void *)((char *)task - offsetof(struct errand, task));
}

static void
run_errand(struct crew_task *task)
{
	struct errand *e = errand_of(task);
	struct error err = {0};
	enum status rc = send_letter(e->backchannel, &e->letter, &err);
	settle(e, rc, &err);
}

static void
leave_errand(struct crew_task *task)
{
	errand_free(errand_of(task));
}

/* Whose clients are too slow for what they are to be told hears of it later. */
static void
tell(struct backchannel *b, const struct logout_notice *notice)
{
	struct error err = {0};
	struct errand *e = errand_new(b, notice);
	if (!e)
		return;
	enum status rc = prepare(b, &e->letter, notice, &err);
	e->task = (struct crew_task){
		.run = run_errand, .leave = leave_errand, .party = notice->org.id};
	if (rc == OK && e->letter.url[0]) {
		if (crew_take(b->crew, &e->task))
			return;
		rc = error_set(&err, ERR_BUSY, "overloaded", "Too many logouts are being told.");
	}
	settle(e, rc, &err);
}

/* False when there is no more to do at present. What cannot be done now stays due. */
static bool
tell_batch(struct backchannel *b)
{
	struct error err = {0};
	struct store *store = b->options.store;
	struct round r = {.job = {.run = run_due}, .backchannel = b};
	arena_reset(b->arena);
	if (store_read_wait(store, &r.job, &err) != OK || !r.due)
		return false;
	r.job = (struct store_job){.run = run_take};
	if (store_change_wait(store, &r.job, &err) != OK)
		return false;
	for (size_t i = 0; i < r.count && !rounds_end(&b->rounds); i++)
		tell(b, &r.notices[i]);
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
	pthread_cond_destroy(&b->changed);
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
	cond_init(&b->changed);
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
