#ifndef SIGNIN_REPLAYS_H
#define SIGNIN_REPLAYS_H

#include "base/error.h"
#include "base/str.h"
#include "model/ids.h"

/*
 * What counts once until it ends: assertions by their `jti`. In memory, bounded, each node by
 * itself: with several nodes one assertion can count once on each, as long as it lives.
 */
struct replays; /* owned */

enum status replays_new(struct replays **out, struct error *err) MUST_USE;
void replays_free(struct replays **replays);

struct replay {
	struct org_id org; /* which fills a part of the memory at most */
	struct principal_id whose;
	struct str id;
	int64_t until_us;
};

/* Takes (whose, id) down. ERR_UNAUTHENTICATED "replayed": it is there already. ERR_BUSY: there is
 * no room for it, as too many live ones have come, of all or of its organisation. Threads: any. */
enum status replays_add(struct replays *replays, const struct replay *replay, int64_t now_us,
	struct error *err) MUST_USE;

#endif
