import { describe, expect, it } from 'vitest';
import type { Container, Pod, PodSpec } from '../api/objects.ts';
import type { ContainerLife, Ending, Run } from './container-process.ts';
import type { LifeHooks } from './pod-containers.ts';
import { PodContainers } from './pod-containers.ts';

/** A container whose program ends when it is told to. */
class FakeLife implements ContainerLife {
  readonly #hooks: LifeHooks;
  run: Run | undefined;
  starts = 0;

  constructor(hooks: LifeHooks) {
    this.#hooks = hooks;
  }

  start(): void {
    this.starts++;
    this.run = { containerId: `id-${this.starts}`, cgroup: undefined, pid: 1, startedAtMs: 0 };
    this.#hooks.onStarted(this.run);
  }

  restart(): void {
    this.end(143);
  }

  async stop(): Promise<void> {
    this.run = undefined;
  }

  end(exitCode: number): void {
    this.run = undefined;
    const reason = exitCode === 0 ? 'Completed' : 'Error';
    const ending: Ending = { containerId: 'x', startedAtMs: 0, finishedAtMs: 1, exitCode, reason };
    const again = this.#hooks.restarts(ending);
    this.#hooks.onEnded(ending, again ? 0 : undefined);
    if (again) this.start();
  }
}

function containersOf(spec: PodSpec): { lives: Map<string, FakeLife>; containers: PodContainers; events: string[] } {
  const lives = new Map<string, FakeLife>();
  const events: string[] = [];
  const containers = new PodContainers({
    pod: { metadata: { name: 'p' }, spec, status: { phase: 'Pending' } } as Pod,
    address: '127.0.0.1',
    create: (container, hooks) => {
      const life = new FakeLife(hooks);
      lives.set(container.name, life);
      return life;
    },
    onChange: () => undefined,
    onEvent: ({ reason }) => events.push(reason),
  });
  containers.start();
  return { lives, containers, events };
}

const named = (name: string, more: object = {}): Container => ({ name, image: 'i', ...more });
const started = (lives: ReadonlyMap<string, FakeLife>): readonly string[] =>
  [...lives].filter(([, life]) => life.starts > 0).map(([name]) => name);

describe('the containers of a pod', () => {
  it('start one init container after the other, then all main ones', () => {
    const { lives } = containersOf({
      initContainers: [named('first'), named('second')],
      containers: [named('main'), named('other')],
    });
    expect(started(lives)).toEqual(['first']);
    lives.get('first')!.end(0);
    expect(started(lives)).toEqual(['first', 'second']);
    lives.get('second')!.end(0);
    expect(started(lives)).toEqual(['first', 'second', 'main', 'other']);
  });

  it('start an init container again until it succeeds, before anything else', () => {
    const { lives } = containersOf({ initContainers: [named('first')], containers: [named('main')] });
    lives.get('first')!.end(1);
    expect(lives.get('first')!.starts).toBe(2);
    expect(started(lives)).toEqual(['first']);
    lives.get('first')!.end(0);
    expect(started(lives)).toEqual(['first', 'main']);
  });

  it('go on beside a sidecar that has started, which comes back when it ends', () => {
    const { lives, containers } = containersOf({
      initContainers: [named('side', { restartPolicy: 'Always' })],
      containers: [named('main')],
    });
    expect(started(lives)).toEqual(['side', 'main']);
    lives.get('side')!.end(0);
    expect(lives.get('side')!.starts).toBe(2);
    expect(containers.outlooks().init).toMatchObject([{ over: false, restartCount: 1, ready: true }]);
  });

  it('wait for a sidecar whose startup probe has not succeeded', async () => {
    const { lives, containers } = containersOf({
      initContainers: [named('side', { restartPolicy: 'Always', startupProbe: { exec: {} } })],
      containers: [named('main')],
    });
    expect(started(lives)).toEqual(['side']);
    await containers.stop();
  });

  it.each([
    ['Never', 1, 1, true],
    ['OnFailure', 0, 1, true],
    ['OnFailure', 1, 2, false],
    ['Always', 0, 2, false],
  ])('with restartPolicy %s and exit code %i start %i times', (restartPolicy, exitCode, starts, over) => {
    const { lives, containers } = containersOf({ restartPolicy, containers: [named('main')] });
    lives.get('main')!.end(exitCode);
    expect(lives.get('main')!.starts).toBe(starts);
    expect(containers.outlooks().main[0]).toMatchObject({ over, restartCount: starts - 1 });
  });

  it('start nothing more once the pod is stopped', async () => {
    const { lives, containers } = containersOf({ initContainers: [named('first')], containers: [named('main')] });
    await containers.stop();
    lives.get('first')!.end(0);
    expect(started(lives)).toEqual(['first']);
  });
});
