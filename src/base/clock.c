#include "base/clock.h"

#include <time.h>

#define DAY_S INT64_C(86400)

static int64_t
read_clock(clockid_t id)
{
	struct timespec now;
	ASSERT(clock_gettime(id, &now) == 0);
	return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

int64_t
clock_now_us(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t
clock_mono_us(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

/* Days since 1970 of a date of the Gregorian calendar; years are counted from March, so that the
 * leap day is the last of its year. */
static int64_t
days_from_date(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return 365 * y + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

static int64_t
year_of_days(int64_t days)
{
	int64_t year = 1970 + days / 366;
	while (days_from_date(year + 1, 1, 1) <= days)
		year++;
	return year;
}

static bool
is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t
days_of_month(int64_t year, int64_t month)
{
	static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	return days[month - 1] + (month == 2 && is_leap(year));
}

static void
put_digits(char *out, int64_t value, int count)
{
	for (int i = count - 1; i >= 0; i--) {
		out[i] = (char)('0' + value % 10);
		value /= 10;
	}
}

void
clock_format(char out[CLOCK_TEXT_MAX], int64_t time_us)
{
	if (time_us < 0)
		time_us = 0;
	if (time_us > CLOCK_MAX_US)
		time_us = CLOCK_MAX_US;
	int64_t days = time_us / (DAY_S * US_PER_S), second = time_us / US_PER_S % DAY_S;
	int64_t year = year_of_days(days), month = 12;
	while (days_from_date(year, month, 1) > days)
		month--;
	memcpy(out, "0000-00-00T00:00:00.000000Z", CLOCK_TEXT_MAX);
	put_digits(out, year, 4);
	put_digits(out + 5, month, 2);
	put_digits(out + 8, days - days_from_date(year, month, 1) + 1, 2);
	put_digits(out + 11, second / 3600, 2);
	put_digits(out + 14, second / 60 % 60, 2);
	put_digits(out + 17, second % 60, 2);
	put_digits(out + 20, time_us % US_PER_S, 6);
}

/* Takes exactly `count` digits, whose value lies in the range. */
static bool
take_number(struct str *s, size_t count, int64_t least, int64_t most, int64_t *out)
{
	int64_t value = 0;
	if (s->len < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (s->ptr[i] < '0' || s->ptr[i] > '9')
			return false;
		value = value * 10 + (s->ptr[i] - '0');
	}
	*s = (struct str){s->ptr + count, s->len - count};
	*out = value;
	return value >= least && value <= most;
}

static bool
take_char(struct str *s, char c)
{
	if (s->len == 0 || s->ptr[0] != c)
		return false;
	*s = (struct str){s->ptr + 1, s->len - 1};
	return true;
}

static bool
take_fraction(struct str *s, int64_t *out_us)
{
	*out_us = 0;
	if (!take_char(s, '.'))
		return true;
	int64_t unit = 100000, digit;
	while (unit > 0 && take_number(s, 1, 0, 9, &digit)) {
		*out_us += digit * unit;
		unit /= 10;
	}
	return unit < 100000;
}

static bool
take_offset(struct str *s, int64_t *out_s)
{
	*out_s = 0;
	if (take_char(s, 'Z'))
		return true;
	int64_t sign = take_char(s, '-') ? -1 : 1, hour, minute;
	if (sign == 1 && !take_char(s, '+'))
		return false;
	if (!take_number(s, 2, 0, 23, &hour) || !take_char(s, ':') ||
		!take_number(s, 2, 0, 59, &minute))
		return false;
	*out_s = sign * (hour * 3600 + minute * 60);
	return true;
}

bool
clock_parse(struct str s, int64_t *time_us)
{
	int64_t year, month, day, hour, minute, second, fraction_us, offset_s;
	if (!take_number(&s, 4, 1970, 9999, &year) || !take_char(&s, '-') ||
		!take_number(&s, 2, 1, 12, &month) || !take_char(&s, '-') ||
		!take_number(&s, 2, 1, days_of_month(year, month), &day) || !take_char(&s, 'T'))
		return false;
	if (!take_number(&s, 2, 0, 23, &hour) || !take_char(&s, ':') ||
		!take_number(&s, 2, 0, 59, &minute) || !take_char(&s, ':') ||
		!take_number(&s, 2, 0, 59, &second) || !take_fraction(&s, &fraction_us) ||
		!take_offset(&s, &offset_s) || s.len > 0)
		return false;
	int64_t seconds = days_from_date(year, month, day) * DAY_S + hour * 3600 + minute * 60 +
		second - offset_s;
	*time_us = seconds * US_PER_S + fraction_us;
	return *time_us >= 0 && *time_us <= CLOCK_MAX_US;
}
