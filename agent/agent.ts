// The agent's parts put together, data first: cgroup files → ring → reports → push; signals beside it.
import { lookup } from 'node:dns/promises';
import { availableParallelism } from 'node:os';
import { CgroupFiles } from './cgroup/cgroup-files.ts';
import { Discovery } from './cgroup/discovery.ts';
import type { FoundCgroup } from './cgroup/discovery.ts';
import { openHierarchy } from './cgroup/hierarchy.ts';
import type { Hierarchy } from './cgroup/hierarchy.ts';
import { readTogether } from './cgroup/kept-files.ts';
import { watchByEntries } from './cgroup/tree-watch.ts';
import { startDebugEndpoint } from './debug/endpoint.ts';
import type { DebugServer } from './debug/server.ts';
import { shortageText } from './debug/shortage-text.ts';
import { SignalLog } from './debug/signal-log.ts';
import { rowView } from './containers-view.ts';
import type { AgentFlags } from './flags.ts';
import { createKernelSignals } from './kernel-signals.ts';
import type { KernelSignals, KernelSignalsParts } from './kernel-signals.ts';
import { json, listen, text } from './listener.ts';
import type { Listener, Routes } from './listener.ts';
import { createAgentMetrics } from './metrics.ts';
import type { AgentMetrics, CapabilityState } from './metrics.ts';
import { readBootId } from './node/boot-id.ts';
import { hardware } from './node/hardware.ts';
import { lockProgramText } from './node/memory-lock.ts';
import { NodeFiles } from './node/node-files.ts';
import { SETTLED_MS, releaseStartPages } from './node/start-pages.ts';
import { openConnection } from './push/post.ts';
import { Pusher } from './push/pusher.ts';
import { Replicas } from './push/replicas.ts';
import { Roster } from './store/roster.ts';
import type { RowFiles } from './store/row.ts';
import { systemClock } from './runtime/clock.ts';
import type { Clock } from './runtime/clock.ts';
import type { Logger } from './runtime/logger.ts';
import { readPem, tokenFile } from './runtime/secret-files.ts';
import { Sampler } from './sampler.ts';
import type { SlotFindings } from './sampler.ts';
import { TICK_MS, Tick, systemTimers } from './tick.ts';
import type { TickFigures, Timers } from './tick.ts';
import { readVersion } from './version.ts';

/** Goes into each batch, for the aggregator's log. */
const AGENT_VERSION = readVersion();
/** Every cgroup has a rate by then. */
const FIRST_PUSH_MS = 2100;
const PUSH_TIMEOUT_MS = 10_000;
/** Regular pushes follow the reading that a tick begins with: the numbers are as young as they get, and the caches are warm. */
const PUSH_AFTER_TICK_MS = 20;
/** What the kernel may charge ahead or flush late, a CPU (64 pages). */
const NOISE_BYTES_PER_CPU = 256 * 1024;

export interface Agent {
  readonly port: number;
  readonly debugPort: number;
  readonly capabilities: () => readonly CapabilityState[];
  close(): Promise<void>;
}

