// A shortage as it reaches the resizer: the agent's words joined with what the API says of the pod.
import type { Shortage } from '../../agent/protocol/shortage.ts';
import type { ContainerRecord, PodRecord } from '../kube/records.ts';
import type { Observation } from '../store/observation.ts';

export interface ShortageEvent {
  readonly shortage: Shortage;
  readonly pod: PodRecord;
  readonly container: ContainerRecord;
  readonly observation: Observation | undefined;
  readonly node: string;
  /** Receipt on this process's monotonic clock, and its wall clock for display. */
  readonly receivedMonoMs: number;
  readonly receivedWallMs: number;
  /** From the agent's judgement to receipt on the agent's machine, to the sending on another. */
  readonly raisedAgoMs: number;
  /** It could not be judged when it came: raised long ago, and its need is of now. */
  readonly kept?: boolean;
}
