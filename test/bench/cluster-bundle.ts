// The aggregator as one file, as the image ships it: what is not used of @kubernetes/client-node is left out, which is two
// thirds of the memory of an idle process.
import { build } from 'esbuild';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REQUIRE = "import{createRequire}from'node:module';const require=createRequire(import.meta.url);";

/** @returns the file to start */
export async function bundleAggregator(directory: string): Promise<string> {
  const extension = import.meta.url.slice(-3);
  const entry = fileURLToPath(new URL(`../../aggregator/main${extension}`, import.meta.url));
  const outfile = join(directory, 'dist', 'aggregator', 'main.js');
  mkdirSync(join(directory, 'dist', 'aggregator'), { recursive: true });
  copyFileSync('package.json', join(directory, 'package.json'));
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    banner: { js: REQUIRE },
    legalComments: 'none',
    logLevel: 'error',
  });
  return outfile;
}
