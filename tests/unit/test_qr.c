/* QR codes: drawn as they are, and found by a reader's landmarks. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "html/qr.h"

#define SIDE_MAX 200

static char modules[SIDE_MAX][SIDE_MAX];

/* The number that stands next, after what has to stand before it. */
static int
number(const char **at, const char *before)
{
	char *end;
	assert_int_equal(strncmp(*at, before, strlen(before)), 0);
	long value = strtol(*at + strlen(before), &end, 10);
	assert_ptr_not_equal(end, *at + strlen(before));
	*at = end;
	return (int)value;
}

/* What a browser would paint of the path. */
static int
paint(const struct qr *qr)
{
	static char path[QR_PATH_MAX + 1]; /* with the end that strtol looks for */
	assert_true(qr->path.len <= QR_PATH_MAX);
	memcpy(path, qr->path.ptr, qr->path.len);
	path[qr->path.len] = '\0';
	const char *box = qr->box, *at = path, *end = path + qr->path.len;
	int left = number(&box, ""), top = number(&box, " ");
	int width = number(&box, " "), height = number(&box, " ");
	assert_true(left == -4 && top == -4 && width == height && width <= SIDE_MAX);
	memset(modules, 0, sizeof(modules));
	while (at < end) {
		int x = number(&at, "M"), y = number(&at, " ");
		int run = number(&at, "h"), back = number(&at, "v1h-");
		assert_true(*at++ == 'z' && run == back && run > 0);
		assert_true(x >= 0 && y >= 0 && x + run <= width - 8 && y < width - 8);
		memset(&modules[y][x], 1, (size_t)run);
	}
	return width - 8;
}

static void
check_landmark(int x, int y)
{
	for (int i = 0; i < 7; i++) {
		for (int j = 0; j < 7; j++) {
			int ring = i < j ? i : j;
			int far = 6 - (i > j ? i : j);
			ring = ring < far ? ring : far;
			assert_int_equal(modules[y + i][x + j], ring != 1);
		}
	}
}

static void
test_qr__has_its_landmarks(void **state)
{
	(void)state;
	struct qr qr;
	struct error err = {0};
	assert_int_equal(
		qr_draw(&qr, STR("otpauth://totp/House:ada@example.org?secret=GEZDGNBV"), &err),
		OK);
	int side = paint(&qr);
	assert_int_equal(side % 4, 1);
	check_landmark(0, 0);
	check_landmark(side - 7, 0);
	check_landmark(0, side - 7);
	for (int i = 8; i < side - 8; i++)
		assert_true(modules[6][i] == (i % 2 == 0) && modules[i][6] == (i % 2 == 0));
	qr_clear(&qr);
	qr_clear(&qr);
}

static void
test_qr__bounds(void **state)
{
	(void)state;
	static char longest[QR_TEXT_MAX + 1];
	struct qr qr;
	struct error err = {0};
	memset(longest, 'x', sizeof(longest));
	assert_int_equal(qr_draw(&qr, (struct str){longest, QR_TEXT_MAX}, &err), OK);
	(void)paint(&qr);
	qr_clear(&qr);
	assert_int_equal(qr_draw(&qr, (struct str){longest, QR_TEXT_MAX + 1}, &err), ERR_TOO_LARGE);
	qr_clear(&qr);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_qr__has_its_landmarks),
		cmocka_unit_test(test_qr__bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
