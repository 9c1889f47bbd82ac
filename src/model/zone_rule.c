#include "model/zone_rule.h"

#define DAY_S 86400
#define HOUR_S 3600

/* Eras of 400 years begin on 1 March, so that the leap day is the last of its year. */
#define ERA_DAYS 146097
#define EPOCH_IN_ERAS 719468 /* days from 0000-03-01 to 1970-01-01 */

static bool
skip_char(struct str *rest, char c)
{
	if (rest->len == 0 || rest->ptr[0] != c)
		return false;
	rest->ptr++;
	rest->len--;
	return true;
}

static bool
parse_number(struct str *rest, int32_t least, int32_t most, int32_t *out)
{
	int32_t value = 0;
	size_t digits = 0;
	while (digits < 3 && digits < rest->len && rest->ptr[digits] >= '0' &&
		rest->ptr[digits] <= '9')
		value = value * 10 + (rest->ptr[digits++] - '0');
	rest->ptr += digits;
	rest->len -= digits;
	*out = value;
	return digits > 0 && value >= least && value <= most;
}

/* [+-]hh[:mm[:ss]] */
static bool
parse_time(struct str *rest, int32_t most_hours, int32_t *out)
{
	int32_t minutes = 0, seconds = 0;
	bool negative = skip_char(rest, '-');
	if (!negative)
		(void)skip_char(rest, '+');
	if (!parse_number(rest, 0, most_hours, out))
		return false;
	if (skip_char(rest, ':')) {
		if (!parse_number(rest, 0, 59, &minutes))
			return false;
		if (skip_char(rest, ':') && !parse_number(rest, 0, 59, &seconds))
			return false;
	}
	*out = *out * HOUR_S + minutes * 60 + seconds;
	if (negative)
		*out = -*out;
	return true;
}

/* An abbreviation, which nobody needs: three or more letters, or anything in angle brackets. */
static bool
skip_name(struct str *rest)
{
	if (skip_char(rest, '<')) {
		(void)str_cut(rest, '>');
		return rest->ptr != NULL;
	}
	size_t len = 0;
	while (len < rest->len &&
		((rest->ptr[len] | 0x20) >= 'a' && (rest->ptr[len] | 0x20) <= 'z'))
		len++;
	rest->ptr += len;
	rest->len -= len;
	return len >= 3;
}

/* ,Mm.w.d[/time] */
static bool
parse_change(struct str *rest, struct zone_change *out)
{
	int32_t month, week, weekday;
	if (!skip_char(rest, ',') || !skip_char(rest, 'M') || !parse_number(rest, 1, 12, &month) ||
		!skip_char(rest, '.') || !parse_number(rest, 1, 5, &week) ||
		!skip_char(rest, '.') || !parse_number(rest, 0, 6, &weekday))
		return false;
	*out = (struct zone_change){(uint8_t)month, (uint8_t)week, (uint8_t)weekday, 2 * HOUR_S};
	return !skip_char(rest, '/') || parse_time(rest, 167, &out->time_s);
}

bool
zone_rule_parse(struct zone_rule *out, struct str text)
{
	struct str rest = text;
	int32_t west;
	*out = (struct zone_rule){0};
	if (!rest.ptr || !skip_name(&rest) || !parse_time(&rest, 24, &west))
		return false;
	out->standard_s = -west;
	if (rest.len == 0)
		return true;
	out->has_summer = true;
	out->summer_s = out->standard_s + HOUR_S;
	if (!skip_name(&rest))
		return false;
	if (rest.len && rest.ptr[0] != ',') {
		if (!parse_time(&rest, 24, &west))
			return false;
		out->summer_s = -west;
	}
	return parse_change(&rest, &out->start) && parse_change(&rest, &out->end) && rest.len == 0;
}

/* Days from 1970-01-01 to the first of a month; month 13 is January of the next year. */
static int64_t
days_to_month(int64_t year, unsigned month)
{
	int64_t shifted = month > 2 ? year : year - 1;
	int64_t from_march = (month + 9) % 12;
	int64_t year_days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400;
	return year_days + (153 * from_march + 2) / 5 - EPOCH_IN_ERAS;
}

static int64_t
year_of(int64_t days)
{
	int64_t from_start = days + EPOCH_IN_ERAS;
	int64_t in_era = from_start % ERA_DAYS;
	int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	int64_t day = in_era - (year * 365 + year / 4 - year / 100);
	/* From 1 March on there are 306 days to the next January. */
	return from_start / ERA_DAYS * 400 + year + (day >= 306);
}

static int64_t
change_at(const struct zone_change *change, int64_t year, int32_t offset_s)
{
	int64_t first = days_to_month(year, change->month);
	int64_t next = days_to_month(year, change->month + 1U);
	int64_t first_weekday = (first + 4) % 7; /* 1970-01-01 was a Thursday */
	int64_t day = first + (change->weekday - first_weekday + 7) % 7 + 7 * (change->week - 1);
	if (day >= next)
		day -= 7;
	return day * DAY_S + change->time_s - offset_s;
}

int32_t
zone_rule_offset(const struct zone_rule *rule, int64_t time_s)
{
	if (!rule->has_summer)
		return rule->standard_s;
	int64_t year = year_of(time_s / DAY_S);
	int64_t latest = INT64_MIN;
	bool summer = false;
	/* A change near the end of a year may fall into another one by UTC: the latest change that
	 * is past decides, whichever year it belongs to. */
	for (int64_t y = year - 1; y <= year + 1; y++) {
		int64_t start = change_at(&rule->start, y, rule->standard_s);
		int64_t end = change_at(&rule->end, y, rule->summer_s);
		if (start <= time_s && start > latest) {
			latest = start;
			summer = true;
		}
		if (end <= time_s && end > latest) {
			latest = end;
			summer = false;
		}
	}
	return summer ? rule->summer_s : rule->standard_s;
}
