/* Rendering the templates of tests/unit/html, and what they let through. */
#include "check.h"

#include <stdio.h>

#include "html/html.h"

extern const struct html_template *const test_templates[];
extern const size_t test_template_count;
extern const struct html_template test_page, test_link, test_plain_text;

#define OUT_MAX 4096

static struct buf out;
static struct error err;

static enum status
show(const struct html_template *html, struct html_map values)
{
	buf_clear(&out);
	buf_init(&out, OUT_MAX);
	error_clear(&err);
	return html_render(&out, html, &values, &err);
}

static int
stop(void **state)
{
	(void)state;
	buf_clear(&out);
	return 0;
}

static void
test_html__only_whole_templates_are_compiled(void **state)
{
	(void)state;
	assert_int_equal(test_template_count, 3);
	for (size_t i = 0; i < test_template_count; i++) {
		assert_string_not_equal(test_templates[i]->name, "frame.html");
		assert_string_not_equal(test_templates[i]->name, "tail.html");
	}
}

static void
test_html__a_page_in_its_frame(void **state)
{
	(void)state;
	const struct html_map items[] = {
		HTML_MAP(HTML_Z("one", "inner"), HTML_B("chosen", true)),
		HTML_MAP(HTML_B("chosen", false)),
	};
	assert_int_equal(
		OK, show(&test_page, HTML_MAP(HTML_Z("one", "outer"), HTML_L("items", items, 2))));
	check_str(buf_view(&out),
		"<title>outer</title>\n<p title=\"outer\">outer</p>\n"
		"<li class=\"chosen\">inner</li>\n<li>outer</li>\n<hr>\n");
	assert_int_equal(
		OK, show(&test_page, HTML_MAP(HTML_Z("one", ""), HTML_L("items", NULL, 0))));
	check_str(buf_view(&out), "<title></title>\n<p title=\"\"></p>\n<p>no items</p>\n<hr>\n");
}

static void
test_html__values_are_escaped(void **state)
{
	(void)state;
	assert_int_equal(OK,
		show(&test_page,
			HTML_MAP(HTML_Z("one", "<b a='\"'>&amp;"), HTML_L("items", NULL, 0))));
	check_str(buf_view(&out),
		"<title>&lt;b a=&#39;&quot;&#39;&gt;&amp;amp;</title>\n"
		"<p title=\"&lt;b a=&#39;&quot;&#39;&gt;&amp;amp;\">"
		"&lt;b a=&#39;&quot;&#39;&gt;&amp;amp;</p>\n<p>no items</p>\n<hr>\n");
}

