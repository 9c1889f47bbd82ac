#ifndef API_VALIDATE_H
#define API_VALIDATE_H

#include "json/json.h"

/*
 * The part of JSON Schema that the contract uses, as tables that are generated from it. What is
 * refused is told with its place: "body.roles[2]: at most 63 characters."
 */
enum schema_type {
	SCHEMA_NULL = 1 << JSON_NULL,
	SCHEMA_BOOLEAN = 1 << JSON_BOOL,
	SCHEMA_INTEGER = 1 << JSON_INTEGER,
	SCHEMA_NUMBER = 1 << JSON_INTEGER | 1 << JSON_NUMBER,
	SCHEMA_STRING = 1 << JSON_STRING,
	SCHEMA_ARRAY = 1 << JSON_ARRAY,
	SCHEMA_OBJECT = 1 << JSON_OBJECT,
};

enum schema_format {
	FORMAT_NONE = 0,
	FORMAT_UUID,
	FORMAT_DATE_TIME,
	FORMAT_IDN_EMAIL, /* its length and an '@' alone: what an address is, the model says */
};

struct schema_member;
struct schema {
	unsigned types; /* of enum schema_type */
	uint32_t min, max; /* characters, elements or members */
	int64_t low, high; /* of an integer */
	enum schema_format format;
	unsigned pattern; /* 1 + index of schema_patterns; 0: none */
	const char *const *values; /* the only ones; ends with NULL */
	const struct schema *items;
	const struct schema_member *members;
	unsigned member_count;
	const char *const *one_of; /* exactly one of these members is there; ends with NULL */
	bool closed; /* no other members than these */
	bool unique; /* of strings */
};

struct schema_member {
	const char *name;
	const struct schema *schema;
	bool required;
};

extern const char *const schema_patterns[];
extern const unsigned schema_pattern_count;

/* Compiles the patterns, once, at start-up; ERR_INTERNAL when one does not compile. */
enum status validate_init(struct error *err) MUST_USE;

/* ERR_INVALID "invalid-input" with the place, which begins with `root`. Threads: any. */
enum status validate_json(const struct schema *schema, const struct json *value, const char *root,
	struct error *err) MUST_USE;

/* The same for a text that stands for a string, an integer or true and false: a parameter. */
enum status validate_text(const struct schema *schema, struct str text, const char *place,
	struct error *err) MUST_USE;

#endif
