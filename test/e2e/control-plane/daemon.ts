// A program of the control plane as a child process: its output goes to a file, whose end is told when the program ends unasked.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

export interface Daemon {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Why it ended without being asked to; undefined while it runs. */
  ended(): string | undefined;
  stop(): Promise<void>;
}

const GRACE_MS = 5000;
const TOLD_LINES = 15;

export function startDaemon(name: string, file: string, args: readonly string[], logFile: string): Daemon {
  const log = openSync(logFile, 'a');
  const child = spawn(file, args, { stdio: ['ignore', log, log] });
  closeSync(log);
  if (child.pid === undefined) {
    child.on('error', () => undefined);
    throw new Error(`${name} can't be started: ${file}`);
  }
  let ending: string | undefined;
  const end = new Promise<void>((resolve) => {
    child.once('exit', (status, signal) => {
      const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-TOLD_LINES);
      ending = `${name} ended (${signal ?? `status ${status}`}):\n${lines.join('\n')}`;
      resolve();
    });
  });
  return {
    name,
    pid: child.pid,
    logFile,
    ended: () => ending,
    stop: async () => {
      if (ending !== undefined) return;
      child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
      await end;
      clearTimeout(kill);
    },
  };
}
