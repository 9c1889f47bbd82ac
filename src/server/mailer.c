#include "server/mailer.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rounds.h"
#include "iam/mails/letters.h"
#include "iam/mails/mails.h"
#include "mail/mail.h"

#define ROUND_US (US_PER_S / 2)
#define BATCH 8
#define TIMEOUT_MS 10000
/* Longer than a batch can take. */
#define LEASE_S 300
#define ARENA_MAX ((size_t)8 * 1024 * 1024)

struct mailer {
	struct server *server;
	struct mail_transport transport;
	struct arena *arena; /* of one round */
	struct rounds rounds;
};

/* One job of a round. */
struct mailing {
	struct store_job job; /* first */
	struct mailer *mailer;
	bool due;
	struct mail_due *mails;
	size_t count;
	const struct mail_due *mail;
	struct mail_result result;
};

static struct call
call_of(const struct mailing *m, struct tx *tx)
{
	const struct installation *at = &m->mailer->server->installation;
	struct call call = {.address = STR("local"),
		.now_us = clock_now_us(),
		.arena = m->mailer->arena,
		.directory = at->directory,
		.keyring = at->keyring};

	call_open_event(&call, tx, PLATFORM);
	return call;
}

static enum status
look_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct mailing *m = (struct mailing *)(void *)job;

	return mail_is_due(&m->due, tx, clock_now_us(), err);
}

static enum status
take_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct mailing *m = (struct mailing *)(void *)job;
	struct call call = call_of(m, tx);

	return mail_take(&m->mails, &m->count, &call, BATCH, LEASE_S, err);
}

static enum status
settle_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct mailing *m = (struct mailing *)(void *)job;
	struct call call = call_of(m, tx);

	return mail_settle(&call, m->mail, &m->result, err);
}

/* "Thingward <no-reply@example.org>" under the name of another. */
static struct str
sender_of(struct mailer *m, const struct mail_due *mail)
{
	struct str from = str_from(m->server->config->mail_from), address = from;

	if (!mail->sender.len)
		return from;
	(void)str_cut(&address, '<');
	address = address.ptr ? str_cut(&address, '>') : from;
	return arena_printf(m->arena, "%.*s <%.*s>", STR_ARG(mail->sender), STR_ARG(address));
}

static enum status
deliver(struct mailer *m, const struct mail_due *mail, struct error *err)
{
	struct letter letter;

	enum status rc = letter_write(&letter, mail->template, mail->content, m->arena, err);
	if (rc != OK)
		return rc;
	const struct mail_message message = {.id = mail->id.id,
		.time_us = mail->created_us,
		.from = sender_of(m, mail),
		.to = mail->recipient,
		.subject = letter.subject,
		.text = letter.text,
		.html = letter.html};
	return mail_deliver(&message, &m->transport, err);
}

/* Trying again helps where the other side was away, and not where it or we refused. */
static struct mail_result
result_of(enum status status, const struct error *err)
{
	bool later = status == ERR_BUSY || status == ERR_NO_MEMORY;

	return (struct mail_result){.sent = status == OK,
		.final = status != OK && !later,
		.why = str_from(status == OK     ? ""
				: err->detail[0] ? err->detail
						 : err->text)};
}

static void
send_one(struct mailer *m, const struct mail_due *mail)
{
	struct error failed = {0}, err = {0};

	enum status rc = deliver(m, mail, &failed);
	struct mailing settling = {.job = {.run = settle_run, .shard = mail->org.id},
		.mailer = m,
		.mail = mail,
		.result = result_of(rc, &failed)};
	/* What the other side said may name whom it was for: it stands in the queue alone. */
	if (rc != OK)
		log_event(LOG_WARN, "mail-not-sent", LOG_U("organisation", mail->org.id),
			LOG_U("mail", mail->id.id), LOG_I("attempt", mail->attempts),
			LOG_Z("code", failed.code));
	/* What cannot be written down is sent once more when the lease is over. */
	if (store_change_wait(m->server->installation.store, &settling.job, &err) != OK)
		log_event(LOG_WARN, "mail-not-settled", LOG_Z("text", err.text),
			LOG_Z("detail", err.detail));
}

/* False when there is nothing more to do at present. */
static bool
send_batch(struct mailer *m)
{
	struct store *store = m->server->installation.store;
	struct mailing round = {.job = {.run = look_run}, .mailer = m};
	struct error err = {0};

	arena_reset(m->arena);
	enum status rc = store_read_wait(store, &round.job, &err);
	if (rc != OK || !round.due)
		return false;
	round.job = (struct store_job){.run = take_run};
	rc = store_change_wait(store, &round.job, &err);
	if (rc != OK) {
		log_event(LOG_WARN, "mails-not-taken", LOG_Z("text", err.text),
			LOG_Z("detail", err.detail));
		return false;
	}
	for (size_t i = 0; i < round.count && !rounds_end(&m->rounds); i++)
		send_one(m, &round.mails[i]);
	return round.count > 0;
}

static void
do_round(void *owner)
{
	struct mailer *m = owner;

	while (!rounds_end(&m->rounds) && send_batch(m))
		;
}

static struct mail_transport
transport_of(const struct config *config)
{
	return (struct mail_transport){.url = config->smtp_url,
		.user = config->smtp_user,
		.password = config->smtp_password,
		.without_tls = config->smtp_tls != SMTP_TLS_REQUIRED,
		.outbox = config->outbox,
		.timeout_ms = TIMEOUT_MS};
}

static void
mailer_free(struct mailer **mailer)
{
	arena_free(&(*mailer)->arena);
	free(*mailer);
	*mailer = NULL;
}

enum status
mailer_check(const struct config *config, struct error *err)
{
	if (mail_is_sender(str_from(config->mail_from)))
		return OK;
	return error_set(err, ERR_INVALID, "option-invalid",
		"mail-from: '%s' is no sender: it must be like Thingward "
		"<no-reply@example.org>, its name at most %d bytes.",
		config->mail_from, MAIL_NAME_MAX);
}

enum status
mailer_start(struct mailer **out, struct server *server, struct error *err)
{
	struct mailer *m = calloc(1, sizeof(*m));

	*out = NULL;
	if (!m)
		return error_no_memory(err);
	m->server = server;
	m->transport = transport_of(server->config);
	m->arena = arena_new(ARENA_MAX);
	const struct rounds_work work = {"mailer", ROUND_US, do_round, m};
	enum status rc = m->arena ? rounds_start(&m->rounds, &work, err) : error_no_memory(err);
	if (rc != OK)
		mailer_free(&m);
	*out = m;
	return rc;
}

void
mailer_stop(struct mailer **mailer)
{
	if (!*mailer)
		return;
	rounds_stop(&(*mailer)->rounds);
	mailer_free(mailer);
}
