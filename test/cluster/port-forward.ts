// `kubectl port-forward`, as an operator uses it to reach an agent's debugging endpoint.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Commanded } from '../e2e/cluster.ts';
import { kubectlPath } from '../kubectl/kubectl.ts';

export interface Forward {
  readonly url: string;
  close(): void;
}

const FORWARD_MS = 30_000;
const ANSWER_MS = 30_000;

export async function forward(
  { controlPlane }: Commanded,
  what: string,
  namespace: string,
  port: number,
): Promise<Forward> {
  const env = { ...process.env, KUBECONFIG: controlPlane.kubeconfig };
  const args = ['port-forward', '-n', namespace, what, `:${port}`];
  const child = spawn(await kubectlPath(), args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const local = await localPort(child);
  return { url: `http://127.0.0.1:${local}`, close: () => void child.kill('SIGTERM') };
}

async function localPort(child: ChildProcess): Promise<number> {
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  const deadline = setTimeout(() => child.kill('SIGKILL'), FORWARD_MS);
  try {
    for await (const line of createInterface({ input: child.stdout! })) {
      const port = /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (port !== undefined) {
        child.stdout!.resume();
        return Number(port);
      }
    }
    throw new Error(`kubectl port-forward ended: ${said}`);
  } finally {
    clearTimeout(deadline);
  }
}

export async function getJson<T>(url: string): Promise<T>;
/** @returns undefined where the answer has one of these codes */
export async function getJson<T>(url: string, absent: readonly number[]): Promise<T | undefined>;
export async function getJson<T>(url: string, absent: readonly number[] = []): Promise<T | undefined> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
  if (absent.includes(answer.status)) {
    await answer.body?.cancel();
    return undefined;
  }
  if (!answer.ok) throw new Error(`${url}: HTTP ${answer.status}`);
  return (await answer.json()) as T;
}
