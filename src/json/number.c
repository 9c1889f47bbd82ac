#include "json/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* No double, and no midpoint of two, has more significant digits than 768; of what follows
 * it matters only whether it is zero. */
#define DIGITS_MAX 770
#define EXPONENT_MAX INT64_C(1000000000000)

/* A number as 0.ddd × 10^exponent. */
struct decimal {
	char digits[DIGITS_MAX + 1];
	size_t count;
	bool more; /* digits other than 0 were left out */
	int64_t exponent;
};

static void
add_digit(struct decimal *d, char digit)
{
	if (d->count < DIGITS_MAX)
		d->digits[d->count++] = digit;
	else if (digit != '0')
		d->more = true;
}

static int64_t
parse_exponent(const char *at, const char *end)
{
	bool negative = *at == '-';
	int64_t value = 0;
	if (*at == '-' || *at == '+')
		at++;
	for (; at < end && value < EXPONENT_MAX; at++)
		value = value * 10 + (*at - '0');
	return negative ? -value : value;
}

static void
parse(struct decimal *d, const char *at, const char *end)
{
	bool fraction = false;
	*d = (struct decimal){0};
	for (; at < end && *at != 'e' && *at != 'E'; at++) {
		if (*at == '.') {
			fraction = true;
			continue;
		}
		bool significant = d->count > 0 || *at != '0';
		if (significant)
			add_digit(d, *at);
		if (significant && !fraction)
			d->exponent++;
		else if (!significant && fraction)
			d->exponent--;
	}
	if (at < end)
		d->exponent += parse_exponent(at + 1, end);
}

bool
json__number_value(struct str text, double *out)
{
	struct decimal d;
	char normal[DIGITS_MAX + 40];
	bool negative = text.ptr[0] == '-';
	parse(&d, text.ptr + negative, text.ptr + text.len);
	*out = negative ? -0.0 : 0.0;
	if (d.count == 0)
		return true;
	if (d.more)
		d.digits[d.count++] = '1';
	int64_t exponent = d.exponent - (int64_t)d.count;
	snprintf(normal, sizeof(normal), "%s%.*se%lld", negative ? "-" : "", (int)d.count, d.digits,
		(long long)exponent);
	*out = strtod(normal, NULL);
	return isfinite(*out);
}

void
json_number_format(char out[JSON_NUMBER_TEXT_MAX], double value)
{
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(out, JSON_NUMBER_TEXT_MAX, "%.*g", digits, value);
		double again = strtod(out, NULL);
		if (!(again < value) && !(again > value))
			break;
	}
}
