// The guest's kernel: Debian's cloud kernel, taken from its package by the machine's own apt, unpacked, never installed.
// Cached outside the repository and keyed by the package's version.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

const META_PACKAGE = 'linux-image-cloud-amd64';
const DOWNLOAD_MS = 120_000;

export interface KernelImage {
  readonly path: string;
  /** Package and version, or 'given' when HEADROOM_VM_KERNEL names a file. */
  readonly version: string;
}

/** `$HEADROOM_CACHE`, else `$XDG_CACHE_HOME/headroom`, else `~/.cache/headroom`. */
export function cacheDirectory(environment: NodeJS.ProcessEnv): string {
  if (environment['HEADROOM_CACHE']) return environment['HEADROOM_CACHE'];
  return join(environment['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'headroom');
}

/** @throws Error that says what to do when there is neither a cached kernel nor an apt that has one */
export function kernelImage(environment: NodeJS.ProcessEnv, say: (text: string) => void): KernelImage {
  const given = environment['HEADROOM_VM_KERNEL'];
  if (given) return { path: given, version: 'given' };
  const cache = join(cacheDirectory(environment), 'vm');
  const wanted = newestPackage();
  if (wanted === undefined) return newestCached(cache, say);
  const version = `${wanted.name}_${wanted.version.replaceAll(/[^\w.+~-]/g, '-')}`;
  const path = join(cache, version, 'vmlinuz');
  if (!existsSync(path)) {
    say(`downloading ${version}`);
    download(wanted.name, join(cache, version));
  }
  return { path, version };
}

/** What the meta package depends on in the machine's package lists; undefined: the lists don't have it. */
function newestPackage(): { name: string; version: string } | undefined {
  const depends = run('apt-cache', ['depends', META_PACKAGE]);
  const name = /Depends: (linux-image-\S+)/.exec(depends ?? '')?.[1];
  const version = name && /Candidate: (\S+)/.exec(run('apt-cache', ['policy', name]) ?? '')?.[1];
  return name && version ? { name, version } : undefined;
}

function newestCached(cache: string, say: (text: string) => void): KernelImage {
  const kernels = existsSync(cache)
    ? readdirSync(cache)
        .map((version) => ({ version, path: join(cache, version, 'vmlinuz') }))
        .filter(({ path }) => existsSync(path))
        .toSorted((a, b) => statSync(b.path).mtimeMs - statSync(a.path).mtimeMs)
    : [];
  const newest = kernels[0];
  if (newest === undefined) {
    throw new Error(
      `apt knows no ${META_PACKAGE}: run \`apt-get update\` on Debian, or set HEADROOM_VM_KERNEL to a bzImage with ` +
        'cgroup v2, PSI, ext4, NVMe and 8250 serial ports built in',
    );
  }
  say(`apt knows no ${META_PACKAGE}, the cached ${newest.version} is used`);
  return newest;
}

/** Puts vmlinuz into `target` in one rename, so that an interrupted download leaves nothing half made. */
function download(packageName: string, target: string): void {
  unpacked(packageName, (folder) => {
    const boot = join(folder, 'boot');
    const image = readdirSync(boot).find((file) => file.startsWith('vmlinuz-'));
    if (image === undefined) throw new Error(`${packageName} has no boot/vmlinuz-*`);
    const staged = `${target}.${process.pid}`;
    mkdirSync(staged, { recursive: true });
    copyFileSync(join(boot, image), join(staged, 'vmlinuz'));
    rmSync(target, { recursive: true, force: true });
    renameSync(staged, target);
  });
}

/** Calls `use` with a folder that has the package's files for as long as the call lasts. */
export function unpacked(packageName: string, use: (folder: string) => void): void {
  const work = mkdtempSync(join(tmpdir(), 'headroom-kernel-'));
  try {
    must('apt-get', ['download', '-q', packageName], work);
    const archive = readdirSync(work).find((file) => file.endsWith('.deb'));
    if (archive === undefined) throw new Error(`apt-get download left no package of ${packageName}`);
    must('dpkg', ['-x', archive, 'unpacked'], work);
    use(join(work, 'unpacked'));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function run(command: string, args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(command, [...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: DOWNLOAD_MS,
  });
  return status === 0 ? stdout : undefined;
}

function must(command: string, args: readonly string[], cwd: string): void {
  const { status, stderr, error } = spawnSync(command, [...args], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: DOWNLOAD_MS,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${stderr.trim()}`);
}
