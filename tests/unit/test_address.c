/* IP addresses: where they come from, and which the Internet leads to. */
#include "check.h"

#include <netinet/in.h>

#include "base/address.h"

static bool
is_public(const char *text)
{
	struct address a;
	if (!address_parse(str_from(text), &a))
		fail_msg("%s is no address", text);
	return address_is_public(&a);
}

/* The first and the last address of each special block, and those next to it. */
static void
test_address__special_ones_are_not_public(void **state)
{
	(void)state;
	static const char *const special[] = {"0.0.0.0", "0.255.255.255", "10.0.0.0",
		"10.255.255.255", "100.64.0.0", "100.127.255.255", "100.100.100.200", "127.0.0.0",
		"127.255.255.255", "168.63.129.16", "169.254.0.0", "169.254.169.254",
		"169.254.255.255", "172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.192",
		"192.0.2.0", "192.0.2.255", "192.88.99.1", "192.168.0.0", "192.168.255.255",
		"198.18.0.0", "198.19.255.255", "198.51.100.0", "198.51.100.255", "203.0.113.0",
		"203.0.113.255", "224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.255",
		"::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
		"64:ff9b:1::1", "100::1", "1fff:ffff::", "2001::1", "2001:1ff:ffff::1",
		"2001:db8::1", "2001:db8:ffff::1", "2002:7f00:1::1", "3fff::1", "3fff:fff::1",
		"4000::", "5f00::1", "fc00::1", "fdff:ffff::1", "fd00:ec2::254", "fe80::1",
		"febf::1", "fec0::1", "ff02::1"};
	for (size_t i = 0; i < ARRAY_LEN(special); i++) {
		if (is_public(special[i]))
			fail_msg("%s is public", special[i]);
	}
}

static void
test_address__the_others_are(void **state)
{
	(void)state;
	static const char *const others[] = {"1.0.0.0", "9.255.255.255", "11.0.0.0",
		"100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "168.63.129.15",
		"168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
		"191.255.255.255", "192.0.1.0", "192.0.3.0", "192.167.255.255", "192.169.0.0",
		"198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255",
		"203.0.114.0", "223.255.255.255", "::ffff:1.1.1.1", "2000::1", "2001:200::1",
		"2001:db7:ffff::1", "2001:db9::1", "2003::1", "3ffe:ffff::1", "3fff:1000::1"};
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		if (!is_public(others[i]))
			fail_msg("%s is not public", others[i]);
	}
}

static void
test_address__of_a_socket(void **state)
{
	(void)state;
	struct address a;
	const struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000001)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	const struct sockaddr other = {.sa_family = AF_UNIX};
	assert_true(address_of_socket((const struct sockaddr *)&v4, &a));
	assert_int_equal(4, a.len);
	assert_memory_equal("\x0a\0\0\x01", a.bytes, 4);
	assert_true(address_of_socket((const struct sockaddr *)&v6, &a));
	assert_int_equal(16, a.len);
	assert_int_equal(1, a.bytes[15]);
	v6.sin6_addr = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1}};
	assert_true(address_of_socket((const struct sockaddr *)&v6, &a));
	assert_int_equal(4, a.len);
	assert_false(address_of_socket(&other, &a));
}

static void
test_address__lists_of_blocks(void **state)
{
	(void)state;
	static const char *const bad[] = {
		",", "10.0.0.0/8,", "10.0.0.0/8 10.0.0.1", "x", "10.0.0.0/33", " "};
	struct cidr blocks[3];
	size_t count = 9;
	assert_int_equal(CIDR_OK, cidr_parse_list(STR(""), blocks, 3, &count));
	assert_int_equal(0, count);
	assert_int_equal(CIDR_OK,
		cidr_parse_list(STR("10.0.0.0/8 ,fd00::/8,  127.0.0.1"), blocks, 3, &count));
	assert_int_equal(3, count);
	assert_int_equal(4, blocks[0].base.len);
	assert_int_equal(8, blocks[1].prefix);
	assert_int_equal(32, blocks[2].prefix);
	assert_int_equal(CIDR_HOST_BITS, cidr_parse_list(STR("10.0.0.1/8"), blocks, 3, &count));
	assert_int_equal(CIDR_MALFORMED,
		cidr_parse_list(STR("1.0.0.0,2.0.0.0,3.0.0.0,4.0.0.0"), blocks, 3, &count));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
			CIDR_MALFORMED, cidr_parse_list(str_from(bad[i]), blocks, 3, &count));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address__special_ones_are_not_public),
		cmocka_unit_test(test_address__the_others_are),
		cmocka_unit_test(test_address__of_a_socket),
		cmocka_unit_test(test_address__lists_of_blocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
