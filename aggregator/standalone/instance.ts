// One run among others on this machine: a numbered folder for its secrets, a cgroup folder of that number,
// and the way back from a run that crashed: only what a dead one left is removed.
import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Hierarchy } from '../../agent/cgroup/hierarchy.ts';
import { CodedError } from '../../agent/runtime/coded-error.ts';
import type { CgroupWriter } from './kubelet/cgroup-writer.ts';
import { createCgroupWriter } from './kubelet/cgroup-writer.ts';
import type { ProcessId } from './process-id.ts';
import { isAlive, killProcess, processId } from './process-id.ts';

export interface Instance {
  readonly number: number;
  /** Only the own user may enter it; removed at the end. */
  readonly folder: string;
  readonly writer: CgroupWriter;
  /** Where its kubeconfig is unless a flag says otherwise. */
  readonly kubeconfigFile: string;
  /** What a crashed run left and this one removed. */
  readonly removed: readonly string[];
  /** @returns the file's path @throws CodedError kubeconfig where it can't be written */
  writeSecret(name: string, text: string): string;
  /** A child to be killed by the next start if this run dies without ending it; where that can't be written, it is not known then. */
  remember(pid: number): void;
  /** The kubeconfig is removed too by the next start then, if it is still this one. */
  rememberKubeconfig(file: string, text: string): void;
  release(): void;
}

interface Owner extends ProcessId {
  readonly children: readonly ProcessId[];
  readonly kubeconfig?: { readonly file: string; readonly sha256: string };
}

const MOST_INSTANCES = 64;
const MOST_CHILDREN = 64;
/** A folder without an owner file is being made right now, unless it is older. */
const MAKING_MS = 10_000;

/** @param base parent of the numbered folders */
export function claimInstance(hierarchy: Hierarchy, base: string): Instance {
  makeBase(base);
  const removed = cleanDead(hierarchy, base);
  for (let number = 1; number <= MOST_INSTANCES; number++) {
    const folder = folderOf(base, number);
    const writer = writerOf(hierarchy, number);
    if (!makeFolder(folder)) continue;
    if (writer.pids(writer.folder).length > 0) {
      // Someone else's, seen through the same mount: another user or container.
      rmSync(folder, { recursive: true });
      continue;
    }
    return instanceAt(
      number,
      folder,
      writer,
      join(base, number === 1 ? 'kubeconfig' : `kubeconfig-${number}`),
      removed,
    );
  }
  throw new CodedError('kubeconfig', `${MOST_INSTANCES} instances run already (${base})`);
}

function folderOf(base: string, number: number): string {
  return join(base, `instance-${number}`);
}

function writerOf(hierarchy: Hierarchy, number: number): CgroupWriter {
  return createCgroupWriter(hierarchy, `headroom-${number}`);
}

/** Of whatever number: the one that this start gets may be another. */
function cleanDead(hierarchy: Hierarchy, base: string): readonly string[] {
  const numbers = Array.from({ length: MOST_INSTANCES }, (_, index) => index + 1);
  return numbers
    .filter((number) => isDead(folderOf(base, number)))
    .flatMap((number) => clean(folderOf(base, number), writerOf(hierarchy, number)));
}

/** @param runtimeFolder $XDG_RUNTIME_DIR; '': the folder for temporary files */
export function instancesFolder(runtimeFolder: string): string {
  return join(runtimeFolder === '' ? tmpdir() : runtimeFolder, `headroom-${ownUid()}`);
}

