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

#endif
