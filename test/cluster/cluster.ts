// The running cluster as a test file sees it: the setup (setup.ts) has started it in another process and left a note in the run's folder.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Commanded } from '../e2e/cluster.ts';
import { commands } from '../e2e/cluster.ts';
import { openKube } from '../e2e/kube.ts';
import { runPlace } from '../e2e/namespace.ts';

/** What the setup leaves. */
export interface Note {
  readonly url: string;
  readonly kubeconfig: string;
  readonly auditFile: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface SeenCluster extends Commanded {
  logsOf(podName: string): Promise<string>;
  close(): void;
}

const LOG_LINES = 200;

function noteFile(): string {
  return join(runPlace(process.env).folder, 'cluster.json');
}

export function leaveNote(note: Note): void {
  writeFileSync(noteFile(), JSON.stringify(note), { mode: 0o600 });
}

export async function openCluster(): Promise<SeenCluster> {
  const note = JSON.parse(readFileSync(noteFile(), 'utf8')) as Note;
  const kube = openKube(note.url, { ca: note.ca, cert: note.cert, key: note.key });
  const run = await commands(note, runPlace(process.env).folder);
  const logsOf = async (podName: string): Promise<string> => {
    const path = `/api/v1/pods`;
    const { items } = await kube.json<{ items: { metadata: { name: string; namespace: string } }[] }>('GET', path);
    const found = items.filter(({ metadata: { name } }) => name.startsWith(podName));
    const said = found.map(({ metadata: { name, namespace } }) => run.kubectl('logs', '-n', namespace, name, '--all-containers', `--tail=${LOG_LINES}`)); // prettier-ignore
    return (await Promise.all(said)).map(({ stdout, stderr }) => stdout + stderr).join('');
  };
  return { controlPlane: note, kube, ...run, logsOf, close: () => kube.close() };
}
