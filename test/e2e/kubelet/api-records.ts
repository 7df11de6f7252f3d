// A pod's status and events written to a real API server: one write in flight a pod, the newest status next. What the watch has
// not brought back yet is remembered, so that transition times stay what they were.
import type { Pod, PodStatus } from '../../../aggregator/standalone/api/objects.ts';
import type { PodEvent } from '../../../aggregator/standalone/kubelet/events.ts';
import type { PodRecords } from '../../../aggregator/standalone/kubelet/pod-records.ts';
import type { Kube } from '../kube.ts';

export interface ApiRecords extends PodRecords {
  /** What the watch brought; undefined: the pod is gone. */
  seen(pod: Pod | undefined): void;
  /** Resolves when everything is written. */
  settled(): Promise<void>;
}

const RETRY_MS = 200;
const TRIES = 5;
/** The pod is gone, or another has its name. */
const GONE = [404, 409, 422];

export function apiRecords(kube: Kube, first: Pod, nodeName: string, onProblem: (reason: string) => void): ApiRecords {
  const { namespace = '', name, uid } = first.metadata;
  const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
  let current: Pod | undefined = first;
  let last: PodStatus = first.status;
  let dirty = false;
  let writing = Promise.resolve();
  let events = Promise.resolve();
  /** @returns why it was not written */
  const writeOnce = async (): Promise<string | undefined> => {
    // Lists are replaced whole by a merge patch; the uid pins the incarnation.
    const body = { metadata: { uid }, status: last };
    const headers = { 'content-type': 'application/merge-patch+json' };
    try {
      const answer = await kube.call('PATCH', `${path}/status`, { body, headers });
      return answer.status < 300 || GONE.includes(answer.status) ? undefined : answer.body.toString();
    } catch (error) {
      return (error as Error).message;
    }
  };
  const write = async (): Promise<void> => {
    for (let tries = 1; tries <= TRIES; tries++) {
      if (!current) return;
      dirty = false;
      const reason = await writeOnce();
      if (reason === undefined) return;
      onProblem(`status of ${namespace}/${name}: ${reason}`);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  };
  return {
    current: () => current,
    seen: (pod) => {
      current = pod;
    },
    writeStatus: (make) => {
      if (!current) return;
      const next = make({ ...current, status: { ...current.status, ...last } });
      if (JSON.stringify(next) === JSON.stringify(last)) return;
      last = next;
      if (dirty) return;
      dirty = true;
      writing = writing.then(write);
    },
    event: (event) => {
      const body = eventObject(first, nodeName, event);
      events = events
        .then(() => kube.json('POST', `/api/v1/namespaces/${namespace}/events`, { body }))
        .then(
          () => undefined,
          (error: Error) => onProblem(`event: ${error.message}`),
        );
    },
    settled: async () => {
      await Promise.all([writing, events]);
    },
  };
}

let eventNumber = 0;

function eventObject({ metadata }: Pod, nodeName: string, { type, reason, message, fieldPath }: PodEvent): object {
  const { namespace, name, uid } = metadata;
  const at = `${new Date().toISOString().slice(0, 19)}Z`;
  const eventName = `${name}.${Date.now().toString(16)}${(eventNumber++).toString(16)}`;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: eventName, namespace },
    type,
    reason,
    message: message.slice(0, 1024),
    count: 1,
    firstTimestamp: at,
    lastTimestamp: at,
    source: { component: 'kubelet', host: nodeName },
    reportingComponent: 'kubelet',
    reportingInstance: nodeName,
    involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid, ...(fieldPath ? { fieldPath } : {}) },
  };
}
