#include "model/names.h"

#include <stdlib.h>
#include <utf8proc.h>

#define SLUG_MAX_BYTES 63

#define refuse(err, ...) error_set(err, ERR_INVALID, "invalid-name", __VA_ARGS__)

/* What a text may not contain. */
enum unwanted {
	UNWANTED_CONTROL = 1 << 0,
	UNWANTED_INVISIBLE = 1 << 1, /* format characters, line and paragraph separators */
	UNWANTED_BLANK = 1 << 2,
	ALLOW_LINES = 1 << 3, /* tabs and line feeds, whatever the rest says */
};

static bool
is_ascii(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.ptr[i] >= 0x80)
			return false;
	}
	return true;
}

static utf8proc_int32_t
next_char(struct str *rest)
{
	utf8proc_int32_t c;
	utf8proc_ssize_t step = utf8proc_iterate(
		(const utf8proc_uint8_t *)rest->ptr, (utf8proc_ssize_t)rest->len, &c);
	/* The text was checked to be UTF-8; should the library differ, the text is refused. */
	if (step <= 0) {
		rest->len = 0;
		return -1;
	}
	rest->ptr += step;
	rest->len -= (size_t)step;
	return c;
}

static const char *
why_unwanted(utf8proc_int32_t c, unsigned unwanted)
{
	if (c < 0)
		return "malformed";
	if ((unwanted & ALLOW_LINES) && (c == '\n' || c == '\t'))
		return NULL;
	switch (utf8proc_category(c)) {
	case UTF8PROC_CATEGORY_CC:
		return unwanted & UNWANTED_CONTROL ? "a control" : NULL;
	case UTF8PROC_CATEGORY_CF:
		return unwanted & UNWANTED_INVISIBLE ? "an invisible format" : NULL;
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
		return unwanted & UNWANTED_INVISIBLE ? "a line-separating" : NULL;
	case UTF8PROC_CATEGORY_ZS:
		return unwanted & UNWANTED_BLANK ? "a blank" : NULL;
	default: /* the library's categories, of which these alone matter */
		return NULL;
	}
}

static enum status
check_chars(struct str text, unsigned unwanted, const char *field, struct error *err)
{
	if (!str_is_utf8(text))
		return refuse(err, "%s is not well-formed UTF-8.", field);
	for (struct str rest = text; rest.len;) {
		size_t at = text.len - rest.len;
		utf8proc_int32_t c = next_char(&rest);
		const char *why = why_unwanted(c, unwanted);
		if (why)
			return refuse(err, "%s contains %s character (U+%04X) at byte %zu.", field,
				why, (unsigned)c, at);
	}
	return OK;
}

static enum status
check_length(struct str text, size_t least, size_t most, const char *field, struct error *err)
{
	if (!text.ptr)
		return refuse(err, "%s has to be a text.", field);
	if (text.len < least)
		return refuse(err, "%s must not be empty.", field);
	if (text.len > most)
		return refuse(
			err, "%s has %zu bytes; at most %zu are possible.", field, text.len, most);
	return OK;
}

