// A C program of this folder, compiled for one run of a bench.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @param source file name @throws Error when there is no C compiler, with its message */
export function compiled(source: string): { readonly path: string; remove(): void } {
  // Beside this file, or in the source tree when this one was compiled to dist/.
  const found = [`./${source}`, `../../../test/bench/${source}`]
    .map((place) => fileURLToPath(new URL(place, import.meta.url)))
    .find((place) => existsSync(place));
  if (found === undefined) throw new Error(`${source} is not where the sources are`);
  const directory = mkdtempSync(join(tmpdir(), 'headroom-bench-'));
  const path = join(directory, 'program');
  const remove = (): void => rmSync(directory, { recursive: true });
  try {
    execFileSync('cc', ['-O2', '-o', path, found]);
    return { path, remove };
  } catch (err) {
    remove();
    throw err;
  }
}
