#include "base/thread.h"
#include "http/internal.h"

/*
 * While a request is suspended it stands in the server's list, and whoever takes it out resumes
 * it: http_resume, or the end of the server. What the end takes out is *abandoned*: another
 * thread may still hold it and resume it late, so its memory stays until the server is gone.
 */

static void
take_out(struct http_request *r)
{
	struct http_server *server = r->server;
	if (r->next)
		r->next->prev = r->prev;
	if (r->prev)
		r->prev->next = r->next;
	else
		server->suspended = r->next;
	r->next = NULL;
	r->prev = NULL;
	r->suspended = false;
	server->suspended_count--;
}

bool
http_suspend(struct http_request *r)
{
	struct http_server *server = r->server;
	ASSERT(!r->responded && !r->left);
	mutex_lock(&server->lock);
	bool may = !server->stopping && server->suspended_count < server->options.suspended_max;
	if (may) {
		r->next = server->suspended;
		r->prev = NULL;
		if (r->next)
			r->next->prev = r;
		server->suspended = r;
		server->suspended_count++;
		r->suspended = true;
		r->left = true;
		MHD_suspend_connection(r->mhd);
	}
	mutex_unlock(&server->lock);
	return may;
}

/* The library is told without the lock, which the serving thread that it wakes would wait for.
 * Until then the request runs, and the end waits for it. */
void
http_resume(struct http_request *r)
{
	struct http_server *server = r->server;
	mutex_lock(&server->lock);
	bool waits = r->suspended;
	if (waits)
		take_out(r);
	mutex_unlock(&server->lock);
	if (waits)
		MHD_resume_connection(r->mhd);
}

bool
http_request_resumed(const struct http_request *r)
{
	return r->resumed;
}

void
http__abandon_suspended(struct http_server *server)
{
	mutex_lock(&server->lock);
	server->stopping = true;
	while (server->suspended) {
		struct http_request *r = server->suspended;
		take_out(r);
		r->abandoned = true;
		MHD_resume_connection(r->mhd);
	}
	mutex_unlock(&server->lock);
}

void
http__bury(struct http_request *r)
{
	struct http_server *server = r->server;
	mutex_lock(&server->lock);
	r->next = server->abandoned;
	server->abandoned = r;
	mutex_unlock(&server->lock);
}
