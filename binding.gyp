{
  "targets": [
    {
      "target_name": "glasstack_tun",
      "sources": [
        "device/native/addon.cc",
        "device/native/channel.cc",
        "device/native/channel-link.cc",
        "device/native/open.cc",
        "device/native/netlink.cc",
        "device/native/link.cc",
        "device/native/namespaces.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NAPI_DISABLE_CPP_EXCEPTIONS", "_GNU_SOURCE"],
      "cflags": ["-O2", "-Wall", "-Wextra"],
      "cflags_cc": ["-std=gnu++17", "-fvisibility=hidden"]
    }
  ]
}
