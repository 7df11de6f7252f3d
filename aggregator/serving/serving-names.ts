// The DNS names that clients expect in the serving certificate. kube-apiserver asks for `<service>.<namespace>.svc` (kube-aggregator
// proxy handler), agents too: the push Service is headless, they dial pods by address and verify by this name.
import { METRICS_SERVICE } from './trust-bundle.ts';

export const PUSH_SERVICE = 'headroom-push';

export function servingNames(namespace: string): readonly string[] {
  return [METRICS_SERVICE, PUSH_SERVICE].flatMap((service) => [
    service,
    `${service}.${namespace}`,
    `${service}.${namespace}.svc`,
    `${service}.${namespace}.svc.cluster.local`,
  ]);
}