/** Opens everything and runs until `close`. @throws CodedError no_cgroup2, port_in_use, tls_file */
export async function startAgent(flags: AgentFlags, log: Logger): Promise<Agent> {
  const clock = systemClock(`${flags['proc-root']}/uptime`);
  const cpus = availableParallelism();
  const hierarchy = openHierarchy(flags['cgroup-root'], flags['proc-root']);
  const open = (path: string): RowFiles => kernel.files(path, new CgroupFiles(hierarchy, path));
  const roster = new Roster({ clock, log, open, cpus });
  const aggregators: Replicas[] = [];
  const signals = new SignalLog();
  const onFindings = (findings: SlotFindings): void => {
    // First of all, so that the log's writing is not waited for.
    for (const replicas of aggregators) replicas.urgent(findings.rows, findings.shortages);
    note(findings, { clock, log, roster, signals });
  };
  const thresholds = { noiseBytes: NOISE_BYTES_PER_CPU * cpus };
  const onTick = (figures: TickFigures): void => {
    metrics.tick(figures);
    kernel.rearm();
  };
  const sampler = new Sampler({ clock, roster, thresholds, onFindings, onTick, onExtraWork: () => tick.wake() });
  const attend: KernelSignalsParts['attend'] = (row, said) => sampler.attend(row, said);
  const heard = { attend, onLife: (path: string) => hearOf(discovery, path), onSignal: (kind: string, delayMs: number) => metrics.signal(kind, delayMs) }; // prettier-ignore
  const kernel = createKernelSignals({ hierarchy, clock, roster, signals, ...heard });
  const timers = { ...systemTimers, threadCpuMs: kernel.native?.threadCpuMs };
  const tick = new Tick(sampler, timers);
  let started = false;
  const discovery = new Discovery({
    hierarchy,
    services: flags.services,
    clock,
    log,
    onFound: (found: FoundCgroup) => {
      const row = roster.add(found, started);
      if (row) kernel.found(found);
      if (row && started) sampler.welcome(row);
    },
    onGone: (path) => {
      kernel.gone(path);
      roster.remove(path);
    },
  });
  const memoryLock = useAddon(flags['proc-root'], kernel);
  const capabilities = (): readonly CapabilityState[] => [...capabilitiesOf(hierarchy, discovery, kernel), memoryLock];
  const metrics = createMetrics(roster, sampler, capabilities, kernel.hooks);
  const listener = await listen(flags.listen, routesOf(flags, roster, sampler, aggregators, metrics));
  const debug = await startDebug(flags, { clock, log, roster, signals, aggregators, capabilities });
  roster.addNode(nodeFiles(new NodeFiles(flags['proc-root'], hierarchy)));
  discovery.start();
  started = true;
  tick.start();
  aggregators.push(...startPushing(flags, { clock, timers, log, roster, metrics }));
  const settled = setTimeout(() => settle(flags['proc-root'], kernel), SETTLED_MS).unref();
  const close = async (): Promise<void> => {
    clearTimeout(settled);
    await debug.close();
    kernel.close();
    await closeAll(tick, discovery, aggregators, roster, listener);
  };
  return { port: listener.port, debugPort: debug.port, capabilities, close };
}

function capabilitiesOf(hierarchy: Hierarchy, discovery: Discovery, kernel: KernelSignals): CapabilityState[] {
  return [
    ...hierarchy.missing,
    { name: 'inotify', available: discovery.mode === 'inotify', cause: discovery.cause },
    { name: 'counters', available: true, cause: '' },
    ...kernel.capabilities(),
  ];
}

/** inotify tells of births and deaths too; where it ran out, this keeps scanning from being all there is. */
function hearOf(discovery: Discovery, path: string): void {
  if (discovery.mode === 'scan') discovery.hear(path);
}

/** What works without the addon too, and costs more. @returns whether program text is locked */
function useAddon(procRoot: string, { native }: KernelSignals): CapabilityState {
  readTogether(native?.readFiles);
  watchByEntries(native?.watchEntries);
  return lockProgramText(procRoot, native?.lockMemory);
}

/** Only what the agent goes on to use stays in memory, and locked. */
function settle(procRoot: string, { native }: KernelSignals): void {
  if (!native) return;
  releaseStartPages(procRoot, native.releaseMemory);
  lockProgramText(procRoot, native.lockMemory); // also what could only be unlocked
}

interface NotePlaces {
  readonly clock: Clock;
  readonly log: Logger;
  readonly roster: Roster;
  readonly signals: SignalLog;
}

function note({ begun }: SlotFindings, { clock, log, roster, signals }: NotePlaces): void {
  for (const shortage of begun) {
    const { ref, resource } = shortage;
    log.info({ shortage, cgroup: roster.get(ref)?.identity.cgroup }, 'shortage');
    const now = { atBootMs: clock.bootTimeMs(), atWallMs: clock.wallTimeMs() };
    signals.note({ ...now, ref, kind: 'shortage', resource, text: shortageText(shortage) });
  }
}

interface DebugContext extends NotePlaces {
  readonly aggregators: readonly Replicas[];
  readonly capabilities: () => readonly CapabilityState[];
}

function startDebug(flags: AgentFlags, context: DebugContext): Promise<DebugServer> {
  const { clock, log, roster, signals, aggregators, capabilities } = context;
  return startDebugEndpoint({
    address: flags['debug-listen'],
    tokenFile: flags['debug-token-file'],
    roster,
    signals,
    node: () => ({
      node: flags['node-name'] ?? '',
      agentVersion: AGENT_VERSION,
      bootId: readBootId(flags['proc-root']),
      capabilities: capabilities(),
      aggregators: aggregators.map(({ url, addresses, problems }) => ({ url, addresses, problems })),
    }),
    clock,
    log,
    windowMs: flags.window,
  });
}

