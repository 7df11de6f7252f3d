// One push: authenticate, read, decode, store, answer. The contract is docs/protocol.md.
import type { IncomingMessage } from 'node:http';
import { decodeBatch } from '../../agent/protocol/codec.ts';
import { ColumnMemory } from '../../agent/protocol/column-memory.ts';
import type { Batch } from '../../agent/protocol/batch.ts';
import type { Wanted } from '../../agent/protocol/binary-reports.ts';
import type { Shortage } from '../../agent/protocol/shortage.ts';
import { URGENT_FIRST } from '../../agent/protocol/reply.ts';
import type { Directive, PushError, PushErrorCode, PushReply } from '../../agent/protocol/reply.ts';
import type { Logger } from '../../agent/runtime/logger.ts';
import type { AggregatorMetrics } from '../metrics.ts';
import type { ShortageEvent } from '../resize/shortage-event.ts';
import type { Observation } from '../store/observation.ts';
import type { PointStore } from '../store/point-store.ts';
import type { Receipt } from '../store/row.ts';
import { STORED_COLUMNS } from '../store/row.ts';
import type { AgentIdentities } from './agent-identity.ts';
import type { ClockSkew } from './clock-skew.ts';
import type { PushAllowance } from './push-allowance.ts';
import type { Room } from './push-body.ts';
import { readBody } from './push-body.ts';
import type { PushRefusals } from './push-refusals.ts';
import { joinShortages } from './shortage-events.ts';

export interface PushParts {
  readonly agents: AgentIdentities;
  readonly store: PointStore;
  readonly log: Logger;
  /** This process's monotonic clock, ms, the store's own; and Unix ms. */
  readonly clock: () => number;
  readonly wallMs: () => number;
  /** Of the machine that `clock` is of; undefined: not known. */
  readonly bootId?: string | undefined;
  /** @returns whether it was judged */
  readonly onShortage: (event: ShortageEvent) => boolean;
  /** A shortage that can't be judged (yet): no pod is known of its container, or this replica does not act. */
  readonly onEarlyShortage: (batch: Batch, shortage: Shortage) => void;
  /** A container's own limits were read to be others than before: the outcome of a resize, on the node. */
  readonly onObserved: (containerId: string, observation: Observation) => void;
  /** Of the lease by which this replica acts on shortages; undefined: it does not, or nobody has to. */
  readonly fencing: () => number | undefined;
  readonly metrics: AggregatorMetrics;
  /** A push was refused because of who sent it. `node` is the one that the token names, by its own word only; '': none. */
  readonly onRefused?: (node: string, code: PushErrorCode, reason: string) => void;
  /** Pods of a batch that are bound to another node: their rows were left out. */
  readonly onForeignPods?: (node: string, podUids: readonly string[]) => void;
}

/** What a batch is taken with. */
export type BatchParts = Omit<PushParts, 'agents' | 'metrics' | 'onRefused'> & {
  readonly metrics: Pick<AggregatorMetrics, 'shortage'>;
};

/** What the pushes of one server share. */
export interface PushWatch {
  readonly skew: ClockSkew;
  readonly room: Room;
  readonly refusals: PushRefusals;
  readonly allowance: PushAllowance;
  /** What is read of a batch. Decoded and stored at one go, so that the memory of one serves the next. */
  readonly wanted: Wanted;
}

export function wantedOfPushes(): Wanted {
  return { columns: STORED_COLUMNS, histogram: false, memory: new ColumnMemory() };
}

/** `bytes` of the body, and when it was there (performance.now()). */
export type PushAnswer =
  | {
      readonly kind: 'reply';
      readonly reply: PushReply;
      readonly bytes: number;
      readonly beganMs: number;
      /** It brought most of what its node runs: the next ones are far smaller. */
      readonly introduces: boolean;
      /** It brought shortages: what they set in motion goes first. */
      readonly urgent: boolean;
      readonly node: string;
    }
  | { readonly kind: 'refused'; readonly error: PushError; readonly bytes: number; readonly beganMs: number }
  /** Nobody is there to be answered. */
  | { readonly kind: 'aborted' };

/** More than a pod or two that were just started. */
const SOME_IDENTITIES = 32;

const MESSAGES: { readonly [kind in 'unknown_epoch' | 'stale' | 'overloaded']: string } = {
  unknown_epoch: 'rows of refs that are not known here: send the batch again with every identity',
  stale: 'a newer batch of this node is stored',
  overloaded: 'more nodes than this aggregator holds',
};

