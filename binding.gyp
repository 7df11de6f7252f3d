# The optional addon, plain C on N-API: `npm run build:native`. package.json has "gypfile": false, so that installing never builds it.
{
  "targets": [
    {
      "target_name": "headroom",
      "sources": [
        "native/addon/addon.c",
        "native/addon/hook.c",
        "native/addon/hook_kinds.c",
        "native/addon/javascript.c",
        "native/addon/memory_lock.c",
        "native/addon/pressure.c",
        "native/addon/read_files.c",
        "native/addon/ring.c",
        "native/addon/watch.c",
        "native/addon/watch_entries.c",
      ],
      "include_dirs": ["native/bpf/include"],
      "defines": ["NAPI_VERSION=8", "_GNU_SOURCE"],
      "cflags": ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wno-unused-function", "-Wno-pointer-arith", "-fvisibility=hidden"],
    }
  ]
}
