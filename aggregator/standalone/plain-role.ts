// A role without a cgroup of its own, where there are no rights to make one: a plain child process, started again when it ends.
import type { Logger } from '../../agent/runtime/logger.ts';
import type { CgroupWriter } from './kubelet/cgroup-writer.ts';
import type { Program } from './kubelet/container-process.ts';
import { ContainerProcess } from './kubelet/container-process.ts';
import type { OwnPod } from './kubelet/kubelet.ts';

export function runPlainly(pod: OwnPod, writer: CgroupWriter, log: Logger): readonly ContainerProcess[] {
  return [...pod.programs.values()].map((program: Program) => {
    const running = new ContainerProcess({
      log,
      wallTimeMs: Date.now,
      program,
      writer,
      podCgroup: undefined,
      resources: () => ({}),
      onStarted: () => undefined,
      onEnded: ({ exitCode }, restartInMs) =>
        log.warn({ pod: `${pod.namespace}/${pod.name}`, exitCode, restartInMs }, 'process ended'),
      onRefused: (cause) => log.error({ pod: `${pod.namespace}/${pod.name}`, reason: cause }, 'process did not start'),
    });
    running.start();
    return running;
  });
}
