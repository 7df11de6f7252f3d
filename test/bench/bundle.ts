// Agent and aggregator as their images hold them: bundled (what is not used of @kubernetes/client-node left out, which is two thirds of
// the memory of an idle aggregator), with Node's flags and the environment as the image has them.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Bundled {
  readonly entry: string;
  readonly nodeFlags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** @param directory to put it into. Run in the repository's folder, as npm does. */
export function bundleOf(role: 'agent' | 'aggregator', directory: string): Bundled {
  execFileSync(process.execPath, ['.ci/image.mjs', '--out', directory], { stdio: ['ignore', 'ignore', 'inherit'] });
  const image = join(directory, role);
  const { entrypoint, environment } = JSON.parse(readFileSync(join(image, 'image.json'), 'utf8')) as {
    entrypoint: readonly string[];
    environment: Readonly<Record<string, string>>;
  };
  // Node, its flags, the file: all within the image.
  return { entry: join(image, 'rootfs', entrypoint.at(-1)!), nodeFlags: entrypoint.slice(1, -1), environment };
}
