// QoS class of a pod from its containers' requests and limits (core/v1 ComputePodQOS, without pod-level resources).
// A resize may never change it: the API server answers 422.
import type { ContainerRecord } from '../kube/records.ts';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

type Amounts = Pick<ContainerRecord, 'requests' | 'limits'>;

export function qosClassOf(containers: readonly Amounts[]): QosClass {
  if (!containers.some(({ requests, limits }) => isSet(requests) || isSet(limits))) return 'BestEffort';
  return containers.every(isGuaranteed) ? 'Guaranteed' : 'Burstable';
}

function isSet({ cpuMillis = 0, memoryBytes = 0 }: ContainerRecord['limits']): boolean {
  return cpuMillis > 0 || memoryBytes > 0;
}

/** Both limits set, each equal to its request; an unset request counts as the limit, as the API server defaults it. */
function isGuaranteed({ requests, limits }: Amounts): boolean {
  const { cpuMillis = 0, memoryBytes = 0 } = limits;
  return (
    cpuMillis > 0 &&
    memoryBytes > 0 &&
    (requests.cpuMillis ?? cpuMillis) === cpuMillis &&
    (requests.memoryBytes ?? memoryBytes) === memoryBytes
  );
}