async function closeAll(
  tick: Tick,
  discovery: Discovery,
  aggregators: readonly Replicas[],
  roster: Roster,
  listener: Listener,
): Promise<void> {
  tick.stop();
  discovery.stop();
  await Promise.all(aggregators.map((replicas) => replicas.close()));
  roster.close();
  await listener.close();
}

interface PushContext {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Logger;
  readonly roster: Roster;
  readonly metrics: AgentMetrics;
}

/** Called as the ticks begin. */
function startPushing(flags: AgentFlags, { clock, timers, log, roster, metrics }: PushContext): Replicas[] {
  const caFile = flags['aggregator-ca-file'];
  if (caFile !== undefined && flags.aggregator.length > 0) readPem(caFile); // a wrong path is said at start
  const token = tokenFile(flags['token-file'] ?? '');
  const node = {
    node: flags['node-name'] ?? '',
    agentVersion: AGENT_VERSION,
    bootId: readBootId(flags['proc-root']),
    epoch: Math.round(clock.bootTimeMs()),
  };
  const shared = { token, node, roster, clock, timers, log, random: Math.random };
  // Agents differ: each ticks since its own start, and pushes after any of its ticks.
  const ticks = Math.floor((Math.random() * flags['push-interval']) / TICK_MS);
  const phaseMs = timers.monotonicMs() + PUSH_AFTER_TICK_MS + ticks * TICK_MS;
  return flags.aggregator.map((url) => {
    const createPusher = (address: string, tallySlot: number): Pusher =>
      new Pusher({
        ...shared,
        tallySlot,
        url,
        address,
        connect: () =>
          openConnection({
            baseUrl: url,
            address,
            ca: caFile === undefined ? undefined : readPem(caFile),
            serverName: flags['aggregator-server-name'],
            timeoutMs: PUSH_TIMEOUT_MS,
          }),
        intervalMs: flags['push-interval'],
        phaseMs,
        windowMs: flags.window,
        onPushed: (figures) => {
          metrics.pushed(figures);
          if (figures.outcome === 'failed') replicas.pushFailed();
        },
      });
    const replicas = new Replicas({ ...shared, url, resolve: resolveHost, createPusher });
    replicas.start(FIRST_PUSH_MS);
    return replicas;
  });
}

async function resolveHost(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

function createMetrics(
  roster: Roster,
  sampler: Sampler,
  capabilities: () => readonly CapabilityState[],
  hooks: KernelSignals['hooks'],
): AgentMetrics {
  return createAgentMetrics({
    rowsByKind: () => {
      const kinds = new Map<string, number>();
      for (const { identity } of roster.rows()) kinds.set(identity.kind, (kinds.get(identity.kind) ?? 0) + 1);
      return kinds;
    },
    watched: () => sampler.watched,
    readProblems: () => sampler.readProblems,
    refusedCgroups: () => roster.refused,
    ringBytes: () => roster.rows().reduce((sum, row) => sum + row.ring.allocatedBytes, 0),
    capabilities,
    hooks,
  });
}

function routesOf(
  flags: AgentFlags,
  roster: Roster,
  sampler: Sampler,
  aggregators: readonly Replicas[],
  metrics: AgentMetrics,
): Routes {
  return {
    '/healthz': () => text(200, 'ok\n'),
    '/readyz': () => (sampler.ticksDone > 0 ? text(200, 'ok\n') : text(503, 'the first tick is not done yet\n')),
    '/metrics': async () => ({
      status: 200,
      type: metrics.registry.contentType,
      body: await metrics.registry.metrics(),
    }),
    // Asked of the machine when first asked for: systeminformation costs 10 MB and starts programs.
    '/hardware': async () => json(await hardware()),
    '/containers': () =>
      json({
        node: flags['node-name'],
        pushProblems: aggregators.flatMap((replicas) => replicas.problems),
        rows: roster.rows().map((row) => rowView(row, flags.window)),
      }),
  };
}

/** The node's files in the shape of a cgroup's: all are read together, each second. */
function nodeFiles(files: NodeFiles): RowFiles {
  return {
    readFast: (sample, atBootMs) => {
      files.read(sample, atBootMs);
      return 'ok';
    },
    readPressure: () => 'ok',
    readStill: () => 'ok',
    readSlow: () => 'ok',
    readLimits: () => 'ok',
    readMemoryStat: () => 'ok',
    close: () => files.close(),
  };
}
