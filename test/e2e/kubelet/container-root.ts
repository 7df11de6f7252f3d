// A container's root without a container engine: a mount namespace in which the machine's programs, this repository and the pod's
// volumes are bound into an empty tree. The container's own command line, user and read-only root hold there as they stand in the pod.
import { existsSync, lstatSync, mkdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findTool } from '../../vm/prerequisites.ts';

export interface Bind {
  readonly from: string;
  /** In the container. */
  readonly to: string;
  readonly readOnly: boolean;
}

export interface RootOptions {
  /** Made; holds the script and the mount point. */
  readonly folder: string;
  readonly binds: readonly Bind[];
  /** Files that stand in for those of /proc, by name below it. */
  readonly proc: { readonly folder: string; readonly names: readonly string[] } | undefined;
  /** What /etc/hosts is. */
  readonly hostsFile: string;
  /** uid:gid; undefined: as the harness. */
  readonly user: string | undefined;
  readonly readOnlyRoot: boolean;
}

/** The machine's own, read only. /etc file by file: a mount path may lie below it. */
const SYSTEM = ['usr', 'bin', 'sbin', 'lib', 'lib32', 'lib64'];
const ETC = ['nsswitch.conf', 'ld.so.cache', 'passwd', 'group', 'localtime', 'ssl'];

/** @returns what to put before the container's command */
export function containerRoot(options: RootOptions): readonly string[] {
  const { folder } = options;
  const root = join(folder, 'root');
  mkdirSync(root, { recursive: true });
  const script = join(folder, 'enter.sh');
  writeFileSync(script, enterScript(root, options), { mode: 0o700 });
  return ['unshare', '--mount', '--propagation', 'private', '/bin/sh', script];
}

function enterScript(root: string, options: RootOptions): string {
  const { binds, proc, hostsFile, user, readOnlyRoot } = options;
  // Found by the harness's search path: the container has one of its own.
  const tool = findTool('chroot', process.env['PATH'] ?? '') ?? 'chroot';
  const chroot = [tool, ...(user === undefined ? [] : [`--userspec=${user}`, '--groups=']), root].map(quoted);
  return [
    'set -e',
    `mount -t tmpfs -o mode=755,size=64m headroom-e2e ${quoted(root)}`,
    `cd ${quoted(root)}`,
    'mkdir -p etc proc sys dev tmp',
    'chmod 1777 tmp',
    ...SYSTEM.flatMap(systemFolder),
    ...ETC.filter((name) => existsSync(`/etc/${name}`)).flatMap((name) => bindLines(`/etc/${name}`, `/etc/${name}`)),
    "echo 'multi on' > etc/host.conf",
    ...bindLines(hostsFile, '/etc/hosts'),
    'mount --rbind /proc proc',
    'mount --rbind /sys sys',
    'mount --rbind /dev dev',
    ...procLines(proc),
    ...binds.flatMap(({ from, to, readOnly }) => bindLines(from, to, readOnly)),
    ...(readOnlyRoot ? [`mount -o remount,ro ${quoted(root)}`] : []),
    `cd /`,
    `exec ${chroot.join(' ')} "$@"`,
    '',
  ].join('\n');
}

function systemFolder(name: string): readonly string[] {
  const path = `/${name}`;
  if (!existsSync(path)) return [];
  if (lstatSync(path).isSymbolicLink()) return [`ln -s ${quoted(readlinkSync(path))} ${name}`];
  return bindLines(path, path);
}

/** The machine's /proc may lack a file, such as pressure/. */
function procLines(proc: RootOptions['proc']): readonly string[] {
  if (!proc) return [];
  return proc.names
    .filter((name) => existsSync(`/proc/${name}`))
    .map((name) => `mount --bind ${quoted(join(proc.folder, name))} ${quoted(`proc/${name}`)}`);
}

/** In the folder of the root. */
function bindLines(from: string, to: string, readOnly = true): readonly string[] {
  const target = quoted(to.replace(/^\/+/, ''));
  const parent = quoted(dirname(to).replace(/^\/+/, '') || '.');
  const make = lstatSync(from).isDirectory()
    ? `[ -d ${target} ] || mkdir -p ${target}`
    : `[ -e ${target} ] || { mkdir -p ${parent} && : > ${target}; }`;
  const bind = `mount --bind ${quoted(from)} ${target}`;
  return [make, bind, ...(readOnly ? [`mount -o remount,bind,ro ${target}`] : [])];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
