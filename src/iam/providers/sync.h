#ifndef IAM_PROVIDER_SYNC_H
#define IAM_PROVIDER_SYNC_H

#include "iam/providers/providers.h"

/*
 * Gives a member what a provider's rules want for these groups of the provider, and takes back what
 * the same provider gave before and is not wanted any more. What somebody gave by hand stays, and
 * so does what another provider still wants. A rule that cannot be followed (its role or workspace
 * is gone) gives nothing, and is logged. In a call that is open as the provider.
 */
struct provider_groups {
	const struct str *names;
	size_t count;
};
enum status provider_sync(struct call *call, const struct provider *provider,
	struct principal_id member, struct provider_groups groups, struct error *err) MUST_USE;

#endif
