#include "signin/session.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"

struct session_uses {
	pthread_mutex_t mutex;
	struct session_use items[SESSION_USES_MAX];
	size_t count;
};

enum status
session_uses_new(struct session_uses **out, struct error *err)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return error_no_memory(err);
	mutex_init(&(*out)->mutex);
	return OK;
}

void
session_uses_free(struct session_uses **uses)
{
	if (!*uses)
		return;
	pthread_mutex_destroy(&(*uses)->mutex);
	free(*uses);
	*uses = NULL;
}

void
session_used(struct session_uses *uses, const struct session *session, int64_t now_us)
{
	size_t i = 0;

	if (!uses || now_us - session->used_us < SESSION_TOUCH_US)
		return;
	mutex_lock(&uses->mutex);
	while (i < uses->count && !uuid_eq(uses->items[i].id.id, session->id.id))
		i++;
	if (i == uses->count && i < SESSION_USES_MAX)
		uses->items[uses->count++] =
			(struct session_use){session->org, session->id, now_us};
	mutex_unlock(&uses->mutex);
}

size_t
session_uses_take(struct session_uses *uses, struct session_use out[SESSION_USES_MAX])
{
	mutex_lock(&uses->mutex);
	size_t count = uses->count;
	memcpy(out, uses->items, count * sizeof(out[0]));
	uses->count = 0;
	mutex_unlock(&uses->mutex);
	return count;
}

bool
session_opens(const struct session *session, const struct membership *m)
{
	return m->state == STATE_ACTIVE &&
		(org_is_platform(session->only_org) || uuid_eq(m->org.id, session->only_org.id));
}

const struct membership *
session_member(const struct session *session, const struct membership *all, size_t *count,
	struct org_id asked)
{
	const struct membership *member = NULL;
	size_t found = 0;

	for (size_t i = 0; i < *count; i++) {
		bool meant = org_is_platform(asked) || uuid_eq(all[i].org.id, asked.id);
		if (!meant || !session_opens(session, &all[i]))
			continue;
		member = &all[i];
		found++;
	}
	*count = found;
	return found == 1 ? member : NULL;
}
