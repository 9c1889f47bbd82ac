/* What reaches standard error. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "json/json.h"

static char line[8192];

static void
capture(int *saved, int pipe_ends[2])
{
	fflush(stderr);
	assert_int_equal(pipe(pipe_ends), 0);
	*saved = dup(STDERR_FILENO);
	assert_true(*saved >= 0);
	assert_int_equal(dup2(pipe_ends[1], STDERR_FILENO), STDERR_FILENO);
	close(pipe_ends[1]);
}

/* What was written since capture, in `line`. */
static struct str
captured(int saved, const int pipe_ends[2])
{
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	close(saved);
	ssize_t len = read(pipe_ends[0], line, sizeof(line) - 1);
	close(pipe_ends[0]);
	assert_true(len >= 0);
	line[len] = '\0';
	return (struct str){line, (size_t)len};
}

#define CAPTURED(statement)                                                                        \
	({                                                                                         \
		int saved_, ends_[2];                                                              \
		capture(&saved_, ends_);                                                           \
		statement;                                                                         \
		captured(saved_, ends_);                                                           \
	})

static struct json *
parse_line(struct str text)
{
	struct json *doc;
	struct error err = {0};
	assert_true(text.len > 1 && text.ptr[text.len - 1] == '\n');
	assert_null(memchr(text.ptr, '\n', text.len - 1));
	assert_int_equal(json_parse(&doc, text, JSON_LIMITS_DEFAULT, &err), OK);
	return doc;
}

static void
test_log__typed_fields(void **state)
{
	(void)state;
	struct uuid id;
	assert_true(uuid_parse(STR("0190163d-8694-739b-aea5-966c26f8ad90"), &id));
	struct str text = CAPTURED(log_event(LOG_WARN, "listening", LOG_Z("address", "a\"\n\xff"),
		LOG_I("port", -8080), LOG_U("org", id), LOG_B("on", true), LOG_B("off", false),
		LOG_S("absent", (struct str){0})));
	struct json *doc = parse_line(text);
	check_str(json_str(json_get(doc, "level")), "warn");
	check_str(json_str(json_get(doc, "event")), "listening");
	check_str(json_str(json_get(doc, "address")), "a\"\n\xef\xbf\xbd");
	assert_int_equal(json_int(json_get(doc, "port")), -8080);
	check_str(json_str(json_get(doc, "org")), "0190163d-8694-739b-aea5-966c26f8ad90");
	assert_true(json_bool(json_get(doc, "on")));
	assert_int_equal(json_type(json_get(doc, "off")), JSON_BOOL);
	assert_int_equal(json_type(json_get(doc, "absent")), JSON_NULL);
	assert_int_equal(json_str(json_get(doc, "time")).len, 27);
	json_free(&doc);
}

static void
test_log__no_fields(void **state)
{
	(void)state;
	struct json *doc = parse_line(CAPTURED(log_event(LOG_INFO, "bare")));
	assert_int_equal(json_count(doc), 3);
	json_free(&doc);
}

static void
test_log__redacts_by_name(void **state)
{
	(void)state;
	static const char *const names[] = {"secret", "client_secret", "Password", "token",
		"refreshToken", "Authorization", "set-cookie", "api_key", "KEY", "private-key-pem"};
	struct uuid id = uuid_new();
	char id_text[UUID_TEXT_LEN + 1];
	uuid_format(id_text, id);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct str text = CAPTURED(log_event(LOG_INFO, "x", LOG_Z(names[i], "hunter2"),
			LOG_I(names[i], 424242), LOG_U(names[i], id), LOG_B(names[i], true)));
		assert_non_null(strstr(text.ptr, "[redacted]"));
		assert_null(strstr(text.ptr, "hunter2"));
		assert_null(strstr(text.ptr, "424242"));
		assert_null(strstr(text.ptr, "true"));
		assert_null(strstr(text.ptr, id_text));
	}
}

static void
test_log__long_lines_are_cut(void **state)
{
	(void)state;
	char *big = calloc(1, 6000);
	memset(big, 'x', 5000);
	struct str text = CAPTURED(log_event(
		LOG_INFO, "x", LOG_Z("before", "1"), LOG_Z("big", big), LOG_Z("after", "2")));
	free(big);
	assert_true(text.len <= 4096);
	struct json *doc = parse_line(text);
	assert_true(json_bool(json_get(doc, "truncated")));
	check_str(json_str(json_get(doc, "before")), "1");
	check_str(json_str(json_get(doc, "after")), "2");
	assert_null(json_get(doc, "big"));
	json_free(&doc);
}

static void
test_log__many_small_fields_are_cut(void **state)
{
	(void)state;
	static struct log_field fields[1000];
	for (size_t i = 0; i + 1 < ARRAY_LEN(fields); i++)
		fields[i] = LOG_I("n", i);
	struct str text = CAPTURED(log_write(LOG_INFO, "x", fields));
	assert_true(text.len <= 4096 && text.len > 4000);
	assert_non_null(strstr(text.ptr, ",\"truncated\":true}\n"));
}

static void
test_log__level(void **state)
{
	(void)state;
	assert_int_equal(CAPTURED(log_event(LOG_DEBUG, "quiet")).len, 0);
	log_set_level(LOG_DEBUG);
	assert_true(CAPTURED(log_event(LOG_DEBUG, "loud")).len > 0);
	log_set_level(LOG_ERROR);
	assert_int_equal(CAPTURED(log_event(LOG_WARN, "quiet")).len, 0);
	log_set_level(LOG_INFO);
}

static void
test_log__errors(void **state)
{
	(void)state;
	struct error err = {0};
	error_set(&err, ERR_BUSY, "store-busy", "Try again.");
	error_detail(&err, "disk full");
	struct json *doc = parse_line(CAPTURED(log_error("failed", &err)));
	check_str(json_str(json_get(doc, "level")), "error");
	check_str(json_str(json_get(doc, "code")), "store-busy");
	check_str(json_str(json_get(doc, "status")), "busy");
	check_str(json_str(json_get(doc, "detail")), "disk full");
	assert_true(json_int(json_get(doc, "line")) > 0);
	json_free(&doc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log__typed_fields),
		cmocka_unit_test(test_log__no_fields),
		cmocka_unit_test(test_log__redacts_by_name),
		cmocka_unit_test(test_log__long_lines_are_cut),
		cmocka_unit_test(test_log__many_small_fields_are_cut),
		cmocka_unit_test(test_log__level),
		cmocka_unit_test(test_log__errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
