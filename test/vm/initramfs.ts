// The guest's whole file system: busybox, this machine's node, and the built processes bundled to one file each.
// Format: newc cpio, uncompressed (unpacking 100 MB takes less of an emulated machine's time than inflating 35 MB).
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, openSync, closeSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { build } from 'esbuild';
import { findTool } from './prerequisites.ts';

const REPOSITORY = join(import.meta.dirname, '..', '..');

/**
 * Programs started as processes in the guest: where each comes from, and its place under /headroom. They find each other by path,
 * and a bundled module takes the place of its bundle: what the launcher looks for beside a module of its own lies beside its main.js.
 */
export const ENTRY_POINTS: readonly { readonly in: string; readonly out: string }[] = [
  { in: 'dist/agent/main.js', out: 'dist/agent/main' },
  { in: 'dist/aggregator/main.js', out: 'dist/aggregator/main' },
  { in: 'dist/aggregator/standalone/main.js', out: 'dist/aggregator/standalone/main' },
  { in: 'dist/aggregator/standalone/demo/workload.js', out: 'dist/aggregator/standalone/workload' },
  { in: 'dist/aggregator/standalone/kubelet/gate.js', out: 'dist/aggregator/standalone/gate' },
  { in: 'dist/test/vm/guest/main.js', out: 'dist/test/vm/guest/main' },
  { in: 'dist/test/vm/guest/workload.js', out: 'dist/test/vm/guest/workload' },
];

export interface GuestImage {
  readonly initramfs: string;
  readonly disk: string;
  remove(): void;
}

/** Room for the big files that the demo's reader reads: page cache needs a file system on a block device. */
const DISK_MIB = 1024;

/** @throws Error naming the tool or the missing build output */
export async function buildGuestImage(searchPath: string, entryPoints = ENTRY_POINTS): Promise<GuestImage> {
  const work = mkdtempSync(join(tmpdir(), 'headroom-vm-'));
  const remove = (): void => rmSync(work, { recursive: true, force: true });
  try {
    const root = join(work, 'root');
    for (const directory of ['bin', 'proc', 'sys', 'dev', 'tmp', 'run', 'root', 'etc', 'var']) {
      mkdirSync(join(root, directory), { recursive: true });
    }
    await bundle(entryPoints, join(root, 'headroom'));
    copyAddon(root);
    for (const program of ['leak', 'psi-race']) compile(program, root, searchPath);
    copyProgram(process.execPath, root, 'bin/node');
    copyProgram(tool('busybox', searchPath), root, 'bin/busybox');
    symlinkSync('busybox', join(root, 'bin/sh'));
    cpSync(join(import.meta.dirname, 'guest', 'init.sh'), join(root, 'init'));
    chmodSync(join(root, 'init'), 0o755);
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
    writeFileSync(join(root, 'etc/hosts'), '127.0.0.1 localhost guest\n');
    const initramfs = join(work, 'initramfs.cpio');
    archive(root, initramfs, searchPath);
    rmSync(root, { recursive: true });
    const disk = join(work, 'disk.ext4');
    run(tool('mke2fs', searchPath), ['-q', '-F', '-t', 'ext4', '-O', '^has_journal', disk, `${DISK_MIB}M`], work);
    return { initramfs, disk, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

async function bundle(entryPoints: typeof ENTRY_POINTS, outdir: string): Promise<void> {
  await build({
    absWorkingDir: REPOSITORY,
    entryPoints: [...entryPoints],
    outdir,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    minifySyntax: true,
    // CommonJS dependencies inside an ES module call require(); esbuild needs one to be there.
    banner: {
      js: "import { createRequire as headroomCreateRequire } from 'node:module'; const require = headroomCreateRequire(import.meta.url);",
    },
    external: ['ffi-napi', '*.node'],
    logLevel: 'error',
  });
  writeFileSync(join(outdir, 'package.json'), '{"type":"module"}\n');
}

/** Where the bundles look for it; the scenario that needs it says so when it was not built. */
function copyAddon(root: string): void {
  const built = join(REPOSITORY, 'build/Release/headroom.node');
  if (!existsSync(built)) return;
  mkdirSync(join(root, 'headroom/build/Release'), { recursive: true });
  copyFileSync(built, join(root, 'headroom/build/Release/headroom.node'));
}

/** Static: the guest has the libraries of node alone. */
function compile(program: string, root: string, searchPath: string): void {
  mkdirSync(join(root, 'headroom/bin'), { recursive: true });
  const source = join(import.meta.dirname, `guest/${program}.c`);
  run(tool('cc', searchPath), ['-O2', '-static', '-o', join(root, 'headroom/bin', program), source], root);
}

/** Copies a program and the shared libraries it names. */
export function copyProgram(program: string, root: string, target: string): void {
  mkdirSync(dirname(join(root, target)), { recursive: true });
  copyFileSync(program, join(root, target));
  chmodSync(join(root, target), 0o755);
  // ldd of a static program exits 1 and lists nothing.
  const { stdout } = spawnSync('ldd', [program], { encoding: 'utf8' });
  for (const library of stdout.match(/\/\S+(?=\s\(0x)/g) ?? []) {
    mkdirSync(join(root, dirname(library)), { recursive: true });
    copyFileSync(library, join(root, library));
  }
}

function archive(root: string, target: string, searchPath: string): void {
  const find = spawnSync('find', ['.'], { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 });
  if (find.status !== 0) throw new Error(`find failed in ${root}: ${find.stderr}`);
  const output = openSync(target, 'w');
  try {
    const { status, stderr } = spawnSync(tool('cpio', searchPath), ['-o', '-H', 'newc', '-R', '0:0', '--quiet'], {
      cwd: root,
      input: find.stdout,
      stdio: ['pipe', output, 'pipe'],
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`cpio failed: ${stderr}`);
  } finally {
    closeSync(output);
  }
}

function tool(name: string, searchPath: string): string {
  const path = findTool(name, searchPath);
  if (path === undefined) throw new Error(`${name} is not installed`);
  return path;
}

function run(command: string, args: readonly string[], cwd: string): void {
  const { status, stderr, error } = spawnSync(command, [...args], { cwd, encoding: 'utf8' });
  if (error) throw error;
  if (status !== 0) throw new Error(`${basename(command)} failed: ${stderr.trim()}`);
}
