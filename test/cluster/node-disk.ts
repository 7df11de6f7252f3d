// The node's disk: busybox, containerd, runc, CNI plugins, kubelet and the images that don't change from run to run, taken in by
// a first boot ("baked"). Kept in the cache by what it is made of; every run boots a snapshot of it.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { basename, join } from 'node:path';
import { pinnedVersion } from '../e2e/control-plane/binaries.ts';
import { cacheDirectory } from '../vm/kernel-image.ts';
import type { KernelImage } from '../vm/kernel-image.ts';
import { findTool } from '../vm/prerequisites.ts';
import { bake } from './bake.ts';
import type { NodePrograms } from './node-programs.ts';
import { CNI_PLUGINS, programsVersion } from './node-programs.ts';
import { makeNodeBase } from './node-base.ts';
import type { Layer } from './oci-archive.ts';
import { makeLayer, writeArchive } from './oci-archive.ts';

export interface NodeDisk {
  /** An ext4 file system. */
  readonly path: string;
  /** The layer with Node that images of the run are laid over; the disk has it. */
  readonly nodeBase: Layer;
}

export interface DiskParts {
  readonly programs: NodePrograms;
  readonly kubelet: string;
  readonly kernel: KernelImage;
  /** In the order in which they are loaded. */
  readonly modules: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly say: (text: string) => void;
}

export const POD_RANGE = '10.131.0.0/24';
export const WORKLOAD = 'localhost/workload:1';
const DISK_MIB = 4096;
/** In the cache beside the one being made, about 700 MiB each. */
const KEPT_DISKS = 2;
const WORK = 'work-';
const GUEST = join(import.meta.dirname, 'guest');
const FOLDERS = ['bin', 'dev', 'etc/cni/net.d', 'etc/containerd', 'etc/node', 'images', 'lib/modules', 'opt/cni/bin', 'proc', 'root', 'run', 'sys', 'tmp', 'usr/local/bin', 'var/lib', 'var/log/pods']; // prettier-ignore
/** Each pod a pair of interfaces with routes; no bridge, no address translation: the pods' range is routed to the node. */
const CNI = {
  cniVersion: '1.0.0',
  name: 'pods',
  plugins: [
    {
      type: 'ptp',
      ipMasq: false,
      ipam: { type: 'host-local', ranges: [[{ subnet: POD_RANGE }]], routes: [{ dst: '0.0.0.0/0' }] },
    },
  ],
};

