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

/* One more than the value of a character; 0 for those outside the alphabet. */
static const uint8_t value_of[256] = {['A'] = 1,
	['B'] = 2,
	['C'] = 3,
	['D'] = 4,
	['E'] = 5,
	['F'] = 6,
	['G'] = 7,
	['H'] = 8,
	['I'] = 9,
	['J'] = 10,
	['K'] = 11,
	['L'] = 12,
	['M'] = 13,
	['N'] = 14,
	['O'] = 15,
	['P'] = 16,
	['Q'] = 17,
	['R'] = 18,
	['S'] = 19,
	['T'] = 20,
	['U'] = 21,
	['V'] = 22,
	['W'] = 23,
	['X'] = 24,
	['Y'] = 25,
	['Z'] = 26,
	['a'] = 27,
	['b'] = 28,
	['c'] = 29,
	['d'] = 30,
	['e'] = 31,
	['f'] = 32,
	['g'] = 33,
	['h'] = 34,
	['i'] = 35,
	['j'] = 36,
	['k'] = 37,
	['l'] = 38,
	['m'] = 39,
	['n'] = 40,
	['o'] = 41,
	['p'] = 42,
	['q'] = 43,
	['r'] = 44,
	['s'] = 45,
	['t'] = 46,
	['u'] = 47,
	['v'] = 48,
	['w'] = 49,
	['x'] = 50,
	['y'] = 51,
	['z'] = 52,
	['0'] = 53,
	['1'] = 54,
	['2'] = 55,
	['3'] = 56,
	['4'] = 57,
	['5'] = 58,
	['6'] = 59,
	['7'] = 60,
	['8'] = 61,
	['9'] = 62,
	['-'] = 63,
	['_'] = 64};

/* Two to four characters, one byte fewer; false on another character or bits left over. */
static bool
decode_group(uint8_t *out, const char *in, size_t count)
{
	uint32_t bits = 0, valid = 1;
	for (size_t i = 0; i < 4; i++) {
		uint32_t value = i < count ? value_of[(uint8_t)in[i]] : 1;
		valid &= value != 0;
		bits = bits << 6 | ((value - 1) & 63);
	}
	for (size_t i = 0; i + 1 < count; i++)
		out[i] = (uint8_t)(bits >> (16 - 8 * i));
	uint32_t left_over = count == 4 ? 0 : bits & (UINT32_MAX >> (8 + 8 * (count - 1)));
	return valid && left_over == 0;
}

bool
crypto_base64url_decode(uint8_t *out, size_t out_size, size_t *out_len, struct str text)
{
	size_t tail = text.len % 4, len = text.len / 4 * 3 + (tail ? tail - 1 : 0);
	if (!text.ptr || tail == 1 || len > out_size)
		return false;
	bool good = true;
	for (size_t i = 0; i < text.len / 4; i++)
		good &= decode_group(out + 3 * i, text.ptr + 4 * i, 4);
	if (tail)
		good &= decode_group(out + text.len / 4 * 3, text.ptr + text.len - tail, tail);
	*out_len = len;
	return good;
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
