/* Strings, buffers, arenas, errors and threads. */
#include "check.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "base/thread.h"

static void
test_str__absent_equals_nothing(void **state)
{
	(void)state;
	struct str absent = {0};
	assert_false(str_eq(absent, absent));
	assert_false(str_eq(absent, STR("")));
	assert_false(str_eq_nocase(absent, absent));
	assert_false(str_starts(absent, STR("")));
	assert_false(str_starts(STR("a"), absent));
	assert_false(str_is_utf8(absent));
	assert_true(str_eq(STR(""), STR("")));
	assert_true(str_starts(STR("abc"), STR("ab")));
	assert_false(str_starts(STR("a"), STR("ab")));
	assert_true(str_eq_nocase(STR("BeArEr"), STR("bearer")));
	assert_false(str_eq_nocase(STR("bearer"), STR("bearex")));
	assert_false(str_eq_nocase(STR("[x"), STR("{x")));
}

static void
test_str__compare_orders_by_bytes(void **state)
{
	(void)state;
	assert_true(str_compare(STR("a"), STR("b")) < 0);
	assert_true(str_compare(STR("b"), STR("a")) > 0);
	assert_true(str_compare(STR("a"), STR("ab")) < 0);
	assert_true(str_compare(STR("\xff"), STR("a")) > 0);
	assert_int_equal(str_compare(STR(""), (struct str){0}), 0);
}

static void
test_str__cut(void **state)
{
	(void)state;
	struct str rest = STR("a,,b");
	check_str(str_cut(&rest, ','), "a");
	check_str(str_cut(&rest, ','), "");
	check_str(str_cut(&rest, ','), "b");
	assert_null(rest.ptr);
	assert_null(str_cut(&rest, ',').ptr);
	rest = STR("a,");
	check_str(str_cut(&rest, ','), "a");
	check_str(rest, "");
	check_str(str_cut(&rest, ','), "");
	assert_null(rest.ptr);
}

static void
test_str__numbers(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "-", "+1", "01", "00", " 1", "1 ", "1a", "0x1",
		"18446744073709551616", "99999999999999999999"};
	static const char *const bad_signed[] = {
		"-0", "--1", "-01", "9223372036854775808", "-9223372036854775809"};
	uint64_t u = 7;
	int64_t i = 7;
	for (size_t n = 0; n < ARRAY_LEN(bad); n++) {
		assert_false(str_to_u64(str_from(bad[n]), &u));
		assert_false(str_to_i64(str_from(bad[n]), &i));
	}
	for (size_t n = 0; n < ARRAY_LEN(bad_signed); n++)
		assert_false(str_to_i64(str_from(bad_signed[n]), &i));
	assert_false(str_to_u64(STR("-1"), &u));
	assert_false(str_to_u64((struct str){0}, &u));
	assert_int_equal(u, 7);
	assert_int_equal(i, 7);
	assert_true(str_to_u64(STR("18446744073709551615"), &u));
	assert_true(u == UINT64_MAX);
	assert_true(str_to_i64(STR("9223372036854775807"), &i));
	assert_true(i == INT64_MAX);
	assert_true(str_to_i64(STR("-9223372036854775808"), &i));
	assert_true(i == INT64_MIN);
	assert_true(str_to_i64(STR("0"), &i));
	assert_int_equal(i, 0);
}