/** Never rejects because of what was sent. @param node that the sender's token names */
export async function takePush(
  request: IncomingMessage,
  node: string,
  parts: PushParts,
  { skew, room, refusals, allowance, wanted }: PushWatch,
): Promise<PushAnswer> {
  const coding = request.headers['content-encoding'] ?? 'identity';
  if (coding !== 'identity') return refused('malformed', 'no content-encoding is taken here');
  if (!allowance.has(node)) return refused('overloaded', 'this node pushes too much');
  const body = await readBody(request, room);
  if (body.kind === 'aborted') return body;
  if (body.kind === 'too_large') return refused('too_large', 'the batch is above 4 MiB');
  if (body.kind === 'overloaded') return refused('overloaded', 'too many pushes at once');
  allowance.spend(node, body.bytes.length);
  return takeBody(body.bytes, request.headers['content-type'] ?? '', node, parts, { skew, refusals, wanted });
}

/** @param node that the sender's token names */
export function takeBody(
  body: Uint8Array,
  mediaType: string,
  node: string,
  parts: BatchParts,
  { skew, refusals, wanted }: Pick<PushWatch, 'skew' | 'refusals' | 'wanted'>,
): PushAnswer {
  const bytes = body.length;
  const beganMs = performance.now();
  const decoded = decodeBatch(body, mediaType, wanted);
  if (decoded.kind === 'refused') {
    const { kind: _, ...error } = decoded;
    return { kind: 'refused', error, bytes, beganMs };
  }
  const { batch } = decoded;
  if (batch.node !== node) {
    const message = `the token is of node ${JSON.stringify(node)}: it can't speak for ${JSON.stringify(batch.node)}`;
    refusals.foreignNode(node, batch.node);
    return refused('foreign_node', message, bytes, beganMs);
  }
  const receipt = { monoMs: parts.clock(), wallMs: parts.wallMs() };
  const accepted = parts.store.accept(batch, receipt.monoMs, receipt.wallMs);
  if (accepted.kind !== 'accepted') return refused(accepted.kind, MESSAGES[accepted.kind], bytes, beganMs);
  skew.measured(batch.node, batch.wallTimeMs - receipt.wallMs);
  refusals.taken(node, accepted.foreignPods);
  if (accepted.foreignPods.length > 0) parts.onForeignPods?.(node, accepted.foreignPods);
  tell(parts, batch, accepted.limitsChanged, receipt);
  const reply = { accepted: batch.sequence, names: accepted.names, directives: directivesOf(parts.fencing()) };
  const introduces = batch.identities.length > SOME_IDENTITIES;
  return { kind: 'reply', reply, bytes, beganMs, introduces, urgent: batch.shortages.length > 0, node };
}

function directivesOf(fencing: number | undefined): readonly Directive[] {
  return fencing === undefined ? [] : [{ kind: URGENT_FIRST, fencing }];
}

/** What others wait for; a bug of theirs is theirs, the push was taken. */
function tell(parts: BatchParts, batch: Batch, limitsChanged: readonly string[], receipt: Receipt): void {
  const { store, log, metrics, onObserved, onShortage, onEarlyShortage } = parts;
  const guarded = (act: () => void): void => {
    try {
      act();
    } catch (err) {
      log.error({ err, node: batch.node }, 'push listener failed');
    }
  };
  for (const containerId of limitsChanged) {
    const observation = store.observation(containerId);
    if (observation !== undefined) guarded(() => onObserved(containerId, observation));
  }
  for (const joined of joinShortages(batch, store, receipt, parts.bootId)) {
    const { ref, resource, kind } = joined.kind === 'raised' ? joined.event.shortage : joined.shortage;
    metrics.shortage(resource, kind, joined.kind);
    if (joined.kind === 'unknown_container') log.debug({ node: batch.node, ref, resource }, 'shortage of an unknown container'); // prettier-ignore
    guarded(() => {
      if (joined.kind === 'unknown_container') onEarlyShortage(batch, joined.shortage);
      else if (!onShortage(joined.event)) onEarlyShortage(batch, joined.event.shortage);
    });
  }
}

export function refused(
  code: PushErrorCode,
  message: string,
  bytes = 0,
  beganMs: number = performance.now(),
): PushAnswer {
  return { kind: 'refused', error: { code, message }, bytes, beganMs };
}
