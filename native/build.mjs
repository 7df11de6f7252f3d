// `npm run build:native`: node-gyp rebuild, with the headers that came with this node where it has them, so that nothing is downloaded.
// npm brings node-gyp along and has it on the path of its scripts.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
process.exitCode = build();

function build() {
  const lacking = ['cc', 'make', 'python3'].filter((tool) => spawnSync(tool, ['--version']).error);
  if (lacking.length > 0)
    return fail(`${lacking.join(', ')} not installed: apt-get install gcc make python3 libc6-dev`);
  const prefix = dirname(dirname(process.execPath));
  const own = existsSync(join(prefix, 'include/node/node_api.h')) ? [`--nodedir=${prefix}`] : [];
  const { status, error } = spawnSync('node-gyp', ['rebuild', '--silent', ...own], { cwd: root, stdio: 'inherit' });
  if (error) return fail('node-gyp is not on the path: start this as npm run build:native');
  return status === 0 ? 0 : fail('the native addon was not built; everything runs without it');
}

function fail(text) {
  process.stderr.write(`${text}\n`);
  return 1;
}
