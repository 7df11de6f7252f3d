// Images as this tier has them: an image's name leads to the program that its entry point is. Our own roles run from dist/,
// the workloads from this folder; any other image is a container of numbers on a generated node.
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface ImageProgram {
  readonly script: string;
  /** Folders with the program and all that it imports. */
  readonly folders: readonly string[];
}

export const REPOSITORY = new URL('../../..', import.meta.url).pathname.replace(/\/$/, '');

/** @param dist compiled tree of the roles @throws Error where it was not built */
export function builtImages(dist: string = join(REPOSITORY, 'dist')): ReadonlyMap<string, ImageProgram> {
  const program = (script: string): ImageProgram => {
    if (!existsSync(script)) throw new Error(`${script} is missing: run \`npm run build\` (npm run test:e2e does)`);
    const folders = [...new Set([dirname(dist), REPOSITORY])].flatMap((folder) => [folder, ...linkedModules(folder)]);
    return { script, folders };
  };
  return new Map([
    ['headroom-agent', program(join(dist, 'agent/main.js'))],
    ['headroom-aggregator', program(join(dist, 'aggregator/main.js'))],
    ['headroom-e2e/consume', program(join(REPOSITORY, 'test/e2e/workloads/consume.mjs'))],
  ]);
}

/** node_modules may be a link to where they are. */
function linkedModules(folder: string): readonly string[] {
  const modules = join(folder, 'node_modules');
  const real = existsSync(modules) ? realpathSync(modules) : modules;
  return real.startsWith(`${folder}/`) ? [] : [real];
}

/** Without tag and digest. */
export function imageName(image: string): string {
  return image.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
}