static void
test_str__utf8(void **state)
{
	(void)state;
	static const char *const good[] = {"", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
		"\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2z",
		"\xe0\x9f\xbf", "\xe0\xa0", "\xe0\xa0z", "\xed\xa0\x80", "\xed\xbf\xbf",
		"\xf0\x8f\xbf\xbf", "\xf0\x90\x80", "\xf0\x90\x80z", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xff", "a\xfe"};
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(str_is_utf8(str_from(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(str_is_utf8(str_from(bad[i])));
	static const char nul[1];
	assert_int_equal(str_utf8_step(nul, nul + 1), 1);
	assert_int_equal(str_utf8_step(nul, nul), 0);
}

static void
test_buf__stops_at_its_maximum(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 1000);
	for (int i = 0; i < 1000; i++)
		buf_char(&b, 'x');
	assert_false(b.failed);
	buf_char(&b, 'y');
	assert_true(b.failed);
	buf_str(&b, STR(""));
	assert_int_equal(b.len, 1000);
	assert_true(b.cap <= 1000);
	buf_reset(&b);
	assert_false(b.failed);
	buf_str(&b, STR("again"));
	check_str(buf_view(&b), "again");
	buf_clear(&b);
	assert_null(b.ptr);
}

static void
test_buf__latches(void **state)
{
	(void)state;
	char space[4];
	struct buf b;
	buf_init_fixed(&b, space, sizeof(space));
	buf_str(&b, STR("abc"));
	buf_str(&b, STR("de"));
	buf_char(&b, 'f');
	assert_true(b.failed);
	check_str(buf_view(&b), "abc");
	buf_clear(&b);
}

static void
test_buf__numbers_and_formats(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 10000);
	buf_u64(&b, 0);
	buf_char(&b, ' ');
	buf_u64(&b, UINT64_MAX);
	buf_char(&b, ' ');
	buf_i64(&b, INT64_MIN);
	buf_char(&b, ' ');
	buf_i64(&b, -1);
	buf_printf(&b, " %s-%d", "x", 7);
	check_str(buf_view(&b), "0 18446744073709551615 -9223372036854775808 -1 x-7");
	buf_reset(&b);
	buf_printf(&b, "%*d", 3000, 1);
	assert_int_equal(b.len, 3000);
	buf_printf(&b, "%*d", 8000, 1);
	assert_true(b.failed);
	buf_clear(&b);
}

static void
test_buf__extends(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 4);
	assert_non_null(buf_extend(&b, 0));
	assert_int_equal(b.len, 0);
	char *room = buf_extend(&b, 4);
	assert_non_null(room);
	memcpy(room, "abcd", 4);
	check_str(buf_view(&b), "abcd");
	assert_non_null(buf_extend(&b, 0));
	assert_null(buf_extend(&b, 1));
	assert_true(b.failed);
	assert_null(buf_extend(&b, 0));
	buf_clear(&b);
}

static void
test_buf__json_strings(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 1000);
	buf_json_str(&b, STR("a\"\\/\b\f\n\r\t\x01\x1f\x7f\xc3\xa9"));
	check_str(buf_view(&b), "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa9\"");
	buf_reset(&b);
	buf_json_str(&b, (struct str){"\0\xff\xed\xa0\x80", 5});
	check_str(buf_view(&b), "\"\\u0000\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	buf_reset(&b);
	buf_json_str(&b, (struct str){0});
	check_str(buf_view(&b), "\"\"");
	buf_clear(&b);
}

/* Texts are read eight bytes at a time: a byte counts wherever it stands. */
static void
test_buf__json_strings_anywhere(void **state)
{
	(void)state;
	for (size_t at = 0; at < 24; at++) {
		for (unsigned c = 1; c < 0x80; c++) {
			char text[25], want[64], got[64];
			memset(text, 'x', 24);
			text[at] = (char)c;
			struct buf alone, out;
			buf_init_fixed(&alone, want, sizeof(want));
			buf_init_fixed(&out, got, sizeof(got));
			buf_char(&alone, '"');
			for (size_t i = 0; i < 24; i++) {
				char one_space[16];
				struct buf one;
				buf_init_fixed(&one, one_space, sizeof(one_space));
				buf_json_str(&one, (struct str){text + i, 1});
				buf_append(&alone, one_space + 1, one.len - 2);
			}
			buf_char(&alone, '"');
			buf_json_str(&out, (struct str){text, 24});
			assert_true(str_eq(buf_view(&out), buf_view(&alone)));
		}
	}
}

static void
test_str__utf8_anywhere(void **state)
{
	(void)state;
	for (size_t at = 0; at < 24; at++) {
		char text[24];
		memset(text, 'x', sizeof(text));
		text[at] = (char)0xff;
		assert_false(str_is_utf8((struct str){text, sizeof(text)}));
		if (at + 1 < sizeof(text)) {
			memcpy(text + at, "\xc3\xa9", 2);
			assert_true(str_is_utf8((struct str){text, sizeof(text)}));
		}
	}
}

static void
test_arena__caps_what_it_hands_out(void **state)
{
	(void)state;
	struct arena *a = arena_new(100000);
	assert_non_null(a);
	assert_null(arena_alloc(a, 100001));
	assert_null(arena_alloc(a, SIZE_MAX));
	assert_null(arena_new_array(a, uint64_t, SIZE_MAX / 4));
	size_t count = 0;
	while (arena_alloc(a, 100))
		count++;
	assert_int_equal(count, 100000 / 112);
	assert_true(arena_used(a) <= 100000);
	arena_reset(a);
	assert_int_equal(arena_used(a), 0);
	assert_non_null(arena_alloc(a, 100000));
	assert_null(arena_alloc(a, 0));
	arena_free(&a);
	assert_null(a);
	arena_free(&a);
}

static void
test_arena__zeroed_and_aligned_after_reset(void **state)
{
	(void)state;
	static const char zero[512];
	struct arena *a = arena_new(1 << 20);
	for (int round = 0; round < 3; round++) {
		for (size_t size = 0; size < sizeof(zero); size++) {
			char *p = arena_alloc(a, size);
			assert_non_null(p);
			assert_int_equal((uintptr_t)p % 16, 0);
			assert_memory_equal(p, zero, size);
			memset(p, 0xaa, size);
		}
		arena_reset(a);
	}
	arena_free(&a);
}

static void
test_arena__copies(void **state)
{
	(void)state;
	struct arena *a = arena_new(64);
	struct str copy = arena_copy(a, STR("name"));
	check_str(copy, "name");
	assert_int_equal(copy.ptr[4], '\0');
	assert_null(arena_copy(a, (struct str){0}).ptr);
	check_str(arena_copy(a, STR("z")), "z");
	check_str(arena_printf(a, "%d-%s", 4, "x"), "4-x");
	assert_null(arena_printf(a, "%0100d", 4).ptr);
	assert_non_null(arena_copy(a, STR("")).ptr);
	assert_null(arena_copy(a, STR("full")).ptr);
	arena_free(&a);
}

static void
test_error__first_writer_wins(void **state)
{
	(void)state;
	struct error err = {0};
	assert_int_equal(error_set(&err, ERR_LIMIT, "too-many", "%d of %d", 3, 2), ERR_LIMIT);
	assert_int_equal(error_set(&err, ERR_BUSY, "busy", "later"), ERR_LIMIT);
	assert_string_equal(err.code, "too-many");
	assert_string_equal(err.text, "3 of 2");
	assert_int_equal(error_detail(&err, "first"), ERR_LIMIT);
	error_detail(&err, "second %d", 2);
	assert_string_equal(err.detail, "first; second 2");
	assert_non_null(err.file);
	error_clear(&err);
	assert_int_equal(err.status, OK);
	assert_int_equal(error_no_memory(&err), ERR_NO_MEMORY);
}

static void
test_error__long_texts_are_cut(void **state)
{
	(void)state;
	struct error err = {0};
	error_set(&err, ERR_INVALID, "long", "%0400d", 1);
	for (int i = 0; i < 100; i++)
		error_detail(&err, "%s", "piece");
	assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
	assert_true(strlen(err.detail) < ERROR_DETAIL_MAX);
}

static void
test_error__each_status_has_a_name(void **state)
{
	(void)state;
	for (int i = OK; i <= ERR_NO_MEMORY; i++) {
		for (int j = OK; j < i; j++)
			assert_string_not_equal(
				status_name((enum status)i), status_name((enum status)j));
	}
}

static void
test_random__differs(void **state)
{
	(void)state;
	uint8_t a[64] = {0}, b[64] = {0};
	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
}

struct handover {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool ready, signals_blocked;
	char name[16];
};

static void *
hand_over(void *arg)
{
	struct handover *h = arg;
	sigset_t mask;
	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	mutex_lock(&h->mutex);
	h->signals_blocked = sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGINT) == 1;
	h->ready = true;
	pthread_cond_signal(&h->changed);
	mutex_unlock(&h->mutex);
	return NULL;
}

