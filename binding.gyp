{
  'targets': [
    {
      'target_name': 'rtnetlink',
      'conditions': [
        ['OS!="linux"', { 'type': 'none' }, {
          'sources': ['native/addon.cc', 'native/jobs.cc', 'native/socket.cc'],
          'dependencies': ["<!(node -p \"require('node-addon-api').targets\"):node_addon_api"],
          'defines': ['NAPI_VERSION=8', 'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS'],
          'cflags': ['-Wall', '-Wextra', '-fvisibility=hidden'],
          'cflags_cc': ['-std=c++17'],
          # Node unloads an addon with the last worker thread that uses it, and a thread of ours may still be
          # inside a system call then: keep the code mapped.
          'ldflags': ['-Wl,-z,nodelete'],
        }],
      ],
    },
  ],
}
