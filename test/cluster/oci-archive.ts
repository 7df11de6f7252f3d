// Images without a container engine: OCI image layouts (image-spec v1.1) in a tar archive, as `ctr image import` takes them in.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, linkSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';

export interface Layer {
  /** An uncompressed tar archive. */
  readonly file: string;
  /** sha256:… */
  readonly digest: string;
  readonly bytes: number;
}

export interface ImageSpec {
  /** Registry, name and tag, as the runtime completes what a pod names. */
  readonly reference: string;
  readonly entrypoint: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly workingDir?: string;
  readonly layers: readonly Layer[];
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** The same bytes for the same files: names sorted, everything root's and of 1970. */
const REPRODUCIBLE = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];

/** @param file the archive to make of the folder */
export async function makeLayer(folder: string, file: string): Promise<Layer> {
  execFileSync('tar', ['-C', folder, ...REPRODUCIBLE, '-cf', file, '.']);
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return { file, digest: `sha256:${hash.digest('hex')}`, bytes: statSync(file).size };
}

/**
 * @param file the archive to make
 * @param known digests of layers that whoever takes it in has already: they are named, not brought
 */
export function writeArchive(file: string, images: readonly ImageSpec[], known: ReadonlySet<string>): void {
  const work = mkdtempSync(join(dirname(file), 'oci-'));
  try {
    mkdirSync(join(work, 'blobs/sha256'), { recursive: true });
    const manifests = images.map((image) => {
      for (const layer of image.layers) if (!known.has(layer.digest)) bring(work, layer);
      return { ...manifestOf(work, image), annotations: { 'io.containerd.image.name': image.reference } };
    });
    writeFileSync(join(work, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
    writeFileSync(join(work, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
    execFileSync('tar', ['-C', work, ...REPRODUCIBLE, '-cf', file, 'oci-layout', 'index.json', 'blobs']);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function bring(work: string, { file, digest }: Layer): void {
  const target = blobPath(work, digest);
  rmSync(target, { force: true });
  linkSync(file, target);
}

function manifestOf(work: string, { entrypoint, environment = {}, user, workingDir, layers }: ImageSpec): Descriptor {
  const config = writeBlob(work, 'application/vnd.oci.image.config.v1+json', {
    architecture: 'amd64',
    os: 'linux',
    config: {
      Entrypoint: entrypoint,
      Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
      ...(user === undefined ? {} : { User: user }),
      ...(workingDir === undefined ? {} : { WorkingDir: workingDir }),
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
  });
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  return writeBlob(work, mediaType, {
    schemaVersion: 2,
    mediaType,
    config,
    layers: layers.map(({ digest, bytes }) => ({
      mediaType: 'application/vnd.oci.image.layer.v1.tar',
      digest,
      size: bytes,
    })),
  });
}

function writeBlob(work: string, mediaType: string, value: unknown): Descriptor {
  const bytes = Buffer.from(JSON.stringify(value));
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  writeFileSync(blobPath(work, digest), bytes);
  return { mediaType, digest, size: bytes.length };
}

function blobPath(work: string, digest: string): string {
  return join(work, 'blobs', digest.replace(':', '/'));
}
