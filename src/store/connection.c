#include <stdlib.h>

#include "base/log.h"
#include "store/feed.h"

enum status
connection__open(struct connection *c, const struct store *store, bool writes, struct error *err)
{
	*c = (struct connection){.driver = store->driver};
	return store->driver->open(&c->native, store->place, writes, err);
}

/* A session that was with the database before another one was followed is left for a new one. */
#define BEGINS_MAX 2

enum status
connection__begin(struct connection *c, const struct store *store, bool writes,
	struct uuid *incarnation, struct error *err)
{
	bool elsewhere = true;
	enum status rc = ERR_BUSY;
	*incarnation = store->incarnation;
	for (unsigned i = 0; elsewhere && i < BEGINS_MAX; i++) {
		error_clear(err);
		rc = c->driver->begin(c->native, writes, err);
		if (rc != OK || !store->feed)
			return rc;
		rc = feed__vouch(incarnation, &elsewhere, store->feed, c, err);
		if (rc == OK)
			return OK;
		c->driver->rollback(c->native);
		if (elsewhere)
			c->driver->leave(c->native);
	}
	return rc;
}

static void
free_twins(struct connection *c, struct statement *s)
{
	while (s) {
		struct statement *twin = s->twin;
		c->driver->finalize(&s->native);
		free(s);
		s = twin;
	}
}

void
connection__close(struct connection *c)
{
	for (size_t i = 0; i < c->slot_count; i++)
		free_twins(c, c->slots[i]);
	free(c->slots);
	if (c->native)
		c->driver->close(&c->native);
	*c = (struct connection){0};
}

void
connection__reset_all(struct connection *c)
{
	if (LIKELY(c->open == 0))
		return;
	for (size_t i = 0; i < c->slot_count; i++) {
		for (struct statement *s = c->slots[i]; s; s = s->twin) {
			if (!s->open)
				continue;
			log_event(LOG_WARN, "statement-left-open", LOG_Z("sql", s->text));
			c->driver->reset(s->native);
			s->open = false;
		}
	}
	c->open = 0;
}

static size_t
slot_of(const struct connection *c, const char *text)
{
	size_t at = (size_t)(((uintptr_t)text * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
	for (;; at++) {
		struct statement *s = c->slots[at & (c->slot_count - 1)];
		if (!s || s->text == text)
			return at & (c->slot_count - 1);
	}
}

/* Keeps the table at most half full. */
static bool
make_room(struct connection *c)
{
	struct connection old = *c;
	if (c->used * 2 < c->slot_count)
		return true;
	c->slot_count = old.slot_count ? old.slot_count * 2 : 128;
	c->slots = calloc(c->slot_count, sizeof(struct statement *));
	if (!c->slots) {
		*c = old;
		return false;
	}
	for (size_t i = 0; i < old.slot_count; i++) {
		if (old.slots[i])
			c->slots[slot_of(c, old.slots[i]->text)] = old.slots[i];
	}
	free(old.slots);
	return true;
}

static enum status
prepare(struct statement **out, struct connection *c, const char *text, struct error *err)
{
	struct statement *s = calloc(1, sizeof(*s));
	if (!s)
		return error_no_memory(err);
	enum status rc = c->driver->prepare(&s->native, c->native, text, true, err);
	if (rc != OK) {
		free(s);
		return rc;
	}
	s->text = text;
	*out = s;
	return OK;
}

enum status
connection__statement(
	struct statement **out, struct connection *c, const char *text, struct error *err)
{
	if (!make_room(c))
		return error_no_memory(err);
	struct statement **slot = &c->slots[slot_of(c, text)];
	struct statement *s = *slot;
	while (s && s->open)
		s = s->twin;
	if (!s) {
		enum status rc = prepare(&s, c, text, err);
		if (rc != OK)
			return rc;
		if (!*slot)
			c->used++;
		s->twin = *slot;
		*slot = s;
	}
	s->open = true;
	c->open++;
	*out = s;
	return OK;
}

void
connection__release(struct connection *c, struct statement *s)
{
	c->driver->reset(s->native);
	s->open = false;
	c->open--;
}
