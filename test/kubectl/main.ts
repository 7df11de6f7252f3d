// `npm run kubectl -- top node`: the real kubectl out of the npm package, for a machine that has none.
import { spawnSync } from 'node:child_process';
import { kubectlPath } from './kubectl.ts';

const { status, signal, error } = spawnSync(await kubectlPath(), process.argv.slice(2), { stdio: 'inherit' });
if (error) throw error;
process.exitCode = status ?? (signal ? 1 : 0);
