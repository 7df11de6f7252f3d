// Installs what a script needs before it runs, so that a bare clone needs no step of its own: `node .ci/install.mjs [folder…]`.
// The root's packages always; with folders (test/kubectl, test/node24) theirs too. Does nothing where the lock file was installed already.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;

for (const folder of ['.', ...process.argv.slice(2)]) install(join(root, folder), folder);

function install(path, folder) {
  const lock = createHash('sha256')
    .update(readFileSync(join(path, 'package-lock.json')))
    .digest('hex');
  const stamp = join(path, 'node_modules', '.headroom-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  process.stderr.write(`installing packages of ${folder === '.' ? 'the project' : folder}\n`);
  const { status, error } = spawnSync('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: path,
    stdio: ['ignore', 2, 2],
  });
  if (error || status !== 0) {
    process.stderr.write(`npm ci failed in ${folder}${error ? `: ${error.message}` : ''}\n`);
    process.exit(1);
  }
  writeFileSync(stamp, lock);
}
