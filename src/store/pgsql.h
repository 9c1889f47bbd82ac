#ifndef STORE_PGSQL_H
#define STORE_PGSQL_H

#include <libpq-fe.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "store/driver.h"

/* What pgsql.c, pgsql_error.c, pgsql_open.c and pgsql_statement.c share. */

struct pgsql_place {
	char *url; /* secret: it may hold a password */
	char *name; /* what may be shown of it */
	int lock_timeout_ms;
	int statement_timeout_ms;
	bool replica; /* it only reads, may be away, and has no identity */
	_Atomic int64_t reached_us; /* when a session was last made */
};

/*
 * One session. It is always in pipeline mode: what begins, divides and ends a transaction is sent
 * along with the next statement, and costs no way of its own to the database and back.
 */
struct pgsql_connection {
	struct pgsql_place *place;
	PGconn *pg; /* NULL when lost and not made anew yet */
	struct driver_session session;
	uint64_t generation; /* counts the sessions: statements are prepared in one */
	uint64_t listening; /* the session that is told of others' changes */
	uint64_t statements; /* made so far: their names */
	unsigned unread; /* control commands whose results were not read yet */
	bool unread_sync; /* … and the synchronisation point after them */
	unsigned unread_failed; /* the one that failed, counted from the end; 0: none */
	bool writes;
	bool in_tx;
	bool again; /* the transaction failed by chance, and may be run again */
	bool patient; /* it may take as long as it wants */
	bool silent; /* it took too long: the session is lost */
	int64_t until_us; /* … after this; 0: never */
	bool doubted; /* the server warned of something */
	bool held; /* a lock was waited for in vain */
	bool stale; /* the session is of no use any more: the server only reads */
	int64_t failed_us; /* when one could not be made … */
	int64_t retry_us; /* … and no other is tried before, unless another connection has one */
	int64_t pause_us; /* between two tries */
};

#define PGSQL_PLACES_MAX 40

struct pgsql_value {
	size_t at, len; /* in `values` */
	bool present, binary;
};

struct pgsql_statement {
	struct pgsql_connection *connection;
	char *text;
	char name[24]; /* "" for one that is not kept */
	uint64_t generation; /* the session in which it was prepared; 0: in none */
	int places;
	struct pgsql_value value[PGSQL_PLACES_MAX];
	struct buf values;
	PGresult *result;
	int row, rows;
	bool ran;
	int64_t changed;
};

enum status pgsql__attach(void **place, const struct store_options *options, struct error *err);
enum status pgsql__attach_replicas(
	void **place, const struct store_options *options, struct error *err);
void pgsql__detach(void **place);
const char *pgsql__name(void *place);
enum status pgsql__open(void **connection, void *place, bool writes, struct error *err);
void pgsql__close(void **connection);

/* A session that works, made anew if need be; ERR_BUSY. Outside a transaction. */
enum status pgsql__ready(struct pgsql_connection *c, struct error *err) MUST_USE;

/* Maps what the server said (NULL: nothing, since the session is lost) to an error. */
enum status pgsql__error(struct pgsql_connection *c, const PGresult *result, struct error *err);

/* Whether the server refused its user a right. `result` may be NULL. */
bool pgsql__is_forbidden(const PGresult *result);
/* ERR_BUSY "store-forbidden". Which right it is, and what to do, belongs into the detail: anybody
 * may be asking. */
void pgsql__forbidden(struct error *err);

/* Says what was lost, and gives the session up: what it was doing is undone by the server. */
enum status pgsql__lost(struct pgsql_connection *c, struct error *err);

/* Sends a command without values or rows; its result is read with the next. */
enum status pgsql__queue(struct pgsql_connection *c, const char *sql, struct error *err) MUST_USE;
/* Waits for everything that was sent. The result of the last command goes to `last` (may be NULL),
 * owned. The first failure of any is the answer. */
enum status pgsql__settle(struct pgsql_connection *c, PGresult **last, struct error *err) MUST_USE;
/* Sends off what was queued, and reads the results when there is need to. */
void pgsql__send_off(struct pgsql_connection *c);

/* Statements, as driver.h has them. */
enum status pgsql__prepare(
	void **statement, void *connection, const char *text, bool persistent, struct error *err);
void pgsql__finalize(void **statement);
void pgsql__reset(void *statement);
bool pgsql__bind_int(void *statement, int at, int64_t value);
bool pgsql__bind_text(void *statement, int at, struct str value);
bool pgsql__bind_bytes(void *statement, int at, const void *bytes, size_t len);
bool pgsql__bind_null(void *statement, int at);
enum status pgsql__step(void *statement, bool *row, struct error *err);
int64_t pgsql__changed(void *statement);
bool pgsql__column_is_null(void *statement, int column);
int64_t pgsql__column_int(void *statement, int column);
struct str pgsql__column_bytes(void *statement, int column);

#endif
