#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "model/names.h"

typedef enum status check(struct str text, const char *field, struct error *err);

static enum status
check_plain_email(struct str text, const char *field, struct error *err)
{
	return email_check(text, field, NULL, NULL, err);
}

static void
accept(check *one, struct str text)
{
	struct error err = {0};
	if (one(text, "field", &err) != OK)
		fail_msg("refused '%.*s': %s", STR_ARG(text), err.text);
}

/* Refused, naming the field and containing `why`. */
static void
refuse(check *one, struct str text, const char *why)
{
	struct error err = {0};
	if (one(text, "role.name", &err) != ERR_INVALID)
		fail_msg("accepted '%.*s'", STR_ARG(text));
	assert_string_equal(err.code, "invalid-name");
	if (!strstr(err.text, "role.name") || !strstr(err.text, why))
		fail_msg("'%.*s' gave: %s", STR_ARG(text), err.text);
}

static struct str
repeat(char *space, char c, size_t count)
{
	memset(space, c, count);
	return (struct str){space, count};
}

static char space[2048];

static void
test_names__name(void **state)
{
	(void)state;
	accept(name_check, STR("a"));
	accept(name_check, STR("Wohnung Süd, 3. Stock"));
	accept(name_check, STR("東京 第二"));
	accept(name_check, STR("\xf0\x9f\x8f\xa0 house"));
	accept(name_check, repeat(space, 'x', 128));
	refuse(name_check, repeat(space, 'x', 129), "129 bytes");
	refuse(name_check, STR(""), "empty");
	refuse(name_check, (struct str){0}, "has to be a text");
}

static void
test_names__name_characters(void **state)
{
	(void)state;
	refuse(name_check, STR("a\nb"), "U+000A");
	refuse(name_check, STR("a\tb"), "U+0009");
	refuse(name_check, STR("a\0b"), "U+0000");
	refuse(name_check, STR("a\x7f"), "U+007F");
	refuse(name_check, STR("a\xc2\x85z"), "U+0085");
	refuse(name_check, STR("a\xe2\x80\x8bz"), "U+200B"); /* zero width space */
	refuse(name_check, STR("a\xe2\x80\xaez"), "U+202E"); /* right-to-left override */
	refuse(name_check, STR("a\xe2\x80\xa8z"), "U+2028");
	refuse(name_check, STR("a\xe2\x80\xa9z"), "U+2029");
	refuse(name_check, STR("\xef\xbb\xbfz"), "U+FEFF");
	refuse(name_check, STR("a\xff"), "UTF-8");
	refuse(name_check, STR("\xed\xa0\x80"), "UTF-8");
	refuse(name_check, STR("\xc0\xaf"), "UTF-8");
}

static void
test_names__name_blanks(void **state)
{
	(void)state;
	refuse(name_check, STR(" a"), "blank");
	refuse(name_check, STR("a "), "blank");
	refuse(name_check, STR(" "), "blank");
	refuse(name_check, STR("a\xc2\xa0"), "blank"); /* no-break space */
	refuse(name_check, STR("\xe3\x80\x80z"), "blank"); /* ideographic space */
	accept(name_check, STR("a  b"));
}

static void
test_names__name_is_nfc(void **state)
{
	(void)state;
	accept(name_check, STR("caf\xc3\xa9"));
	refuse(name_check, STR("cafe\xcc\x81"), "NFC");
	refuse(name_check, STR("\xe2\x84\xab"), "NFC"); /* the Angstrom sign */
}

static void
test_names__description(void **state)
{
	(void)state;
	accept(description_check, STR(""));
	accept(description_check, STR("one\n\ttwo "));
	accept(description_check, repeat(space, 'x', 1024));
	refuse(description_check, repeat(space, 'x', 1025), "1025 bytes");
	refuse(description_check, STR("a\rb"), "U+000D");
	refuse(description_check, STR("cafe\xcc\x81"), "NFC");
	refuse(description_check, (struct str){0}, "has to be a text");
}

static void
test_names__slug(void **state)
{
	(void)state;
	accept(slug_check, STR("a"));
	accept(slug_check, STR("hybrid_admin-2"));
	accept(slug_check, repeat(space, 'x', 63));
	refuse(slug_check, repeat(space, 'x', 64), "64 bytes");
	refuse(slug_check, STR(""), "empty");
	refuse(slug_check, STR("2a"), "letter");
	refuse(slug_check, STR("_a"), "letter");
	refuse(slug_check, STR("Admin"), "letter");
	refuse(slug_check, STR("a.b"), "letter");
	refuse(slug_check, STR("a b"), "letter");
	refuse(slug_check, STR("a\0"), "letter");
	refuse(slug_check, STR("\xc3\xa9"), "letter");
}

static void
test_names__permission(void **state)
{
	(void)state;
	accept(permission_name_check, STR("devices:read"));
	accept(permission_name_check, STR("my.scope:a-b_c.d9"));
	accept(permission_name_check, STR("iam:groups:create"));
	const struct str refused[] = {STR("devices"), STR("devices:"), STR(":read"), STR("a::b"),
		STR("devices:read:all"), STR("iam:groups"), STR("iam:groups:"), STR("iam::create"),
		STR("iam:a:b:c"), STR("Devices:read"), STR("devices:Read"), STR("devices:*"),
		STR("devices:re ad"), STR("9a:b"), STR("a:b\n"), STR("devices:.read"), STR("iam:")};
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		refuse(permission_name_check, refused[i], "permission");
	refuse(permission_name_check, STR(""), "empty");
	struct str longest = repeat(space, 'x', 81);
	space[1] = ':';
	accept(permission_name_check, (struct str){longest.ptr, 80});
	refuse(permission_name_check, longest, "81 bytes");
}

