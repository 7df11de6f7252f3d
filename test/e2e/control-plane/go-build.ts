// Programs built from Go modules that a go.mod of ours pins, kept in a cache folder; put there whole or not at all.
import { spawn } from 'node:child_process';
import { accessSync, constants, mkdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';

export interface GoBuild {
  /** With the go.mod and go.sum. */
  readonly module: string;
  /** Program's name in the cache → package. */
  readonly packages: Readonly<Record<string, string>>;
  /** Where they are kept. */
  readonly cache: string;
  readonly linkFlags: string;
  /** Beside them: tags. */
  readonly flags?: readonly string[];
  /** Links C too. */
  readonly cgo?: boolean;
  readonly environment: NodeJS.ProcessEnv;
  readonly say: (text: string) => void;
}

const SAY_EVERY_MS = 15_000;
const LAST_LINES = 20;

/** @throws Error with Go's last words */
export async function buildPrograms(build: GoBuild): Promise<void> {
  const { packages, cache, say } = build;
  const staged = `${cache}.${process.pid}`;
  mkdirSync(staged, { recursive: true });
  const startMs = performance.now();
  let compiled = 0;
  const total = await countPackages(build);
  const elapsed = (): string => `${Math.round((performance.now() - startMs) / 1000)} s`;
  const timer = setInterval(() => say(`${compiled} of ${total} packages compiled after ${elapsed()}`), SAY_EVERY_MS);
  try {
    // A package a line as it is compiled; from a warm cache few lines come.
    const options = ['-v', '-trimpath', '-buildvcs=false', ...(build.flags ?? []), '-ldflags', build.linkFlags];
    await go(build, ['build', ...options, '-o', `${staged}/`, ...Object.values(packages)], () => compiled++);
    mkdirSync(cache, { recursive: true });
    for (const [name, path] of Object.entries(packages)) renameSync(join(staged, fileOf(path)), join(cache, name));
    say(`built after ${elapsed()}`);
  } finally {
    clearInterval(timer);
    rmSync(staged, { recursive: true, force: true });
  }
}

/** `go build` names a program by the last part of its package's path, a version aside. */
function fileOf(path: string): string {
  return basename(path.replace(/\/v\d+$/, ''));
}

async function countPackages(build: GoBuild): Promise<number> {
  let count = 0;
  await go(build, ['list', '-deps', ...Object.values(build.packages)], () => count++);
  return count;
}

/** @param onLine each line of either output */
function go({ module, cgo, environment }: GoBuild, args: readonly string[], onLine: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('go', args, {
      cwd: module,
      env: { ...environment, CGO_ENABLED: cgo ? '1' : '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const last: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        onLine();
        last.push(line);
        if (last.length > LAST_LINES) last.shift();
      });
    }
    child.once('error', reject);
    child.once('close', (status) => {
      if (status === 0) resolve();
      else reject(new Error(`go ${args[0]} failed:\n${last.join('\n')}`));
    });
  });
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