static void
test_thread__starts_and_waits(void **state)
{
	(void)state;
	struct handover h = {0};
	struct error err = {0};
	sigset_t mask;
	pthread_t thread;
	mutex_init(&h.mutex);
	cond_init(&h.changed);
	mutex_lock(&h.mutex);
	assert_false(cond_wait_until(&h.changed, &h.mutex, clock_mono_us() + 1000));
	assert_false(cond_wait_until(&h.changed, &h.mutex, -5));
	assert_int_equal(thread_start(&thread, "a-name-much-too-long", hand_over, &h, &err), OK);
	while (!h.ready)
		cond_wait(&h.changed, &h.mutex);
	mutex_unlock(&h.mutex);
	pthread_join(thread, NULL);
	assert_true(h.signals_blocked);
	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	assert_int_equal(sigismember(&mask, SIGTERM), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_str__absent_equals_nothing),
		cmocka_unit_test(test_str__compare_orders_by_bytes),
		cmocka_unit_test(test_str__cut),
		cmocka_unit_test(test_str__numbers),
		cmocka_unit_test(test_str__utf8),
		cmocka_unit_test(test_str__utf8_anywhere),
		cmocka_unit_test(test_buf__stops_at_its_maximum),
		cmocka_unit_test(test_buf__latches),
		cmocka_unit_test(test_buf__numbers_and_formats),
		cmocka_unit_test(test_buf__extends),
		cmocka_unit_test(test_buf__json_strings),
		cmocka_unit_test(test_buf__json_strings_anywhere),
		cmocka_unit_test(test_arena__caps_what_it_hands_out),
		cmocka_unit_test(test_arena__zeroed_and_aligned_after_reset),
		cmocka_unit_test(test_arena__copies),
		cmocka_unit_test(test_error__first_writer_wins),
		cmocka_unit_test(test_error__long_texts_are_cut),
		cmocka_unit_test(test_error__each_status_has_a_name),
		cmocka_unit_test(test_random__differs),
		cmocka_unit_test(test_thread__starts_and_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
