// A process that is in its cgroup before its program begins: a shell waits for a line on stdin, then becomes the program.
// What is charged to a cgroup stays there, so a process moved later would be charged elsewhere for its start (cgroup-v2, memory ownership).
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

export interface GatedProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Lets the program begin. Its stdin stays open as long as this process lives: a program that reads it learns of our end. */
  open(): void;
}

const SHELL = '/bin/sh';

export interface GatedCommand {
  /** Absolute path of a JavaScript or, where this Node strips types, TypeScript file. */
  readonly script: string;
  readonly args: readonly string[];
  /** Put before Node and its script, such as what enters a namespace; needs a shell. */
  readonly prefix?: readonly string[] | undefined;
  /** undefined: as this process has it. */
  readonly env?: NodeJS.ProcessEnv | undefined;
}

/** @param onLine each line the program writes */
export function spawnGated(
  { script, args, prefix = [], env }: GatedCommand,
  onLine: (line: string, stream: 'stdout' | 'stderr') => void,
): GatedProcess | { readonly kind: 'failed'; readonly cause: string } {
  const program = [...prefix, process.execPath, script, ...args];
  const gate = existsSync(SHELL)
    ? { file: SHELL, args: ['-c', 'read -r _ && exec "$@"', 'sh', ...program] }
    : { file: process.execPath, args: [siblingScript(import.meta.url, 'gate'), script, ...args] };
  // A session of its own: a Ctrl-C on the terminal is for the launcher, which ends its children in order.
  const child = spawn(gate.file, gate.args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    ...(env ? { env } : {}),
  });
  if (child.pid === undefined) {
    // Node reports the cause by an event of the next turn.
    child.on('error', () => undefined);
    return { kind: 'failed', cause: `${gate.file} can't be started` };
  }
  child.stdin.on('error', () => undefined);
  for (const stream of ['stdout', 'stderr'] as const) readLines(child[stream], (line) => onLine(line, stream));
  return { child, pid: child.pid, open: () => void child.stdin.write('\n') };
}

/** A file beside the module, of the same kind: .ts from source, .js compiled. */
export function siblingScript(moduleUrl: string, relative: string): string {
  const extension = moduleUrl.endsWith('.ts') ? '.ts' : '.js';
  return new URL(`./${relative}${extension}`, moduleUrl).pathname;
}

/** Longer lines are cut: a log line of the roles is far shorter. */
const MAX_LINE = 64 * 1024;

function readLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!.slice(-MAX_LINE);
    for (const line of lines) if (line !== '') onLine(line);
  });
  stream.on('end', () => rest !== '' && onLine(rest));
}
