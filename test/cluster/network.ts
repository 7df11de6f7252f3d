// The node's network: a tap interface inside the namespace of the run. The control plane is reached at its Service address and the
// name server at the cluster's, both local there; the pods' range is routed to the node. No kube-proxy: nobody uses other Service addresses.
import { execFileSync } from 'node:child_process';
import { POD_RANGE } from './node-disk.ts';

export const TAP = 'node0';
export const NODE_ADDRESS = '10.130.0.2';
export const GATEWAY = '10.130.0.1';

export function makeTap(): void {
  const ip = (...args: readonly string[]): void => void execFileSync('ip', args);
  ip('tuntap', 'add', 'dev', TAP, 'mode', 'tap');
  ip('address', 'add', `${GATEWAY}/24`, 'dev', TAP);
  ip('link', 'set', TAP, 'up');
  ip('route', 'add', POD_RANGE, 'via', NODE_ADDRESS, 'dev', TAP, 'onlink');
}
