// A program of the test's own as one file, for another process or thread to run: the product's modules bundled into it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';

export const REPOSITORY = join(import.meta.dirname, '..', '..', '..');

export interface BundledProgram {
  readonly path: string;
  /** A folder of its own, for what belongs to the program. */
  readonly folder: string;
  remove(): void;
}

/** @param source TypeScript; its imports are relative to the repository */
export async function bundledProgram(source: string): Promise<BundledProgram> {
  const folder = mkdtempSync(join(tmpdir(), 'headroom-program-'));
  const path = join(folder, 'program.mjs');
  await build({
    stdin: { contents: source, resolveDir: REPOSITORY, loader: 'ts' },
    outfile: path,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
  return { path, folder, remove: () => rmSync(folder, { recursive: true }) };
}