static void
test_names__resource_id(void **state)
{
	(void)state;
	accept(resource_id_check, STR("4711"));
	accept(resource_id_check, STR("urn:dev:mac:00 24/be"));
	accept(resource_id_check, STR("cafe\xcc\x81"));
	accept(resource_id_check, repeat(space, 'x', 256));
	refuse(resource_id_check, repeat(space, 'x', 257), "257 bytes");
	refuse(resource_id_check, STR(".."), "path");
	refuse(resource_id_check, STR(""), "empty");
	refuse(resource_id_check, STR("a\x01"), "U+0001");
	refuse(resource_id_check, STR("\x80"), "UTF-8");
}

static void
test_names__email(void **state)
{
	(void)state;
	accept(check_plain_email, STR("ada@example.org"));
	accept(check_plain_email, STR("ada+x@localhost"));
	accept(check_plain_email, STR("ada@LocalHost"));
	accept(check_plain_email, STR("j\xc3\xb6rg@m\xc3\xbcller.example"));
	const struct str refused[] = {STR("ada"), STR("@example.org"), STR("ada@"), STR("ada@host"),
		STR("a@b@example.org"), STR("ada@.org"), STR("ada@example."), STR("ada@a..b"),
		STR("<ada@example.org>"), STR("\"a\"@example.org"), STR("a,b@example.org"),
		STR("ada@[127.0.0.1]")};
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		refuse(check_plain_email, refused[i], "e-mail address");
	refuse(check_plain_email, STR("a b@example.org"), "blank");
	refuse(check_plain_email, STR("a\r\nBcc:x@example.org"), "U+000D");
	refuse(check_plain_email, STR("a\xe2\x80\x8b@example.org"), "U+200B");
	refuse(check_plain_email, STR(""), "empty");
	struct str longest = repeat(space, 'x', 255);
	space[1] = '@';
	space[3] = '.';
	accept(check_plain_email, (struct str){longest.ptr, 254});
	refuse(check_plain_email, longest, "255 bytes");
}

static void
test_names__email_is_unique_in_small_letters(void **state)
{
	(void)state;
	struct arena *arena = arena_new(4096);
	struct error err = {0};
	struct str normal;
	const struct {
		struct str typed, normal;
	} cases[] = {
		{STR("Ada@Example.ORG"), STR("ada@example.org")},
		{STR("STRASSE@x.de"), STR("strasse@x.de")},
		/* Another domain, of somebody else. */
		{STR("ada@stra\xc3\x9f"
		     "e.de"),
			STR("ada@stra\xc3\x9f"
			    "e.de")},
		{STR("\xc3\x89@x.de"), STR("\xc3\xa9@x.de")},
		{STR("\xc5\xbf@x.de"), STR("\xc5\xbf@x.de")}, /* a long s */
		{STR("\xc4\xb0@x.de"), STR("\xc4\xb0@x.de")}, /* I with a dot */
		{STR("\xce\xa3@x.de"), STR("\xcf\x83@x.de")}, /* sigma, and at the end */
		{STR("\xcf\x82@x.de"), STR("\xcf\x82@x.de")},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(email_check(cases[i].typed, "email", arena, &normal, &err), OK);
		assert_true(str_eq(normal, cases[i].normal));
		struct str again;
		assert_int_equal(email_check(normal, "email", arena, &again, &err), OK);
		assert_true(str_eq(normal, again));
	}
	/* Composed they would be, or be like, letters that are there: E with an accent, Kelvin. */
	refuse(check_plain_email, STR("E\xcc\x81@x.de"), "NFC");
	refuse(check_plain_email, STR("\xe2\x84\xaa@x.de"), "NFC");
	arena_free(&arena);
	arena = arena_new(0);
	assert_int_equal(
		email_check(STR("ada@example.org"), "email", arena, &normal, &err), ERR_NO_MEMORY);
	arena_free(&arena);
}

/* So many of one letter, at a usual domain. */
static struct str
address_of(struct buf *made, struct str letter)
{
	buf_reset(made);
	while (made->len < 240)
		buf_str(made, letter);
	buf_str(made, STR("@example.org"));
	return buf_view(made);
}

/* What is unique stays as short as what was typed may be, whatever its letters are. */
static void
test_names__email_grows_in_no_form(void **state)
{
	(void)state;
	struct arena *arena = arena_new(8192);
	struct error err = {0};
	struct str normal;
	struct buf made;

	buf_init(&made, 256);
	/* One letter that folds to two. */
	struct str email = address_of(&made, STR("\xd6\x87"));
	assert_int_equal(email_check(email, "email", arena, &normal, &err), OK);
	assert_true(str_eq(normal, email));
	/* One of two bytes, whose small one has three. */
	email = address_of(&made, STR("\xc8\xba"));
	assert_int_equal(email_check(email, "email", arena, &normal, &err), ERR_INVALID);
	buf_clear(&made);
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names__name),
		cmocka_unit_test(test_names__name_characters),
		cmocka_unit_test(test_names__name_blanks),
		cmocka_unit_test(test_names__name_is_nfc),
		cmocka_unit_test(test_names__description),
		cmocka_unit_test(test_names__slug),
		cmocka_unit_test(test_names__permission),
		cmocka_unit_test(test_names__resource_id),
		cmocka_unit_test(test_names__email),
		cmocka_unit_test(test_names__email_is_unique_in_small_letters),
		cmocka_unit_test(test_names__email_grows_in_no_form),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
