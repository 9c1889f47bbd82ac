#ifndef STORE_MIGRATIONS_H
#define STORE_MIGRATIONS_H

#include <stddef.h>

/* Generated at build time from sql/migrations/NNNN_name.sql, in order, append-only. The words
 * {uuid}, {bytes}, {int}, {text}, {strict} and {moment} stand for the engine's own. */
struct migration {
	int version;
	const char *name;
	const char *sql;
};
extern const struct migration store_migrations[];
extern const size_t store_migration_count;

/* What these make, but for the feed and the table of migrations: the types of the columns in their
 * order, b bytes, t text, i a number. Two stores of one schema have them alike. */
struct store_table {
	const char *name, *columns;
};
extern const struct store_table store_tables[];
extern const size_t store_table_count;

#endif
