// The bare server under the same load, with the aggregator's Node, its flags and its environment.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BareStart } from './cluster-bare.ts';
import { asked, beside, cpuMs, forkBeside, resident } from './cluster-process.ts';
import type { Command } from './cluster-process.ts';
import type { LoadCounts, LoadOrder } from './load.ts';

export interface Floor {
  readonly rssMib: number;
  /** Of a push, ms. */
  readonly pushCpuMs: number;
}

/** Once all are connected. */
const SETTLE_MS = 10_000;
const MEASURE_MS = 20_000;

export async function measureFloor(
  { node, nodeFlags, environment }: Pick<Command, 'node' | 'nodeFlags' | 'environment'>,
  { nodes, intervalMs, spreadMs }: Pick<Extract<LoadOrder, { kind: 'start' }>, 'nodes' | 'intervalMs' | 'spreadMs'>,
  tls: BareStart & { readonly ca: string },
): Promise<Floor> {
  const server = fork(beside('cluster-bare'), {
    execPath: node,
    execArgv: [...nodeFlags],
    env: { ...process.env, ...environment },
  });
  const load = forkBeside('load');
  try {
    const { port } = await asked<{ port: number }>(server, { cert: tls.cert, key: tls.key });
    const order: LoadOrder = {
      kind: 'start',
      nodes,
      targets: [{ url: `https://127.0.0.1:${port}`, ca: tls.ca }],
      intervalMs,
      spreadMs,
      lives: [],
    };
    await asked(load, order);
    await sleep(spreadMs + SETTLE_MS);
    const counts = (): Promise<LoadCounts> => asked<LoadCounts>(load, { kind: 'counts' } satisfies LoadOrder);
    await counts();
    const beforeMs = cpuMs(server.pid!);
    await sleep(MEASURE_MS);
    const { stored } = await counts();
    return { rssMib: resident(server.pid!).nowMib, pushCpuMs: (cpuMs(server.pid!) - beforeMs) / stored };
  } finally {
    load.disconnect();
    server.disconnect();
    await once(server, 'exit');
  }
}
