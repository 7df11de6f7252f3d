#include "pressure.h"
#include "javascript.h"
#include "watch.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct trigger {
	struct watch watch;
	int fd; // -1 once closed
	int holders; // JavaScript's handle and libuv
};

static const napi_type_tag TRIGGER = {0x6865616472616f6dULL, 2};

static void let_go(struct trigger *trigger)
{
	if (--trigger->holders == 0)
		free(trigger);
}

static void on_file_closed(uv_fs_t *request)
{
	uv_fs_req_cleanup(request);
	free(request);
}

/** Closing the file is what ends the trigger, and the kernel takes a grace period of some 10 ms for it: not on the loop's own time. */
static void shut(struct trigger *trigger)
{
	if (trigger->fd < 0)
		return;
	int fd = trigger->fd;
	trigger->fd = -1;
	uv_loop_t *loop = trigger->watch.poll.loop;
	watch_stop(&trigger->watch);
	uv_fs_t *request = malloc(sizeof(*request));
	if (!request || uv_fs_close(loop, request, fd, on_file_closed) != 0) {
		free(request);
		close(fd);
	}
}

static void on_finalize(napi_env env, void *object, void *hint)
{
	(void)env;
	(void)hint;
	shut(object);
	let_go(object);
}

/** The loop is about to end: nobody would see the close through. */
static void on_end(struct watch *watch)
{
	struct trigger *trigger = (struct trigger *)watch;
	watch_stop(watch);
	if (trigger->fd >= 0)
		close(trigger->fd);
	trigger->fd = -1;
}

static void on_closed(struct watch *watch)
{
	let_go((struct trigger *)watch);
}

/** A removed cgroup leaves its trigger ready for ever, with an error: it would spin. */
static void on_ready(struct watch *watch, int events)
{
	struct trigger *trigger = (struct trigger *)watch;
	if (trigger->fd < 0)
		return;
	struct pollfd state = {.fd = trigger->fd, .events = POLLPRI};
	// libuv has just taken the event; what is still there is an error.
	bool ended = !(events & UV_PRIORITIZED) || (poll(&state, 1, 0) > 0 && (state.revents & (POLLERR | POLLNVAL)));
	if (!ended) {
		watch_call(watch, 1);
		return;
	}
	uv_poll_stop(&watch->poll);
	watch_call(watch, 0);
	shut(trigger);
}

/** openPressure(file, trigger: 'some 50000 1000000', onWake: (1: threshold passed, 0: the cgroup is gone) => void) */
napi_value pressure_open(napi_env env, napi_callback_info call)
{
	napi_value values[MOST_ARGUMENTS];
	char path[4096], text[64];
	if (!take_arguments(env, call, 3, values) || !take_text(env, values[0], path, sizeof(path)) ||
	    !take_text(env, values[1], text, sizeof(text)))
		return NULL;
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return throw_refusal(env, errno, "open the pressure file for writing", "");
	if (write(fd, text, strlen(text) + 1) < 0) {
		int error = errno;
		close(fd);
		return throw_refusal(env, error, "set the trigger", "");
	}
	struct trigger *trigger = calloc(1, sizeof(*trigger));
	int error = ENOMEM;
	if (trigger) {
		*trigger = (struct trigger){.fd = fd, .holders = 2};
		trigger->watch.ready = on_ready;
		trigger->watch.end = on_end;
		trigger->watch.closed = on_closed;
		error = watch_start(env, &trigger->watch, fd, UV_PRIORITIZED, values[2]);
		if (!error)
			return give_handle(env, trigger, on_finalize, &TRIGGER);
	}
	free(trigger);
	close(fd);
	return throw_refusal(env, error, "watch the trigger", "");
}

/** closePressure(trigger): again does nothing */
napi_value pressure_close(napi_env env, napi_callback_info call)
{
	napi_value values[MOST_ARGUMENTS];
	if (!take_arguments(env, call, 1, values))
		return NULL;
	struct trigger *trigger = take_handle(env, values[0], &TRIGGER);
	if (trigger)
		shut(trigger);
	return NULL;
}
