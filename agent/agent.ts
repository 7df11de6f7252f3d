// The agent's parts put together, data first: cgroup files → ring → reports → push; signals beside it.
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
import type { Listener, Page, Routes } from './listener.ts';
import { createAgentMetrics } from './metrics.ts';
import type { AgentMetrics, CapabilityState } from './metrics.ts';
import { readBootId } from './node/boot-id.ts';
import { hardware } from './node/hardware.ts';
import { lockProgramText } from './node/memory-lock.ts';
import { NodeFiles } from './node/node-files.ts';
import { SETTLED_MS, releaseStartPages } from './node/start-pages.ts';
import type { Batch } from './protocol/batch.ts';
import { createPushing } from './pushing.ts';
import type { Pushing } from './pushing.ts';
import { Roster } from './store/roster.ts';
import type { RowFiles } from './store/row.ts';
import { systemClock } from './runtime/clock.ts';
import type { Clock } from './runtime/clock.ts';
import type { Logger } from './runtime/logger.ts';
import { Sampler } from './sampler.ts';
import type { SlotFindings } from './sampler.ts';
import { Tick, systemTimers } from './tick.ts';
import type { TickFigures } from './tick.ts';
import { readVersion } from './version.ts';

/** Goes into each batch, for the aggregator's log. */
const AGENT_VERSION = readVersion();
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
  const signals = new SignalLog();
  const onFindings = (findings: SlotFindings): void => tell(findings, pushing, { clock, log, roster, signals });
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
  const pushing = createPushing(flags, { node: identityOf(flags), clock, timers, log, roster, metrics });
  const listener = await listen(flags.listen, routesOf(flags, roster, sampler, pushing, metrics));
  const debug = await startDebug(flags, { clock, log, roster, signals, pushing, capabilities });
  roster.addNode(nodeFiles(new NodeFiles(flags['proc-root'], hierarchy)));
  discovery.start();
  started = true;
  tick.start();
  pushing.start();
  const settled = setTimeout(() => settle(flags['proc-root'], kernel), SETTLED_MS).unref();
  const close = async (): Promise<void> => {
    clearTimeout(settled);
    await debug.close();
    kernel.close();
    await closeAll(tick, discovery, pushing, roster, listener);
  };
  return { port: listener.port, debugPort: debug.port, capabilities, close };
}

function identityOf(flags: AgentFlags): Pick<Batch, 'node' | 'agentVersion' | 'bootId'> {
  return {
    node: flags['node-name'] ?? '',
    agentVersion: AGENT_VERSION,
    bootId: readBootId(flags['proc-root']),
  };
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

function tell(findings: SlotFindings, pushing: Pushing, { clock, log, roster, signals }: NotePlaces): void {
  pushing.urgent(findings);
  if (findings.begun.length === 0) return;
  const begun = findings.begun.map((shortage) => ({ shortage, cgroup: roster.get(shortage.ref)?.identity.cgroup }));
  // The push's bytes leave when this work is done: what is written of it comes after them.
  systemTimers.soon(() => {
    for (const { shortage, cgroup } of begun) {
      const { ref, resource } = shortage;
      log.info({ shortage, cgroup }, 'shortage');
      const now = { atBootMs: clock.bootTimeMs(), atWallMs: clock.wallTimeMs() };
      signals.note({ ...now, ref, kind: 'shortage', resource, text: shortageText(shortage) });
    }
  });
}

interface DebugContext extends NotePlaces {
  readonly pushing: Pushing;
  readonly capabilities: () => readonly CapabilityState[];
}

function startDebug(flags: AgentFlags, context: DebugContext): Promise<DebugServer> {
  const { clock, log, roster, signals, pushing, capabilities } = context;
  return startDebugEndpoint({
    address: flags['debug-listen'],
    tokenFile: flags['debug-token-file'],
    roster,
    signals,
    node: () => ({
      ...identityOf(flags),
      capabilities: capabilities(),
      aggregators: pushing.told(),
    }),
    clock,
    log,
    windowMs: flags.window,
  });
}

async function closeAll(
  tick: Tick,
  discovery: Discovery,
  pushing: Pushing,
  roster: Roster,
  listener: Listener,
): Promise<void> {
  tick.stop();
  discovery.stop();
  await pushing.close();
  roster.close();
  await listener.close();
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

function unless(problem: string): Page {
  return problem === '' ? text(200, 'ok\n') : text(503, `${problem}\n`);
}

function routesOf(
  flags: AgentFlags,
  roster: Roster,
  sampler: Sampler,
  pushing: Pushing,
  metrics: AgentMetrics,
): Routes {
  const ticks = (): string => (sampler.ticksDone > 0 ? '' : 'the first tick is not done yet');
  return {
    '/healthz': () => text(200, 'ok\n'),
    '/startupz': () => unless(ticks() || pushing.startProblem()),
    '/readyz': async () => unless(ticks() || (await pushing.readyProblem())),
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
        pushProblems: pushing.told().flatMap(({ problems }) => problems),
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
