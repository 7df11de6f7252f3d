#include "watch.h"

static void on_closed(uv_handle_t *handle)
{
	struct watch *watch = handle->data;
	napi_async_cleanup_hook_handle cleanup = watch->cleanup;
	watch->closed(watch);
	if (cleanup)
		napi_remove_async_cleanup_hook(cleanup);
}

/** The environment ends (process exit, worker) while the descriptor is still watched. */
static void on_cleanup(napi_async_cleanup_hook_handle handle, void *argument)
{
	struct watch *watch = argument;
	if (watch->running)
		watch->end(watch);
	(void)handle; // removed once libuv has let go
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct watch *watch = poll->data;
	// A negative status is an error condition on the descriptor; `ready` looks at the descriptor itself.
	watch->ready(watch, status < 0 ? 0 : events);
}

int watch_start(napi_env env, struct watch *watch, int fd, int events, napi_value callback)
{
	uv_loop_t *loop = NULL;
	napi_value name;
	watch->env = env;
	if (napi_get_uv_event_loop(env, &loop) != napi_ok)
		return UV_EINVAL;
	int error = uv_poll_init(loop, &watch->poll, fd);
	if (error)
		return error;
	watch->poll.data = watch;
	uv_unref((uv_handle_t *)&watch->poll);
	napi_create_string_utf8(env, "headroom", NAPI_AUTO_LENGTH, &name);
	napi_create_reference(env, callback, 1, &watch->callback);
	napi_async_init(env, NULL, name, &watch->context);
	napi_add_async_cleanup_hook(env, on_cleanup, watch, &watch->cleanup);
	watch->running = true;
	// Only fails for a handle that is being closed.
	uv_poll_start(&watch->poll, events, on_ready);
	return 0;
}

void watch_stop(struct watch *watch)
{
	if (!watch->running)
		return;
	watch->running = false;
	napi_delete_reference(watch->env, watch->callback);
	napi_async_destroy(watch->env, watch->context);
	uv_close((uv_handle_t *)&watch->poll, on_closed);
}

void watch_call(struct watch *watch, double argument)
{
	napi_env env = watch->env;
	napi_handle_scope scope;
	napi_value callback, global, number;
	bool thrown = false;
	napi_open_handle_scope(env, &scope);
	napi_get_reference_value(env, watch->callback, &callback);
	napi_get_global(env, &global);
	napi_create_double(env, argument, &number);
	napi_make_callback(env, watch->context, global, callback, 1, &number, NULL);
	napi_is_exception_pending(env, &thrown);
	if (thrown) {
		napi_value exception;
		napi_get_and_clear_last_exception(env, &exception);
		napi_fatal_exception(env, exception);
	}
	napi_close_handle_scope(env, scope);
}
