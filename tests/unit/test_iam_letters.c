/* What mails say: every letter with all of its texts and with as few as can be. With
 * PAGES_TO=FOLDER they are left there, to be looked at. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>

#include "iam/mails/letter_templates.h"
#include "iam/mails/letters.h"
#include "mail/mail.h"

#define ARENA_MAX ((size_t)1024 * 1024)
#define LINK "https://iam.example.org/w/0193/link?link=twl_abc&x=1"

static struct arena *arena;
static struct error err;
static struct letter letter;

static const char *const names[] = {
	"sign_in", "invitation", "recovery", "reset", "sign_up", "address_changed", "notice"};

static const char everything[] =
	"{\"organisation\":\"Northwind <Energy> & Co\",\"link\":\"" LINK "\","
	"\"minutes\":\"15\",\"client\":\"Fleet Console\","
	"\"email\":\"ada.moreau@example.org\",\"new_email\":\"ada@example.net\","
	"\"inviter\":\"Sam Okafor\",\"when\":\"21 November 2026, 20:35 UTC\","
	"\"address\":\"192.0.2.17\",\"heading\":\"A new passkey was added\","
	"\"text\":\"Somebody added a passkey to your account.\"}";
static const char little[] =
	"{\"organisation\":\"Northwind\",\"link\":\"" LINK "\",\"minutes\":\"15\","
	"\"client\":\"\",\"email\":\"a@b\",\"new_email\":\"c@d\","
	"\"inviter\":\"\",\"when\":\"now\",\"address\":\"\",\"heading\":\"h\",\"text\":\"t\"}";

static int
start(void **state)
{
	(void)state;
	arena = arena_new(ARENA_MAX);
	return arena ? 0 : -1;
}

static int
stop(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static enum status
letter_of(const char *name, const char *content)
{
	arena_reset(arena);
	error_clear(&err);
	return letter_write(&letter, str_from(name), str_from(content), arena, &err);
}

static bool
says(struct str text, const char *what)
{
	return memmem(text.ptr, text.len, what, strlen(what)) != NULL;
}

static void
keep(const char *name)
{
	char path[512];
	const char *folder = getenv("PAGES_TO");
	if (!folder)
		return;
	snprintf(path, sizeof(path), "%s/letter-%s.html", folder, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(letter.html.len, fwrite(letter.html.ptr, 1, letter.html.len, f));
	assert_int_equal(0, fclose(f));
}

/* It can be sent, and is short enough to be read. */
static void
check_letter(const char *name)
{
	struct buf out;
	const struct mail_message message = {.from = STR("a@b"),
		.to = STR("c@d"),
		.subject = letter.subject,
		.text = letter.text,
		.html = letter.html};
	buf_init(&out, ARENA_MAX);
	if (mail_compose(&out, &message, &err) != OK)
		fail_msg("%s: %s", name, err.text);
	buf_clear(&out);
	assert_true(letter.subject.len > 0 && letter.subject.len < 80);
	assert_true(letter.text.len > 100 && letter.text.ptr[0] != '\n');
	assert_true(str_starts(letter.html, STR("<!doctype html>\n")));
	assert_false(says(letter.html, "<script") || says(letter.html, "src="));
}

static void
test_letters__every_one_of_them(void **state)
{
	(void)state;
	assert_int_equal(2 * ARRAY_LEN(names), letter_template_count);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (letter_of(names[i], little) != OK)
			fail_msg("%s", err.detail);
		check_letter(names[i]);
		if (letter_of(names[i], everything) != OK)
			fail_msg("%s", err.detail);
		check_letter(names[i]);
		keep(names[i]);
		assert_true(says(letter.html, "Northwind &lt;Energy&gt; &amp; Co"));
		assert_true(says(letter.text, "Northwind <Energy> & Co"));
		if (strcmp(names[i], "address_changed") == 0)
			continue;
		assert_true(says(letter.text, "\n" LINK "\n"));
		assert_true(says(letter.html, "link=twl_abc&amp;x=1\""));
	}
}

static void
test_letters__what_an_invitation_says(void **state)
{
	(void)state;
	assert_int_equal(OK, letter_of("invitation", everything));
	check_str(letter.subject, "You are invited to Northwind <Energy> & Co");
	check_str(letter.text,
		"Sam Okafor invites you to join Northwind <Energy> & Co\n"
		"as ada.moreau@example.org:\n\n" LINK "\n\n"
		"The invitation is open for seven days.\n\n"
		"You did not expect this? Then leave it: nothing will happen.\n\n"
		"Northwind <Energy> & Co\n");
	assert_int_equal(OK, letter_of("invitation", little));
	assert_true(str_starts(letter.text, STR("You are invited to join Northwind\n")));
}

static void
test_letters__what_is_missing_or_wrong(void **state)
{
	(void)state;
	static const struct {
		const char *name, *content;
		enum status want;
	} cases[] = {
		{"", everything, ERR_INTERNAL},
		{"sign", everything, ERR_INTERNAL},
		{"layout", everything, ERR_INTERNAL},
		{"reset", "{}", ERR_INTERNAL},
		{"reset", "[]", ERR_INVALID},
		{"reset", "{", ERR_INVALID},
		/* A line of somebody else's, a number, an address that is none. */
		{"reset",
			"{\"organisation\":\"a\\nb\",\"link\":\"https://a\",\"minutes\":\"1\","
			"\"email\":\"a@b\"}",
			ERR_INTERNAL},
		{"reset",
			"{\"organisation\":\"a\",\"link\":\"https://a\",\"minutes\":1,"
			"\"email\":\"a@b\"}",
			ERR_INTERNAL},
		{"reset",
			"{\"organisation\":\"a\",\"link\":\"javascript:x\",\"minutes\":\"1\","
			"\"email\":\"a@b\"}",
			ERR_INTERNAL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (letter_of(cases[i].name, cases[i].content) != cases[i].want)
			fail_msg("%zu: %s", i, err.detail);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_letters__every_one_of_them),
		cmocka_unit_test(test_letters__what_an_invitation_says),
		cmocka_unit_test(test_letters__what_is_missing_or_wrong),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
