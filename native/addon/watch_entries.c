#include "watch_entries.h"
#include "javascript.h"
#include <errno.h>
#include <sys/inotify.h>
#include <uv.h>

/** What libuv asks for, but for IN_MODIFY and IN_ATTRIB: those tell of the contents of files too. */
#define ENTRIES (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

napi_value watch_entries(napi_env env, napi_callback_info call)
{
	napi_value arguments[MOST_ARGUMENTS];
	char directory[4096];
	uv_loop_t *loop = NULL;

	if (!take_arguments(env, call, 1, arguments) || !take_text(env, arguments[0], directory, sizeof(directory)))
		return NULL;
	if (napi_get_uv_event_loop(env, &loop) != napi_ok || loop->inotify_fd < 0)
		return give_number(env, EBADF);
	/* of an inode that the instance watches already the mask is replaced */
	return give_number(env, inotify_add_watch(loop->inotify_fd, directory, ENTRIES) < 0 ? errno : 0);
}
