#ifndef TESTS_STORE_SUPPORT_PGSQL_H
#define TESTS_STORE_SUPPORT_PGSQL_H

#include <stdint.h>

/* Databases of tests, on the server that tools/postgres.py started. What fails, fails the test. */

#define DATABASE_URL_MAX 256
void database_new(char url[DATABASE_URL_MAX]);
void database_drop(const char *url);

/* Runs one statement as somebody else; the number in the first column of the first row. */
int64_t database_run(const char *url, const char *sql);

#endif
