#ifndef MODEL_NAMES_H
#define MODEL_NAMES_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

/* What makes a name valid: pure checks, each ERR_INVALID "invalid-name" with `field`
 * named in the text. An absent text is invalid. Threads: any. */

#define NAME_MAX_BYTES 128
#define DESCRIPTION_MAX_BYTES 1024
#define RESOURCE_ID_MAX_BYTES 256
#define PERMISSION_NAME_MAX_BYTES 80
#define EMAIL_MAX_BYTES 254

/* UTF-8 in NFC as typed (a text that is not NFC is refused, saying so), 1 to 128 bytes, no
 * control, format or line-separating character, no blank at either end. */
enum status name_check(struct str name, const char *field, struct error *err) MUST_USE;
/* May be empty; tabs and line feeds allowed. */
enum status description_check(struct str text, const char *field, struct error *err) MUST_USE;
/* What somebody typed, in NFC: what name_check wants, and the one form of a password. May be
 * secret. ERR_INVALID when it is not UTF-8. */
enum status text_nfc(struct str *out, struct str text, const char *field, struct arena *arena,
	struct error *err) MUST_USE;
/* A machine's name for a role, type, blueprint: [a-z][a-z0-9_-]{0,62}. */
enum status slug_check(struct str slug, const char *field, struct error *err) MUST_USE;
/* `namespace:action` or `iam:resource:action` (three parts exactly when the first is "iam"): parts
 * of [a-z][a-z0-9_.-]*, 80 bytes in all. */
enum status permission_name_check(struct str name, const char *field, struct error *err) MUST_USE;
/* 1 to 256 bytes of UTF-8 without control characters; not "." or "..", which paths cannot name. */
enum status resource_id_check(struct str id, const char *field, struct error *err) MUST_USE;
/* One '@', a local part and a domain with a dot or "localhost", no blank, control or format
 * character and none of <>()[],;:\" (quoted forms), NFC, at most 254 bytes. `normal` (may be NULL,
 * `arena` then too) receives the form it is unique by, with each letter as a small one: at most 254
 * bytes as well. */
enum status email_check(struct str email, const char *field, struct arena *arena,
	struct str *normal, struct error *err) MUST_USE;

#endif
