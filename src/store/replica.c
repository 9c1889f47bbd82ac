#include "store/replica.h"

#include "store/feed.h"
#include "store/history.h"

enum status
replica__open(struct replica *replica, const struct store *store, struct error *err)
{
	*replica = (struct replica){0};
	if (!store->replicas)
		return OK;
	replica->connection.driver = store->driver;
	return store->driver->open(&replica->connection.native, store->replicas, false, err);
}

void
replica__close(struct replica *replica)
{
	connection__close(&replica->connection);
}

/* A replica of a history that was left has no row of the one that is followed. Asked once in a
 * session, as long as that is the same: it can only get further. */
static bool
is_of_incarnation(struct replica *replica, struct tx *tx)
{
	const struct driver_session *session =
		tx->connection->driver->session(tx->connection->native);
	struct error ignored = {0};
	struct history newest;
	if (session->since_us == replica->session_us &&
		uuid_eq(replica->incarnation, tx->incarnation))
		return true;
	if (history__load(&newest, tx, &ignored) != OK)
		return false;
	replica->session_us = session->since_us;
	replica->incarnation = newest.incarnation;
	return uuid_eq(newest.incarnation, tx->incarnation);
}

static bool
run_inside(struct replica *replica, struct tx *tx, struct store_job *job)
{
	if (!is_of_incarnation(replica, tx))
		return false;
	job->status = job->run(job, tx, &job->error);
	return job->status == OK && tx->failed == OK;
}

bool
replica__run(struct replica *replica, struct store *store, struct store_job *job)
{
	struct connection *c = &replica->connection;
	struct tx tx = {.store = store, .connection = c, .lags = true};
	bool done = false;
	if (!c->native || !store->feed)
		return false;
	error_clear(&job->error);
	tx.incarnation = feed__incarnation(store->feed);
	if (c->driver->begin(c->native, false, &job->error) == OK) {
		done = run_inside(replica, &tx, job);
		connection__reset_all(c);
		c->driver->rollback(c->native);
	}
	atomic_fetch_add(done ? &store->replica_reads : &store->replica_refusals, 1);
	return done;
}
