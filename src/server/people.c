#include "server/people.h"

#define PASSWORD_THREADS_MAX 2
/* At 25 ms each, whoever comes last waits for about a second. */
#define PASSWORDS_WAITING_MAX 32

enum status
people_open(struct people *out, struct store *store, const struct config *config, struct error *err)
{
	const struct password_pool_options pool = {
		.threads = config->threads > PASSWORD_THREADS_MAX ? PASSWORD_THREADS_MAX : 1,
		.queue_max = PASSWORDS_WAITING_MAX};

	*out = (struct people){0};
	enum status rc = password_pool_new(&out->pool, &pool, err);
	if (rc == OK)
		rc = throttle_new(&out->throttle, err);
	if (rc == OK)
		rc = link_desk_new(&out->links, store, err);
	if (rc == OK)
		rc = session_uses_new(&out->uses, err);
	const struct upstream_options upstream = {
		.guard = {config->outbound_blocks, config->outbound_count}};
	if (rc == OK)
		rc = upstream_new(&out->upstream, &upstream, err);
	return rc;
}

void
people_close(struct people *people)
{
	password_pool_free(&people->pool);
	throttle_free(&people->throttle);
	link_desk_free(&people->links);
	session_uses_free(&people->uses);
	upstream_free(&people->upstream);
}

struct session_lives
people_session_lives(const struct config *config)
{
	return (struct session_lives){
		.idle_s = config->session_idle_s, .absolute_s = config->session_max_s};
}
