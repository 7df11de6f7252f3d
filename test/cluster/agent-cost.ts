// What the agent's pod costs the node while it works, by its container's own cgroup: CPU over a stretch, the most memory it ever held.
import { AGENT_PID, inGuest } from './guest-shell.ts';

export interface AgentCost {
  /** Of one core. */
  readonly cpuShare: number;
  /** The same since its start. */
  readonly wholeCpuShare: number;
  /** How long ago that was. */
  readonly ageS: number;
  /** How long its main thread waited for a CPU, each time that it was given one. */
  readonly waitMs: number;
  /** Of its container, page cache included. */
  readonly peakBytes: number;
  /** How often it was at its limit. */
  readonly limitHits: number;
}

interface Told extends Omit<AgentCost, 'cpuShare' | 'waitMs'> {
  /** Its container's own. */
  readonly folder: string;
  readonly usedUs: number;
  /** Of its main thread, both since its start. */
  readonly waitedNs: number;
  readonly turns: number;
  /** Since the guest's boot. */
  readonly atS: number;
}

/** @returns a function that tells the cost since this call @throws Error where another agent is there by then, whose figures began anew */
export async function agentCost(): Promise<() => Promise<AgentCost>> {
  const first = await tellOfAgent();
  return async () => {
    const { folder, usedUs, atS, waitedNs, turns, ...others } = await tellOfAgent();
    if (folder !== first.folder) throw new Error('the agent is not the one of before');
    const cpuShare = (usedUs - first.usedUs) / 1e6 / (atS - first.atS);
    const waitMs = (waitedNs - first.waitedNs) / 1e6 / (turns - first.turns);
    return { ...others, cpuShare, waitMs };
  };
}

async function tellOfAgent(): Promise<Told> {
  // Its start is the 22nd word of proc(5)'s stat, in hundredths of a second since the boot; schedstat: run, waited (ns), turns.
  const told = await inGuest(
    `pid=${AGENT_PID}; cd /sys/fs/cgroup$(cut -d : -f 3 /proc/$pid/cgroup) && pwd && echo "started $(cut -d ' ' -f 22 /proc/$pid/stat)" && echo "waited $(cut -d ' ' -f 2 /proc/$pid/schedstat)" && echo "turns $(cut -d ' ' -f 3 /proc/$pid/schedstat)" && cat /proc/uptime cpu.stat memory.peak memory.events`,
  );
  const number = (pattern: RegExp): number => Number(pattern.exec(told)?.[1] ?? NaN);
  const [atS, startedS] = [number(/^([\d.]+) [\d.]+$/m), number(/^started (\d+)$/m) / 100];
  const usedUs = number(/^usage_usec (\d+)$/m);
  return {
    folder: told.split('\n', 1)[0]!,
    atS,
    usedUs,
    waitedNs: number(/^waited (\d+)$/m),
    turns: number(/^turns (\d+)$/m),
    wholeCpuShare: usedUs / 1e6 / (atS - startedS),
    ageS: atS - startedS,
    peakBytes: number(/^(\d+)$/m),
    limitHits: number(/^max (\d+)$/m),
  };
}