/** @throws Error naming the tool that is missing or what the first boot said */
export async function nodeDisk(parts: DiskParts): Promise<NodeDisk> {
  const { environment, say } = parts;
  const folder = join(cacheDirectory(environment), 'node-disk');
  const cached = join(folder, diskVersion(parts));
  const disk = (where: string): string => join(where, 'disk.ext4');
  if (!existsSync(cached)) {
    say('making the disk of the node: once, about a minute');
    mkdirSync(folder, { recursive: true });
    removeUnused(folder);
    const work = join(folder, `${WORK}${process.pid}`);
    mkdirSync(work);
    try {
      const root = join(work, 'root');
      await fill(root, work, parts);
      makeFileSystem(root, disk(work), environment);
      rmSync(root, { recursive: true });
      await bake(disk(work), parts);
      // The disks of earlier versions are of no use to anyone.
      for (const old of readdirSync(folder))
        if (!old.startsWith('work-')) rmSync(join(folder, old), { recursive: true });
      renameSync(work, cached);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  return { path: disk(cached), nodeBase: JSON.parse(readFileSync(join(cached, 'node-base.json'), 'utf8')) as Layer };
}

/** Disks of versions that nobody boots any more, and what a killed run left. */
function removeUnused(folder: string): void {
  const [works, disks] = [true, false].map((isWork) => readdirSync(folder).filter((name) => name.startsWith(WORK) === isWork)); // prettier-ignore
  const madeMs = (name: string): number => statSync(join(folder, name)).mtimeMs;
  const unused = [
    ...works!.filter((name) => !existsSync(`/proc/${name.slice(WORK.length)}`)),
    ...disks!.toSorted((a, b) => madeMs(b) - madeMs(a)).slice(KEPT_DISKS),
  ];
  for (const name of unused) rmSync(join(folder, name), { recursive: true, force: true });
}

/** A short digest of everything that goes onto it. */
function diskVersion({ kernel, modules }: DiskParts): string {
  const hash = createHash('sha256').update(`${pinnedVersion()} ${programsVersion()} ${kernel.version}`);
  hash.update(modules.map((file) => basename(file)).join());
  const guest = readdirSync(GUEST).map((file) => join(GUEST, file));
  const own = ['bake.ts', 'node-base.ts', 'node-disk.ts', 'oci-archive.ts'].map((file) => join(import.meta.dirname, file)); // prettier-ignore
  const locks = [join(import.meta.dirname, '../node24/package-lock.json')];
  for (const file of [...guest, ...own, ...locks]) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

async function fill(root: string, work: string, { programs, kubelet, modules, environment }: DiskParts): Promise<void> {
  for (const folder of FOLDERS) mkdirSync(join(root, folder), { recursive: true });
  addBusybox(root, environment);
  for (const [name, path] of Object.entries(programs)) {
    const plugin = (CNI_PLUGINS as readonly string[]).includes(name);
    copyFileSync(path, join(root, plugin ? 'opt/cni/bin' : 'usr/local/bin', name));
  }
  copyFileSync(kubelet, join(root, 'usr/local/bin/kubelet'));
  for (const file of modules) copyFileSync(file, join(root, 'lib/modules', basename(file)));
  writeFileSync(join(root, 'lib/modules/order'), `${modules.map((file) => basename(file)).join('\n')}\n`);
  compile('cgroup_watch', join(root, 'usr/local/bin'));
  cpSync(join(GUEST, 'init.sh'), join(root, 'init'));
  chmodSync(join(root, 'init'), 0o755);
  cpSync(join(GUEST, 'containerd.toml'), join(root, 'etc/containerd/config.toml'));
  writeFileSync(join(root, 'etc/cni/net.d/10-pods.conflist'), JSON.stringify(CNI));
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\n');
  writeFileSync(join(root, 'etc/hosts'), '127.0.0.1 localhost\n');
  writeFileSync(join(root, 'etc/os-release'), 'ID=headroom\nNAME=headroom\nPRETTY_NAME="Headroom test node"\n');
  writeFileSync(join(root, 'etc/machine-id'), `${'0123456789abcdef'.repeat(2)}\n`);
  writeFileSync(join(root, 'etc/resolv.conf'), '');
  await addImages(root, work);
}

function addBusybox(root: string, { PATH = '' }: NodeJS.ProcessEnv): void {
  const busybox = findTool('busybox', PATH)!;
  copyFileSync(busybox, join(root, 'bin/busybox'));
  chmodSync(join(root, 'bin/busybox'), 0o755);
  for (const applet of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n')) {
    if (applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet));
  }
}

/** Pause process and test pods are one program; Node's image is only there so that its layer is kept. */
async function addImages(root: string, work: string): Promise<void> {
  const folder = join(work, 'workload');
  mkdirSync(join(folder, 'tmp'), { recursive: true });
  compile('workload', folder);
  const workload = await makeLayer(folder, join(work, 'workload.tar'));
  const nodeBase = await makeNodeBase(join(work, 'node-base.tar'));
  const images = [
    { reference: WORKLOAD, entrypoint: ['/workload'], layers: [workload] },
    { reference: 'localhost/node-base:1', entrypoint: ['/nodejs/bin/node'], layers: [nodeBase] },
  ];
  writeArchive(join(root, 'images/base.tar'), images, new Set());
  writeFileSync(join(work, 'node-base.json'), JSON.stringify({ ...nodeBase, file: '' }));
  rmSync(folder, { recursive: true });
  for (const { file } of [workload, nodeBase]) rmSync(file);
}

function compile(name: string, folder: string): void {
  execFileSync('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', '-static', '-s', '-o', join(folder, name), join(GUEST, `${name}.c`)]); // prettier-ignore
}

function makeFileSystem(root: string, file: string, { PATH = '' }: NodeJS.ProcessEnv): void {
  const options = ['-q', '-F', '-t', 'ext4', '-O', '^has_journal', '-E', 'root_owner=0:0'];
  execFileSync(findTool('mke2fs', PATH)!, [...options, '-d', root, file, `${DISK_MIB}M`]);
}
