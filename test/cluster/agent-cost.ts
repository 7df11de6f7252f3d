// What the agent's pod costs the node while it works, by its container's own cgroup: CPU over a stretch, the most memory it ever held.
import { AGENT_PID, inGuest } from './guest-shell.ts';

export interface AgentCost {
  /** Of one core. */
  readonly cpuShare: number;
  /** The same since its start. */
  readonly wholeCpuShare: number;
  /** Of its container, page cache included. */
  readonly peakBytes: number;
  /** How often it was at its limit. */
  readonly limitHits: number;
}

interface Told extends Omit<AgentCost, 'cpuShare'> {
  /** Its container's own. */
  readonly folder: string;
  readonly usedUs: number;
  /** Since the guest's boot. */
  readonly atS: number;
}

/** @returns a function that tells the cost since this call @throws Error where another agent is there by then, whose figures began anew */
export async function agentCost(): Promise<() => Promise<AgentCost>> {
  const first = await tellOfAgent();
  return async () => {
    const { folder, usedUs, atS, wholeCpuShare, peakBytes, limitHits } = await tellOfAgent();
    if (folder !== first.folder) throw new Error('the agent is not the one of before');
    return { cpuShare: (usedUs - first.usedUs) / 1e6 / (atS - first.atS), wholeCpuShare, peakBytes, limitHits };
  };
}

async function tellOfAgent(): Promise<Told> {
  // Its start is the 22nd word of proc(5)'s stat, in hundredths of a second since the boot.
  const told = await inGuest(
    `pid=${AGENT_PID}; cd /sys/fs/cgroup$(cut -d : -f 3 /proc/$pid/cgroup) && pwd && echo "started $(cut -d ' ' -f 22 /proc/$pid/stat)" && cat /proc/uptime cpu.stat memory.peak memory.events`,
  );
  const number = (pattern: RegExp): number => Number(pattern.exec(told)?.[1] ?? NaN);
  const [atS, startedS] = [number(/^([\d.]+) [\d.]+$/m), number(/^started (\d+)$/m) / 100];
  const usedUs = number(/^usage_usec (\d+)$/m);
  return {
    folder: told.split('\n', 1)[0]!,
    atS,
    usedUs,
    wholeCpuShare: usedUs / 1e6 / (atS - startedS),
    peakBytes: number(/^(\d+)$/m),
    limitHits: number(/^max (\d+)$/m),
  };
}
