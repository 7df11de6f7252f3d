// Directories that libuv watches (fs.watch), for their entries only.
#ifndef HEADROOM_WATCH_ENTRIES_H
#define HEADROOM_WATCH_ENTRIES_H

#include <node_api.h>

/** watchEntries(directory): 0 or the error number */
napi_value watch_entries(napi_env env, napi_callback_info call);

#endif
