#include "crypto/crypto.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t
crypto_base64url(char *out, size_t out_size, const void *bytes, size_t len)
{
	const uint8_t *in = bytes;
	size_t n = 0;
	ASSERT(len < SIZE_MAX / 4 && out_size > (len * 4 + 2) / 3);
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t group = (uint32_t)in[i] << 16;
		group |= left > 1 ? (uint32_t)in[i + 1] << 8 : 0;
		group |= left > 2 ? in[i + 2] : 0;
		out[n++] = alphabet[group >> 18];
		out[n++] = alphabet[(group >> 12) & 63];
		if (left > 1)
			out[n++] = alphabet[(group >> 6) & 63];
		if (left > 2)
			out[n++] = alphabet[group & 63];
	}
	out[n] = '\0';
	return n;
}

/* A character's value with this bit, anything else 0: one look for each, and one question for all.
 */
#define VALID 0x40
static const uint8_t value_of[256] = {
	['A'] = VALID | 0,
	['B'] = VALID | 1,
	['C'] = VALID | 2,
	['D'] = VALID | 3,
	['E'] = VALID | 4,
	['F'] = VALID | 5,
	['G'] = VALID | 6,
	['H'] = VALID | 7,
	['I'] = VALID | 8,
	['J'] = VALID | 9,
	['K'] = VALID | 10,
	['L'] = VALID | 11,
	['M'] = VALID | 12,
	['N'] = VALID | 13,
	['O'] = VALID | 14,
	['P'] = VALID | 15,
	['Q'] = VALID | 16,
	['R'] = VALID | 17,
	['S'] = VALID | 18,
	['T'] = VALID | 19,
	['U'] = VALID | 20,
	['V'] = VALID | 21,
	['W'] = VALID | 22,
	['X'] = VALID | 23,
	['Y'] = VALID | 24,
	['Z'] = VALID | 25,
	['a'] = VALID | 26,
	['b'] = VALID | 27,
	['c'] = VALID | 28,
	['d'] = VALID | 29,
	['e'] = VALID | 30,
	['f'] = VALID | 31,
	['g'] = VALID | 32,
	['h'] = VALID | 33,
	['i'] = VALID | 34,
	['j'] = VALID | 35,
	['k'] = VALID | 36,
	['l'] = VALID | 37,
	['m'] = VALID | 38,
	['n'] = VALID | 39,
	['o'] = VALID | 40,
	['p'] = VALID | 41,
	['q'] = VALID | 42,
	['r'] = VALID | 43,
	['s'] = VALID | 44,
	['t'] = VALID | 45,
	['u'] = VALID | 46,
	['v'] = VALID | 47,
	['w'] = VALID | 48,
	['x'] = VALID | 49,
	['y'] = VALID | 50,
	['z'] = VALID | 51,
	['0'] = VALID | 52,
	['1'] = VALID | 53,
	['2'] = VALID | 54,
	['3'] = VALID | 55,
	['4'] = VALID | 56,
	['5'] = VALID | 57,
	['6'] = VALID | 58,
	['7'] = VALID | 59,
	['8'] = VALID | 60,
	['9'] = VALID | 61,
	['-'] = VALID | 62,
	['_'] = VALID | 63,
};

/* Four characters, three bytes. What is not valid shows in `*all`, and its bytes mean nothing. */
static void
decode_group(uint8_t *out, const uint8_t *in, uint32_t *all)
{
	uint32_t a = value_of[in[0]], b = value_of[in[1]], c = value_of[in[2]], d = value_of[in[3]];
	uint32_t bits = (a & 63) << 18 | (b & 63) << 12 | (c & 63) << 6 | (d & 63);
	*all &= a & b & c & d;
	out[0] = (uint8_t)(bits >> 16);
	out[1] = (uint8_t)(bits >> 8);
	out[2] = (uint8_t)bits;
}

bool
crypto_base64url_decode(uint8_t *out, size_t out_size, size_t *out_len, struct str text)
{
	const uint8_t *in = (const uint8_t *)text.ptr;
	size_t groups = text.len / 4, tail = text.len % 4, last = tail ? tail - 1 : 0;
	uint32_t all = VALID;
	if (!text.ptr || tail == 1 || groups * 3 + last > out_size)
		return false;
	for (size_t i = 0; i < groups; i++)
		decode_group(out + 3 * i, in + 4 * i, &all);
	if (tail) {
		/* As if zeros followed; what is left over has to be zero as well. */
		uint8_t padded[4] = {'A', 'A', 'A', 'A'}, bytes[3];
		memcpy(padded, in + 4 * groups, tail);
		decode_group(bytes, padded, &all);
		memcpy(out + 3 * groups, bytes, last);
		if (bytes[last])
			return false;
	}
	*out_len = groups * 3 + last;
	return all;
}

size_t
crypto_base32(char *out, size_t out_size, const void *bytes, size_t len)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	const uint8_t *in = bytes;
	size_t n = 0;
	ASSERT(len % 5 == 0 && out_size / 8 >= len / 5 && out_size > len / 5 * 8);
	for (; len > 0; in += 5, len -= 5) {
		uint64_t group = 0;
		for (size_t i = 0; i < 5; i++)
			group = group << 8 | in[i];
		for (unsigned shift = 40; shift > 0; shift -= 5)
			out[n++] = letters[(group >> (shift - 5)) & 31];
	}
	out[n] = '\0';
	return n;
}

void
crypto_hex(char *out, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *in = bytes;
	for (size_t i = 0; i < len; i++) {
		*out++ = digits[in[i] >> 4];
		*out++ = digits[in[i] & 15];
	}
	*out = '\0';
}
