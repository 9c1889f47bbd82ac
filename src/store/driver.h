#ifndef STORE_DRIVER_H
#define STORE_DRIVER_H

#include "store/store.h"

/*
 * What an engine must be able to do; the rest of the folder knows no engine. A connection and its
 * statements are used by one thread at a time. Every function that fails says so in `err` with a
 * text that is fit for the caller of the server, and puts the engine's own words into the detail.
 */
struct driver_word {
	const char *word; /* as it stands in a migration: "{uuid}" */
	const char *becomes; /* the engine's own */
};

/* With whom a connection to a shared engine is, as long as it is not made anew. */
#define DRIVER_IDENTITY_MAX 64
struct driver_session {
	char identity[DRIVER_IDENTITY_MAX]; /* another one after a failover or a restoration */
	uint64_t seed; /* the same for all who use this database */
	int64_t since_us; /* monotonic; when it had been made */
};

struct driver {
	const char *name;
	const struct driver_word *words; /* the last has no word */
	bool shared; /* several processes, and several connections of one, may write */

	/* Prepares the place that the connections share: folder, file, the lock that one serving
	 * process holds. Nothing is held when it fails. */
	enum status (*attach)(void **place, const struct store_options *options, struct error *err);
	/* The same of options->replicas, which may be away: a connection is made when it is used.
	 */
	enum status (*attach_replicas)(
		void **place, const struct store_options *options, struct error *err);
	void (*detach)(void **place);
	const char *(*place_name)(void *place); /* what may be shown of it; borrowed */

	/* `writes`: a connection that may change something. The first is opened before all others.
	 * One that is lost later is made anew by `begin`. */
	enum status (*open)(void **connection, void *place, bool writes, struct error *err);
	void (*close)(void **connection);

	/* In a transaction: makes others that migrate wait until it ends. NULL where nobody else
	 * can. */
	enum status (*lock_schema)(void *connection, struct error *err);
	/* Whether the table of migrations is there. */
	enum status (*has_schema)(void *connection, bool *out, struct error *err);
	/* Runs several statements without rows, inside a transaction. */
	enum status (*script)(void *connection, const char *sql, struct error *err);

	/* `begin` of a writing transaction waits for other processes as long as the options say.
	 * When `commit` answers an error, the transaction is surely undone, unless its code is
	 * "outcome-unknown". */
	enum status (*begin)(void *connection, bool writes, struct error *err);
	enum status (*commit)(void *connection, struct error *err);
	void (*rollback)(void *connection);
	enum status (*savepoint)(void *connection, struct error *err);
	enum status (*release)(void *connection, struct error *err);
	/* Undoes what happened since the savepoint, and removes it. */
	enum status (*rollback_to)(void *connection, struct error *err);
	/* False when the engine has undone the whole transaction by itself. */
	bool (*in_transaction)(void *connection);
	/* After a failure: it came by chance (others' transactions, a lost connection), and the
	 * transaction may succeed when it is run again. */
	bool (*again)(void *connection);
	/* After a failure: somebody holds what it waited for, and others would wait as long. */
	bool (*held)(void *connection);
	/* What can wait until everyone has been answered: checkpoints. */
	void (*tidy)(void *connection);

	/* Of shared engines alone. */
	const struct driver_session *(*session)(const void *connection); /* inside a transaction */
	/* Inside a transaction that reads: what others wrote before this is seen, or never was. */
	enum status (*horizon)(int64_t *out, void *connection, struct error *err);
	void (*leave)(void *connection); /* the next `begin` makes the session anew */
	/* The others outside of one. */
	enum status (*notify)(void *connection, struct error *err); /* tells the others */
	/* Returns when another one told, when `wake` can be read, or after so long. */
	void (*await)(void *connection, int wake, int timeout_ms);

	/* Of engines that are not shared: a line that is kept beside the store, and not in it. */
	void (*note)(void *place, const char *line, bool sync); /* sync: it is on disk then */
	bool (*recall)(void *place, char *out, size_t size); /* false: there is none */

	/* Statements. `persistent` ones are kept for the life of the connection. */
	enum status (*prepare)(void **statement, void *connection, const char *text,
		bool persistent, struct error *err);
	void (*finalize)(void **statement);
	/* Forgets rows and bound values. */
	void (*reset)(void *statement);

	/* False: no such place, or no memory. Values are copied. */
	bool (*bind_int)(void *statement, int at, int64_t value);
	bool (*bind_text)(void *statement, int at, struct str value);
	bool (*bind_bytes)(void *statement, int at, const void *bytes, size_t len);
	bool (*bind_null)(void *statement, int at);

	enum status (*step)(void *statement, bool *row, struct error *err);
	int64_t (*changed)(void *statement); /* rows that the last step to the end changed */

	bool (*column_is_null)(void *statement, int column);
	int64_t (*column_int)(void *statement, int column);
	struct str (*column_bytes)(void *statement, int column); /* text as well; absent for NULL */
};

extern const struct driver driver_sqlite, driver_pgsql;

#endif
