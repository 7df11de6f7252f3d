// A process that can't be mistaken for a later one of the same number: pid and start time. Source: proc(5), /proc/pid/stat field 22.
import { readFileSync } from 'node:fs';

export interface ProcessId {
  readonly pid: number;
  /** Clock ticks since boot. */
  readonly startTicks: string;
}

/** @returns undefined where there is no such process */
export function processId(pid: number): ProcessId | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command's name, in brackets, may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : { pid, startTicks: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

export function isAlive({ pid, startTicks }: ProcessId): boolean {
  return processId(pid)?.startTicks === startTicks;
}

/** SIGKILL, only if it is still that process. */
export function killProcess(id: ProcessId): void {
  if (!isAlive(id)) return;
  try {
    process.kill(id.pid, 'SIGKILL');
  } catch {
    // It ended meanwhile, or belongs to someone else now.
  }
}
