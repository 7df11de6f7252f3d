// The debugging endpoint put together from the agent's parts.
import type { Logger } from '../runtime/logger.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Address } from '../runtime/flag-table.ts';
import { tokenFile } from '../runtime/secret-files.ts';
import type { Roster } from '../store/roster.ts';
import { pageAssets } from './assets.ts';
import type { NodeView } from './node-view.ts';
import { createProfiles } from './profiles.ts';
import { debugRoutes } from './routes.ts';
import { startDebugServer } from './server.ts';
import type { DebugServer } from './server.ts';
import type { SignalLog } from './signal-log.ts';

export interface DebugOptions {
  readonly address: Address;
  readonly tokenFile: string | undefined;
  readonly roster: Roster;
  readonly signals: SignalLog;
  readonly node: () => NodeView;
  readonly clock: Clock;
  readonly log: Logger;
  readonly windowMs: number;
}

/** @throws CodedError port_in_use, bad_flag, token_file */
export function startDebugEndpoint(options: DebugOptions): Promise<DebugServer> {
  const { address, roster, signals, node, clock, log, windowMs } = options;
  const file = options.tokenFile === undefined ? undefined : tokenFile(options.tokenFile);
  file?.read();
  const routes = debugRoutes({
    assets: pageAssets(new URL('./page/', import.meta.url)),
    profiles: createProfiles(),
    signals,
    rows: () => roster.rows(),
    row: (ref) => roster.get(ref),
    node,
    clock,
    log,
    windowMs,
  });
  return startDebugServer({ address, token: () => file?.read(), routes, log });
}
