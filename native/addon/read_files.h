// Kernel files that a cgroup keeps open, read in one call: what Node takes per readSync is paid once.
#ifndef HEADROOM_READ_FILES_H
#define HEADROOM_READ_FILES_H

#include <node_api.h>

/** readFiles(descriptors, wanted, bytes, room, lengths), see native/addon.ts */
napi_value read_files(napi_env env, napi_callback_info call);

#endif
