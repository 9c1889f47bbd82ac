#include "support_pgsql.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support.h"

int64_t
database_run(const char *url, const char *sql)
{
	int64_t value = 0;
	PGconn *pg = PQconnectdb(url);
	PGresult *result = PQexec(pg, sql);
	ExecStatusType status = PQresultStatus(result);
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(pg));
	if (PQntuples(result) > 0)
		value = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	PQfinish(pg);
	return value;
}

/* The server's URL names the database "postgres". */
void
database_new(char url[DATABASE_URL_MAX])
{
	static unsigned count;
	char sql[96], name[48];
	const char *server = getenv("THINGWARD_TEST_DATABASE");
	const char *at = server ? strstr(server, "/postgres?") : NULL;
	if (!at)
		fail_msg("THINGWARD_TEST_DATABASE is not set; run by tools/postgres.py");
	snprintf(name, sizeof(name), "t%d_%u", (int)getpid(), count++);
	snprintf(sql, sizeof(sql), "CREATE DATABASE %s", name);
	database_run(server, sql);
	snprintf(url, DATABASE_URL_MAX, "%.*s/%s?%s", (int)(at - server), server, name, at + 10);
}

void
database_drop(const char *url)
{
	char sql[96];
	const char *name = strstr(url + strlen("postgres://"), "/");
	assert_non_null(name);
	snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %.*s WITH (FORCE)",
		(int)strcspn(name + 1, "?"), name + 1);
	database_run(getenv("THINGWARD_TEST_DATABASE"), sql);
}