static void
test_html__escaping_bytes(void **state)
{
	(void)state;
	static const struct {
		struct str in;
		const char *want;
	} cases[] = {
		{{"", 0}, ""},
		{STR("plain"), "plain"},
		{STR("\xc3\xa9<\xe2\x82\xac"), "\xc3\xa9&lt;\xe2\x82\xac"},
		{STR("a\xff<"), "a\xef\xbf\xbd&lt;"},
		{STR("\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd"},
		{STR("\xc0\xbc"), "\xef\xbf\xbd\xef\xbf\xbd"},
		{STR("a\0b"),
			"a\xef\xbf\xbd"
			"b"},
		{STR("{{one}}"), "{{one}}"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_clear(&out);
		buf_init(&out, OUT_MAX);
		buf_char(&out, '>');
		html_escape(&out, cases[i].in);
		struct str got = {out.ptr + 1, out.len - 1};
		check_str(got, cases[i].want);
	}
}

static void
expect_failure(const struct html_template *html, struct html_map values, const char *detail)
{
	assert_int_equal(ERR_INTERNAL, show(html, values));
	assert_string_equal(err.code, "template-failed");
	if (!strstr(err.detail, detail))
		fail_msg("%s", err.detail);
}

static void
test_html__what_is_not_given_fails(void **state)
{
	(void)state;
	struct html_value items = HTML_L("items", NULL, 0);
	expect_failure(&test_page, HTML_MAP(items), "page.html: one is missing");
	expect_failure(&test_page, HTML_MAP(HTML_Z("one", "x")), "items is missing");
	expect_failure(
		&test_page, HTML_MAP(HTML_S("one", ((struct str){0})), items), "one is absent");
	expect_failure(&test_page, HTML_MAP(HTML_B("one", true), items), "one is not a text");
}

static void
test_html__a_document_that_does_not_fit_fails(void **state)
{
	(void)state;
	static char big[OUT_MAX];
	memset(big, 'x', sizeof(big));
	expect_failure(&test_plain_text, HTML_MAP(HTML_S("one", ((struct str){big, sizeof(big)}))),
		"does not fit");
}

static void
test_html__a_plain_text_is_not_escaped_and_has_no_lines_of_others(void **state)
{
	(void)state;
	assert_int_equal(OK, show(&test_plain_text, HTML_MAP(HTML_Z("one", "<A&B>"))));
	check_str(buf_view(&out), "To <A&B> & you\n");
	expect_failure(&test_plain_text, HTML_MAP(HTML_Z("one", "a\nb")), "control characters");
	expect_failure(&test_plain_text, HTML_MAP(HTML_Z("one", "a\x7f")), "control characters");
}

static void
test_html__addresses(void **state)
{
	(void)state;
	static const char *const good[] = {"/", "/a?b=c&d#e", "?a", "#a", "https://example.org",
		"https://example.org/a", "http://localhost", "http://localhost:8080/a",
		"http://127.0.0.1:1?x", "http://[::1]:9#f"};
	static const char *const bad[] = {"", "//example.org", "/\\example.org", "a", "a:b",
		"javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "\tjavascript:x",
		" https://a", "https://", "https:///a", "https://@a", "https:a",
		"http://example.org", "http://localhost.example.org",
		"http://localhost@example.org", "http://localhost:80@example.org",
		"http://127.0.0.1.example.org", "http://127.0.0.10", "http://[::1].example.org",
		"https://a\nb", "/a b", "/a\x7f", "\\\\a", "/\xff"};
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		if (!html_address_allowed(str_from(good[i])))
			fail_msg("refused: %s", good[i]);
		assert_int_equal(OK, show(&test_link, HTML_MAP(HTML_Z("link", good[i]))));
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (html_address_allowed(str_from(bad[i])))
			fail_msg("accepted: %s", bad[i]);
		expect_failure(&test_link, HTML_MAP(HTML_Z("link", bad[i])), "may lead to");
	}
	assert_false(html_address_allowed((struct str){0}));
	assert_int_equal(OK, show(&test_link, HTML_MAP(HTML_Z("link", "/?a&\"b"))));
	check_str(buf_view(&out), "<a href=\"/?a&amp;&quot;b\">x</a>");
}

static void
test_html__an_address_of_our_own(void **state)
{
	(void)state;
	struct str inside = STR("http://iam.example.org/a");
	assert_int_equal(OK, show(&test_link, HTML_MAP(HTML_U("link", inside))));
	check_str(buf_view(&out), "<a href=\"http://iam.example.org/a\">x</a>");
	assert_int_equal(
		OK, show(&test_link, HTML_MAP(HTML_U("link", STR("com.example.app:/back")))));
	expect_failure(
		&test_link, HTML_MAP(HTML_U("link", STR("javascript:alert(1)"))), "may lead to");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_html__only_whole_templates_are_compiled),
		cmocka_unit_test(test_html__a_page_in_its_frame),
		cmocka_unit_test(test_html__values_are_escaped),
		cmocka_unit_test(test_html__escaping_bytes),
		cmocka_unit_test(test_html__what_is_not_given_fails),
		cmocka_unit_test(test_html__a_document_that_does_not_fit_fails),
		cmocka_unit_test(test_html__a_plain_text_is_not_escaped_and_has_no_lines_of_others),
		cmocka_unit_test(test_html__addresses),
		cmocka_unit_test(test_html__an_address_of_our_own),
	};
	return cmocka_run_group_tests(tests, NULL, stop);
}
