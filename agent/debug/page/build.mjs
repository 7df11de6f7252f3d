// Puts the debugging page beside the built server: index.html as it is, scripts and styles (uPlot's with ours) as one file each.
import { copyFileSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const folder = process.argv[2] ?? fileURLToPath(new URL('../../../dist/agent/debug/page/', import.meta.url));
mkdirSync(folder, { recursive: true });
await build({
  entryPoints: [`${here}page.ts`],
  outdir: folder,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  legalComments: 'inline',
  logLevel: 'warning',
});
copyFileSync(`${here}index.html`, `${folder}/index.html`);
