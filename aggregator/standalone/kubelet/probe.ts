// Startup, readiness and liveness probes of one container while it runs: httpGet and tcpSocket with the kubelet's defaults.
// Source: core/v1 Probe, kubelet prober. Exec and gRPC probes are not played: they are said to fail, with the reason.
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { Container } from '../api/objects.ts';

export interface ProbeSpec {
  readonly httpGet?: {
    readonly path?: string;
    readonly port: number | string;
    readonly host?: string;
    readonly scheme?: string;
    readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[];
  };
  readonly tcpSocket?: { readonly port: number | string; readonly host?: string };
  readonly initialDelaySeconds?: number;
  readonly periodSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly successThreshold?: number;
  readonly failureThreshold?: number;
}

export interface ProbedContainer extends Container {
  readonly startupProbe?: ProbeSpec;
  readonly readinessProbe?: ProbeSpec;
  readonly livenessProbe?: ProbeSpec;
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
}

export interface ProbeListener {
  /** Something of `started` or `ready` changed. */
  onChange(): void;
  /** The liveness or startup probe failed too often: the container has to start again. */
  onUnhealthy(probe: 'Liveness' | 'Startup', reason: string): void;
}

type Outcome = { readonly kind: 'success' } | { readonly kind: 'failure'; readonly reason: string };

/** One container's probes from one start to its end. */
export class Probes {
  readonly #container: ProbedContainer;
  readonly #address: string;
  readonly #listener: ProbeListener;
  readonly #timers = new Set<NodeJS.Timeout>();
  #started: boolean;
  #ready: boolean;
  #stopped = false;

  /** @param address the pod's */
  constructor(container: Container, address: string, listener: ProbeListener) {
    this.#container = container;
    this.#address = address;
    this.#listener = listener;
    this.#started = this.#container.startupProbe === undefined;
    this.#ready = false;
  }

  get started(): boolean {
    return this.#started;
  }

  get ready(): boolean {
    return this.#started && this.#ready;
  }

  start(): void {
    const { startupProbe } = this.#container;
    if (!startupProbe) return this.#begin();
    this.#repeat(startupProbe, (streak) => {
      if (streak.kind === 'failure') {
        this.#unhealthy('Startup', streak.reason);
        return 'stop';
      }
      this.#started = true;
      this.#begin();
      return 'stop';
    });
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #begin(): void {
    const { readinessProbe, livenessProbe } = this.#container;
    this.#ready = readinessProbe === undefined;
    if (readinessProbe) {
      this.#repeat(readinessProbe, ({ kind }) => {
        this.#setReady(kind === 'success');
        return 'go on';
      });
    }
    if (livenessProbe) {
      this.#repeat(livenessProbe, (streak) => {
        if (streak.kind === 'success') return 'go on';
        this.#unhealthy('Liveness', streak.reason);
        return 'stop';
      });
    }
    this.#listener.onChange();
  }

  #setReady(ready: boolean): void {
    if (ready === this.#ready) return;
    this.#ready = ready;
    this.#listener.onChange();
  }

  #unhealthy(probe: 'Liveness' | 'Startup', reason: string): void {
    this.stop();
    this.#listener.onUnhealthy(probe, reason);
  }

  /** Tells of an outcome once it has come as often in a row as its threshold asks. */
  #repeat(probe: ProbeSpec, tell: (outcome: Outcome) => 'go on' | 'stop'): void {
    const periodMs = (probe.periodSeconds ?? 10) * 1000;
    let last: Outcome['kind'] | undefined;
    let streak = 0;
    const again = (delayMs: number): void => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        void runProbe(probe, this.#container, this.#address).then((outcome) => {
          if (this.#stopped) return;
          streak = outcome.kind === last ? streak + 1 : 1;
          last = outcome.kind;
          const needed = outcome.kind === 'success' ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
          if (streak >= needed && tell(outcome) === 'stop') return;
          again(periodMs);
        });
      }, delayMs);
      this.#timers.add(timer);
    };
    again((probe.initialDelaySeconds ?? 0) * 1000);
  }
}

/** Never rejects. */
async function runProbe(probe: ProbeSpec, container: ProbedContainer, address: string): Promise<Outcome> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  const { httpGet, tcpSocket } = probe;
  if (httpGet) {
    const port = portOf(httpGet.port, container);
    return httpOutcome(httpGet, httpGet.host ?? address, port, timeoutMs);
  }
  if (tcpSocket) return tcpOutcome(tcpSocket.host ?? address, portOf(tcpSocket.port, container), timeoutMs);
  return { kind: 'failure', reason: 'only httpGet and tcpSocket probes are played here' };
}

function portOf(port: number | string, { ports = [] }: ProbedContainer): number {
  if (typeof port === 'number') return port;
  return ports.find(({ name }) => name === port)?.containerPort ?? Number(port);
}

function httpOutcome(
  { path = '/', scheme = 'HTTP', httpHeaders = [] }: NonNullable<ProbeSpec['httpGet']>,
  host: string,
  port: number,
  timeoutMs: number,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = {
      host,
      port,
      path,
      timeout: timeoutMs,
      agent: false as const,
      headers: {
        'user-agent': 'kube-probe/1.37',
        ...Object.fromEntries(httpHeaders.map((each) => [each.name, each.value])),
      },
    };
    // As the kubelet: a probe looks at whether the server answers, not at who it is.
    const request = scheme === 'HTTPS' ? httpsRequest({ ...options, rejectUnauthorized: false }) : httpRequest(options);
    const failed = (reason: string): void => resolve({ kind: 'failure', reason });
    request.on('response', (response) => {
      const status = response.statusCode ?? 0;
      response.resume();
      response.on('error', () => undefined);
      if (status >= 200 && status < 400) resolve({ kind: 'success' });
      else failed(`HTTP probe failed with statuscode: ${status}`);
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    request.on('error', (error) => failed(error.message));
    request.end();
  });
}

function tcpOutcome(host: string, port: number, timeoutMs: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const done = (outcome: Outcome): void => {
      socket.destroy();
      resolve(outcome);
    };
    socket.on('connect', () => done({ kind: 'success' }));
    socket.on('timeout', () => done({ kind: 'failure', reason: `no connection within ${timeoutMs} ms` }));
    socket.on('error', (error) => done({ kind: 'failure', reason: error.message }));
  });
}
