// Whether this replica is the one that acts: it holds the lease, or nobody else is there.
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Clock } from '../agent/runtime/clock.ts';
import type { Logger } from '../agent/runtime/logger.ts';
import type { Shutdown } from '../agent/runtime/shutdown.ts';
import type { AggregatorFlags } from './flags.ts';
import type { KubeEndpoint } from './kube/endpoint.ts';
import { createKubeHttp } from './kube/http.ts';
import { Leadership } from './kube/lease.ts';
import type { Following } from './kube/lease.ts';

export interface LeaderFollows extends Pick<Following, 'mayLead' | 'onLeading'> {
  /** Whether the API has the pod. */
  readonly podIsThere: (namespace: string, name: string) => boolean;
}

export interface Leader {
  leads(): boolean;
  /** Of the lease by which it acts; undefined: another one does, or there is none. */
  fencing(): number | undefined;
  start(follows: LeaderFollows): void;
}

export interface LeaderParts {
  readonly flags: AggregatorFlags;
  readonly endpoint: KubeEndpoint;
  readonly userAgent: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly shutdown: Shutdown;
}

export function createLeader({ flags, endpoint, userAgent, clock, log, shutdown }: LeaderParts): Leader {
  // Where nothing is resized nobody has to be the one.
  if (flags.resize === 'off' || !flags['leader-elect'])
    return { leads: () => true, fencing: () => undefined, start: () => undefined };
  // Connections of its own: a burst of patches must not hold up the renewal that they rest on.
  const http = createKubeHttp(endpoint, userAgent);
  shutdown.onClose('lease connections', () => http.close());
  const namespace = flags.namespace ?? endpoint.namespace ?? 'default';
  const leadership = new Leadership({
    http,
    namespace,
    identity: `${hostname()}_${randomUUID()}`,
    clock,
    log,
  });
  shutdown.onClose('lease', () => leadership.close());
  return {
    leads: () => leadership.leads,
    fencing: () => leadership.fencing,
    start: ({ mayLead, onLeading, podIsThere }) =>
      leadership.start({ mayLead, onLeading, podIsThere: (name) => podIsThere(namespace, name) }),
  };
}
