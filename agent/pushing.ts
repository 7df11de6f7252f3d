// The agent's pushes as its flags ask for them: one Replicas an --aggregator, once the CA that they are verified by is there.
import { lookup } from 'node:dns/promises';
import type { AgentFlags } from './flags.ts';
import type { AgentMetrics } from './metrics.ts';
import type { Batch } from './protocol/batch.ts';
import { AwaitedCa } from './push/awaited-ca.ts';
import { isListening } from './push/listening.ts';
import { openConnection } from './push/post.ts';
import { Pusher } from './push/pusher.ts';
import { Replicas } from './push/replicas.ts';
import type { Urgent } from './push/replicas.ts';
import type { Roster } from './store/roster.ts';
import type { Clock } from './runtime/clock.ts';
import type { Logger } from './runtime/logger.ts';
import { tokenFile } from './runtime/secret-files.ts';
import { TICK_MS } from './tick.ts';
import type { Timers } from './tick.ts';

/** Since the ticks began: every cgroup has a rate by then. */
const FIRST_PUSH_MS = 2100;
const PUSH_TIMEOUT_MS = 10_000;
/** Regular pushes follow the reading that a tick begins with: the numbers are as young as they get, and the caches are warm. */
const PUSH_AFTER_TICK_MS = 20;

export interface PushingParts {
  readonly node: Pick<Batch, 'node' | 'agentVersion' | 'bootId'>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Logger;
  readonly roster: Roster;
  readonly metrics: Pick<AgentMetrics, 'pushed'>;
}

export interface Pushing {
  /** Each --aggregator: `problems` is what keeps pushes from being taken, a text each. */
  told(): readonly Pick<Replicas, 'url' | 'addresses' | 'problems'>[];
  /** What the agent's start waits for, but for its first tick; '': nothing. */
  startProblem(): string;
  /** What it lacks to be ready, but for its first tick: at a first install a push that was taken. */
  readyProblem(): Promise<string>;
  /** Called as the ticks begin. @throws CodedError tls_file */
  start(): void;
  urgent(found: Urgent): void;
  close(): Promise<void>;
}

export function createPushing(flags: AgentFlags, parts: PushingParts): Pushing {
  const { timers, log } = parts;
  let beganMs = 0;
  // Agents differ: each ticks since its own start, and pushes after any of its ticks, to all aggregators at once.
  const ticks = Math.floor((Math.random() * flags['push-interval']) / TICK_MS);
  const shared: Shared = {
    epoch: Math.round(parts.clock.bootTimeMs()),
    phaseMs: () => beganMs + PUSH_AFTER_TICK_MS + ticks * TICK_MS,
    pem: () => ca.pem(),
    onStored: () => ca.pushed(),
  };
  const aggregators = flags.aggregator.map((url) => createReplicas(url, flags, parts, shared));
  const ca = new AwaitedCa({
    file: aggregators.length > 0 ? flags['aggregator-ca-file'] : undefined,
    listens: async () => (await Promise.all(flags.aggregator.map((url) => isListening(url, resolveHost)))).includes(true), // prettier-ignore
    onKnown: () => {
      for (const replicas of aggregators) replicas.start(Math.max(0, beganMs + FIRST_PUSH_MS - timers.monotonicMs()));
    },
    timers,
    log,
  });
  return {
    told: () =>
      aggregators.map(({ url, addresses, problems }) => ({
        url,
        addresses,
        problems: ca.problem === '' ? problems : [ca.problem],
      })),
    startProblem: () => ca.startProblem,
    readyProblem: () => ca.readyProblem(),
    start: () => {
      beganMs = timers.monotonicMs();
      ca.start();
    },
    urgent: (found) => {
      for (const replicas of aggregators) replicas.urgent(found);
    },
    close: async () => {
      ca.close();
      await Promise.all(aggregators.map((replicas) => replicas.close()));
    },
  };
}

/** By the replicas of all aggregators. */
interface Shared {
  readonly epoch: number;
  readonly phaseMs: () => number;
  readonly pem: () => string | undefined;
  readonly onStored: () => void;
}

function createReplicas(
  url: string,
  flags: AgentFlags,
  { node, metrics, ...shared }: PushingParts,
  { epoch, phaseMs, pem, onStored }: Shared,
): Replicas {
  const token = tokenFile(flags['token-file'] ?? '');
  const createPusher = (address: string, tallySlot: number): Pusher =>
    new Pusher({
      ...shared,
      token,
      node: { ...node, epoch },
      random: Math.random,
      tallySlot,
      url,
      address,
      connect: () =>
        openConnection({
          baseUrl: url,
          address,
          ca: pem(),
          serverName: flags['aggregator-server-name'],
          timeoutMs: PUSH_TIMEOUT_MS,
        }),
      intervalMs: flags['push-interval'],
      phaseMs: phaseMs(),
      windowMs: flags.window,
      onPushed: (figures) => {
        metrics.pushed(figures);
        if (figures.outcome === 'stored') onStored();
        if (figures.outcome === 'failed') replicas.pushFailed();
      },
    });
  const replicas = new Replicas({ ...shared, random: Math.random, url, resolve: resolveHost, createPusher });
  return replicas;
}

async function resolveHost(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}
