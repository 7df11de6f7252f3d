// The images of both roles as the Dockerfile makes them, by the same script: the role's files as one layer over the base with Node.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../e2e/kubelet/images.ts';
import type { ImageSpec, Layer } from './oci-archive.ts';
import { makeLayer, writeArchive } from './oci-archive.ts';

interface MadeImage {
  readonly name: string;
  readonly version: string;
  readonly entrypoint: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly user: string;
  readonly workingDir: string;
}

/** What the base image says of itself. */
const BASE_ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };

/** @param file the archive to make @param nodeBase a layer that the node has already */
export async function makeRunImages(work: string, file: string, nodeBase: Layer): Promise<void> {
  const out = join(work, 'images');
  mkdirSync(out, { recursive: true });
  execFileSync(process.execPath, ['.ci/image.mjs', '--out', out], { cwd: REPOSITORY, stdio: ['ignore', 'ignore', 'inherit'] }); // prettier-ignore
  const images: ImageSpec[] = [];
  for (const role of ['agent', 'aggregator']) {
    const made = JSON.parse(readFileSync(join(out, role, 'image.json'), 'utf8')) as MadeImage;
    images.push({
      // What containerd completes the manifests' names to.
      reference: `docker.io/library/${made.name}:${made.version}`,
      entrypoint: made.entrypoint,
      environment: { ...BASE_ENVIRONMENT, ...made.environment },
      user: made.user,
      workingDir: made.workingDir,
      layers: [nodeBase, await makeLayer(join(out, role, 'rootfs'), join(work, `${role}.tar`))],
    });
  }
  writeArchive(file, images, new Set([nodeBase.digest]));
}