/* A text that the library cannot map is malformed for it, or memory failed. */
static enum status
map_text(utf8proc_uint8_t **out, utf8proc_ssize_t *len, struct str text, const char *field,
	struct error *err)
{
	*out = NULL;
	*len = utf8proc_map((const utf8proc_uint8_t *)text.ptr, (utf8proc_ssize_t)text.len, out,
		(utf8proc_option_t)(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
	if (*len >= 0)
		return OK;
	if (*len == UTF8PROC_ERROR_NOMEM)
		return error_no_memory(err);
	return refuse(err, "%s is not a text that can be normalised.", field);
}

static enum status
check_nfc(struct str text, const char *field, struct error *err)
{
	if (is_ascii(text))
		return OK;
	utf8proc_uint8_t *nfc;
	utf8proc_ssize_t len;
	enum status rc = map_text(&nfc, &len, text, field, err);
	if (rc != OK)
		return rc;
	if (!str_eq(text, (struct str){(const char *)nfc, (size_t)len}))
		rc = refuse(err, "%s is not in Unicode normalisation form NFC; send it normalised.",
			field);
	free(nfc);
	return rc;
}

static bool
is_blank_at(struct str text)
{
	return utf8proc_category(next_char(&text)) == UTF8PROC_CATEGORY_ZS;
}

static bool
has_blank_end(struct str text)
{
	size_t last = text.len - 1;
	while (last > 0 && ((unsigned char)text.ptr[last] & 0xc0) == 0x80)
		last--;
	return is_blank_at(text) || is_blank_at((struct str){text.ptr + last, text.len - last});
}

enum status
name_check(struct str name, const char *field, struct error *err)
{
	enum status rc = check_length(name, 1, NAME_MAX_BYTES, field, err);
	if (rc == OK)
		rc = check_chars(name, UNWANTED_CONTROL | UNWANTED_INVISIBLE, field, err);
	if (rc == OK)
		rc = check_nfc(name, field, err);
	if (rc == OK && has_blank_end(name))
		rc = refuse(err, "%s begins or ends with a blank.", field);
	return rc;
}

enum status
text_nfc(
	struct str *out, struct str text, const char *field, struct arena *arena, struct error *err)
{
	utf8proc_uint8_t *nfc;
	utf8proc_ssize_t len;
	*out = text.ptr ? text : STR("");
	if (!str_is_utf8(*out))
		return refuse(err, "%s is not well-formed UTF-8.", field);
	if (is_ascii(*out))
		return OK;
	enum status rc = map_text(&nfc, &len, text, field, err);
	if (rc != OK)
		return rc;
	*out = arena_copy(arena, (struct str){(const char *)nfc, (size_t)len});
	explicit_bzero(nfc, (size_t)len);
	free(nfc);
	return out->ptr ? OK : error_no_memory(err);
}

enum status
description_check(struct str text, const char *field, struct error *err)
{
	enum status rc = check_length(text, 0, DESCRIPTION_MAX_BYTES, field, err);
	if (rc == OK)
		rc = check_chars(
			text, UNWANTED_CONTROL | UNWANTED_INVISIBLE | ALLOW_LINES, field, err);
	if (rc == OK)
		rc = check_nfc(text, field, err);
	return rc;
}

enum status
resource_id_check(struct str id, const char *field, struct error *err)
{
	enum status rc = check_length(id, 1, RESOURCE_ID_MAX_BYTES, field, err);
	if (rc == OK)
		rc = check_chars(id, UNWANTED_CONTROL, field, err);
	if (rc == OK && (str_eq(id, STR(".")) || str_eq(id, STR(".."))))
		rc = error_set(err, ERR_INVALID, "invalid-name",
			"%s: cannot be \".\" or \"..\", which no path can name.", field);
	return rc;
}

/* [a-z] and then [a-z0-9_-], and '.' as well when `dots`. */
static bool
is_word(struct str s, bool dots)
{
	if (s.len == 0 || s.ptr[0] < 'a' || s.ptr[0] > 'z')
		return false;
	for (size_t i = 1; i < s.len; i++) {
		char c = s.ptr[i];
		bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
			c == '-' || (dots && c == '.');
		if (!fits)
			return false;
	}
	return true;
}

enum status
slug_check(struct str slug, const char *field, struct error *err)
{
	enum status rc = check_length(slug, 1, SLUG_MAX_BYTES, field, err);
	if (rc == OK && !is_word(slug, false))
		rc = refuse(err,
			"%s has to begin with a letter a-z and go on with a-z, 0-9, '_' or '-'.",
			field);
	return rc;
}

enum status
permission_name_check(struct str name, const char *field, struct error *err)
{
	enum status rc = check_length(name, 1, PERMISSION_NAME_MAX_BYTES, field, err);
	if (rc != OK)
		return rc;
	struct str rest = name;
	struct str space = str_cut(&rest, ':');
	bool builtin = str_eq(space, STR("iam"));
	bool fits = is_word(space, true);
	if (builtin)
		fits = fits && is_word(str_cut(&rest, ':'), true);
	if (!fits || !is_word(rest, true))
		return refuse(err,
			"%s is not a permission: write namespace:action or iam:resource:action, "
			"each part a letter a-z and then a-z, 0-9, '_', '.' or '-'.",
			field);
	return OK;
}

static bool
is_domain(struct str domain)
{
	if (str_eq_nocase(domain, STR("localhost")))
		return true;
	bool dot = false;
	struct str rest = domain;
	while (rest.ptr) {
		if (str_cut(&rest, '.').len == 0)
			return false;
		dot = dot || rest.ptr;
	}
	return dot;
}

static bool
has_quoting(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (strchr("<>()[],;:\\\"", text.ptr[i]))
			return true;
	}
	return false;
}

/* One letter for one: what case folding takes for the same ("ß" and "ss", "ſ" and "s", "İ" and "i")
 * are other mailboxes, of other people. */
static utf8proc_int32_t
small_letter(utf8proc_int32_t c)
{
	utf8proc_int32_t small = utf8proc_tolower(c);
	return c >= 0x80 && small < 0x80 ? c : small;
}

static enum status
small_letters(
	struct str *out, struct str text, const char *field, struct arena *arena, struct error *err)
{
	char *space = arena_alloc(arena, 4 * text.len);
	if (!space)
		return error_no_memory(err);
	*out = (struct str){space, 0};
	for (struct str rest = text; rest.len;)
		out->len += (size_t)utf8proc_encode_char(
			small_letter(next_char(&rest)), (utf8proc_uint8_t *)space + out->len);
	return check_length(*out, 1, EMAIL_MAX_BYTES, field, err);
}

enum status
email_check(struct str email, const char *field, struct arena *arena, struct str *normal,
	struct error *err)
{
	enum status rc = check_length(email, 1, EMAIL_MAX_BYTES, field, err);
	if (rc == OK)
		rc = check_chars(
			email, UNWANTED_CONTROL | UNWANTED_INVISIBLE | UNWANTED_BLANK, field, err);
	if (rc == OK)
		rc = check_nfc(email, field, err);
	if (rc != OK)
		return rc;
	struct str domain = email;
	struct str local = str_cut(&domain, '@');
	bool one_at = domain.len && !memchr(domain.ptr, '@', domain.len);
	if (!local.len || !one_at || !is_domain(domain) || has_quoting(email))
		return refuse(err, "%s is not an e-mail address like name@example.org.", field);
	return normal ? small_letters(normal, email, field, arena, err) : OK;
}