function instanceAt(
  number: number,
  folder: string,
  writer: CgroupWriter,
  kubeconfigFile: string,
  removed: readonly string[],
): Instance {
  let children: readonly ProcessId[] = [];
  let kubeconfig: Owner['kubeconfig'];
  const own = processId(process.pid) ?? { pid: process.pid, startTicks: '' };
  const writeSecret = (name: string, text: string): string => {
    const file = join(folder, name);
    const partial = `${file}.partial`;
    try {
      // Whole or as before: on a full disk too the next start must find whose folder this is.
      writeFileSync(partial, text, { mode: 0o600 });
      renameSync(partial, file);
    } catch (cause) {
      rmSync(partial, { recursive: true, force: true });
      throw new CodedError('kubeconfig', `can't write ${file}: ${(cause as Error).message}`, cause);
    }
    return file;
  };
  const save = (): string =>
    writeSecret(
      'owner.json',
      JSON.stringify({ ...own, children, ...(kubeconfig ? { kubeconfig } : {}) } satisfies Owner),
    );
  try {
    save();
  } catch (error) {
    removeFolder(folder);
    throw error;
  }
  return {
    number,
    folder,
    writer,
    kubeconfigFile,
    removed,
    writeSecret,
    remember(pid) {
      const id = processId(pid);
      if (!id) return;
      children = [...children.filter(isAlive), id].slice(-MOST_CHILDREN);
      try {
        save();
      } catch {
        // A full disk: what the list is for is only lost if this run dies too.
      }
    },
    rememberKubeconfig(file, text) {
      kubeconfig = { file: resolve(file), sha256: sha256(text) };
      save();
    },
    release: () => removeFolder(folder),
  };
}

function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  try {
    rmdirSync(dirname(folder));
  } catch {
    // Another instance, or a kubeconfig of one, is still in it.
  }
}

/** Not os.userInfo(): a container may run as a number that no passwd file knows. */
function ownUid(): number {
  return process.getuid?.() ?? -1;
}

/** In a folder for temporary files anyone could have made it before us. */
function makeBase(base: string): void {
  try {
    mkdirSync(base, { recursive: true, mode: 0o700 });
    const found = lstatSync(base);
    if (!found.isDirectory() || found.uid !== ownUid()) throw new Error('it belongs to someone else');
    chmodSync(base, 0o700);
  } catch (cause) {
    throw new CodedError(
      'kubeconfig',
      `can't use ${base}: ${(cause as Error).message}; set XDG_RUNTIME_DIR to a folder of yours`,
      cause,
    );
  }
}

function makeFolder(folder: string): boolean {
  try {
    mkdirSync(folder, { mode: 0o700 });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new CodedError('kubeconfig', `can't make ${folder}: ${(cause as Error).message}`, cause);
  }
}

function readOwner(folder: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'owner.json'), 'utf8')) as Owner;
  } catch {
    return undefined;
  }
}

function isDead(folder: string): boolean {
  const owner = readOwner(folder);
  if (owner) return !isAlive(owner);
  try {
    return Date.now() - lstatSync(folder).mtimeMs > MAKING_MS;
  } catch {
    return false;
  }
}

/** Two starts at once: the one that renames the folder cleans. */
function clean(folder: string, writer: CgroupWriter): readonly string[] {
  const aside = `${folder}.dead-${process.pid}`;
  try {
    renameSync(folder, aside);
  } catch {
    return [];
  }
  const owner = readOwner(aside);
  const children = owner?.children ?? [];
  const inCgroups = writer.pids(writer.folder).flatMap((pid) => processId(pid) ?? []);
  const killed = [...children, ...inCgroups].filter(isAlive);
  killed.forEach(killProcess);
  for (let attempt = 0; attempt < 50 && writer.pids(writer.folder).length > 0; attempt++) pauseMs(20);
  writer.remove(writer.folder);
  removeKubeconfig(owner?.kubeconfig);
  const files = readdirSync(aside).length;
  rmSync(aside, { recursive: true, force: true });
  return [`${killed.length} processes, cgroup ${writer.folder} and ${files} files of a run that died`];
}

function removeKubeconfig(kubeconfig: Owner['kubeconfig']): void {
  try {
    if (kubeconfig && sha256(readFileSync(kubeconfig.file, 'utf8')) === kubeconfig.sha256) rmSync(kubeconfig.file);
  } catch {
    // It is gone already, or not ours to remove.
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A killed process is gone from its cgroup a moment later; nothing else runs yet at this point of the start. */
function pauseMs(duration: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, duration);
}
