// Keeps connections to the API server open: a patch that answers a shortage should not wait for a TLS handshake.
import type { KubeClient } from './client.ts';

const CONNECTIONS = 2;
/** Under the 90 s after which kube-apiserver closes an idle connection. */
const EVERY_MS = 45_000;

/** @returns how to stop */
export function keepWarm(kube: Pick<KubeClient, 'warm'>): () => void {
  const timer = setInterval(() => void kube.warm(CONNECTIONS), EVERY_MS);
  timer.unref();
  void kube.warm(CONNECTIONS);
  return () => clearInterval(timer);
}
