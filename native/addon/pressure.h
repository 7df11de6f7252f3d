// PSI triggers (Documentation/accounting/psi.rst): a threshold written to a pressure file, which then wakes whoever polls it.
#ifndef HEADROOM_PRESSURE_H
#define HEADROOM_PRESSURE_H

#include <node_api.h>

napi_value pressure_open(napi_env env, napi_callback_info call);
napi_value pressure_close(napi_env env, napi_callback_info call);

#endif
