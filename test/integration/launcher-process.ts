// The launcher as a process of its own, as `npm start` runs it: from source where Node strips types, else from dist/.
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Kubectl } from './standalone-cluster.ts';
import { kubectlWith, until } from './standalone-cluster.ts';

const STRIPS_TYPES = 'typescript' in process.features && Boolean(process.features.typescript);
const MAIN = new URL(
  STRIPS_TYPES ? '../../aggregator/standalone/main.ts' : '../../dist/aggregator/standalone/main.js',
  import.meta.url,
).pathname;

export interface RunningProcess {
  readonly child: ChildProcess;
  /** stdout and stderr until now. */
  readonly output: () => string;
  /** The exit code; null after a signal. */
  readonly ended: Promise<number | null>;
}

export interface LauncherProcess extends RunningProcess {
  readonly kubectl: Kubectl;
  readonly kubeconfig: string;
  /** Why it can make no cgroups; undefined where it can. */
  readonly noRights: string | undefined;
}

/** @param runtimeFolder stands for XDG_RUNTIME_DIR: where it keeps its files */
export function runLauncher(runtimeFolder: string, ...args: readonly string[]): RunningProcess {
  return runLauncherBy([], runtimeFolder, ...args);
}

/** @param prefix a command that runs the one behind it, such as in a namespace */
export function runLauncherBy(
  prefix: readonly string[],
  runtimeFolder: string,
  ...args: readonly string[]
): RunningProcess {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: npm run build`);
  const [command = process.execPath, ...before] = prefix.length > 0 ? [...prefix, process.execPath] : [];
  const child = spawn(command, [...before, MAIN, '--no-view', ...args], {
    env: { ...process.env, XDG_RUNTIME_DIR: runtimeFolder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { child, output: () => output, ended };
}

/** Resolves when it has said everything that it says at the start. */
export async function startLauncher(runtimeFolder: string, ...args: readonly string[]): Promise<LauncherProcess> {
  const running = runLauncher(runtimeFolder, ...args);
  const { child, output } = running;
  const kubeconfig = await until(
    'the export line',
    () => {
      if (child.exitCode !== null) throw new Error(`the launcher ended:\n${output()}`);
      return /\nagent: /.test(output()) ? /^export KUBECONFIG=(.*)$/m.exec(output())?.[1] : undefined;
    },
    40_000,
  );
  const noRights = /^missing: own_cgroups: (.*)$/m.exec(output())?.[1];
  return { ...running, kubeconfig, noRights, kubectl: await kubectlWith(kubeconfig, runtimeFolder) };
}

export async function stopLauncher({ child, ended }: LauncherProcess, signal: NodeJS.Signals): Promise<number | null> {
  child.kill(signal);
  return ended;
}
