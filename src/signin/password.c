#include "signin/password.h"

#include "crypto/crypto.h"
#include "model/names.h"

static size_t
count_chars(struct str s)
{
	const char *at = s.ptr, *end = s.ptr + s.len;
	size_t count = 0;

	for (size_t step; (step = str_utf8_step(at, end)) > 0; at += step)
		count++;
	return count;
}

/* See tools/common_passwords.py for the form of the list. */
bool
password__is_listed(struct str text)
{
	uint8_t digest[SHA256_LEN];
	uint32_t known = 0;

	crypto_sha256(digest, text.ptr, text.len);
	uint32_t wanted = (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 |
		(uint32_t)digest[2] << 8 | digest[3];
	for (size_t i = 0; i < common_passwords_len && known < wanted;) {
		uint32_t distance = 0;
		unsigned char byte = 0x80;
		for (unsigned shift = 0; byte & 0x80 && i < common_passwords_len; shift += 7) {
			byte = common_passwords[i++];
			distance |= (uint32_t)(byte & 0x7f) << (shift & 31);
		}
		known += distance;
	}
	return known == wanted;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (unsigned char)c >= 0x80;
}

/* Without what is not a letter at both ends: "!summer2026" is "summer". */
static struct str
core_of(struct str s)
{
	while (s.len && !is_letter(s.ptr[0]))
		s = (struct str){s.ptr + 1, s.len - 1};
	while (s.len && !is_letter(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

/* The least text that it consists of, over and over. */
static struct str
unit_of(struct str s)
{
	for (size_t len = 1; len <= s.len / 2; len++) {
		size_t i = len;
		while (i < s.len && s.ptr[i] == s.ptr[i - len])
			i++;
		if (i == s.len)
			return (struct str){s.ptr, len};
	}
	return s;
}

/* Of a word, what it consists of where that is too little to repeat. */
static bool
is_common(struct str lower)
{
	struct str core = core_of(lower);

	return unit_of(lower).len < lower.len || password__is_listed(lower) ||
		(core.len && (password__is_listed(core) || password__is_listed(unit_of(core))));
}

static struct str
lower_of(struct str s, struct arena *arena)
{
	struct str copy = arena_copy(arena, s);
	char *at = (char *)(uintptr_t)copy.ptr;

	for (size_t i = 0; i < copy.len; i++)
		at[i] = at[i] >= 'A' && at[i] <= 'Z' ? (char)(at[i] - 'A' + 'a') : at[i];
	return copy;
}

static bool
is_ones_own(struct str password, const struct password_rule *rule)
{
	struct str local = rule->email, core = core_of(password);

	local = str_cut(&local, '@');
	return str_eq_nocase(password, rule->email) || str_eq_nocase(password, rule->name) ||
		(core.len &&
			(str_eq_nocase(core, local) || str_eq_nocase(core, rule->name) ||
				str_eq_nocase(core, rule->email)));
}

enum status
password_check(struct str *normal, struct str typed, const struct password_rule *rule,
	struct arena *arena, struct error *err)
{
	size_t least = rule->second ? PASSWORD_LEAST_SECOND : PASSWORD_LEAST;

	if (typed.len > PASSWORD_MAX)
		return error_set(err, ERR_INVALID, "password-too-long",
			"The password is too long: at most %d characters.", PASSWORD_CHARS_MAX);
	enum status rc = text_nfc(normal, typed, "The password", arena, err);
	if (rc != OK)
		return rc;
	size_t count = count_chars(*normal);
	if (count < least)
		return error_set(err, ERR_INVALID, "password-too-short",
			"The password is too short: it needs at least %zu characters. A few words "
			"in a row will do.",
			least);
	if (count > PASSWORD_CHARS_MAX || normal->len > PASSWORD_MAX)
		return error_set(err, ERR_INVALID, "password-too-long",
			"The password is too long: at most %d characters.", PASSWORD_CHARS_MAX);
	struct str lower = lower_of(*normal, arena);
	if (!lower.ptr)
		return error_no_memory(err);
	if (is_common(lower) || is_ones_own(lower, rule))
		return error_set(err, ERR_INVALID, "password-common",
			"This password would be guessed soon: take a few words that do not belong "
			"together.");
	return OK;
}

bool
password_is_short(struct str normal)
{
	return count_chars(normal) < PASSWORD_LEAST;
}

enum status
password_normal(struct str *normal, struct str typed, struct arena *arena, struct error *err)
{
	struct error ignored = {0};

	enum status rc = text_nfc(normal, typed, "The password", arena, &ignored);
	if (rc == ERR_NO_MEMORY)
		return error_no_memory(err);
	if (rc != OK)
		*normal = typed;
	return OK;
}
