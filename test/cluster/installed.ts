// Headroom on the running cluster, for a file of tests: installed with the resize component where it is not yet (applying again what is
// there is quick), its pods taken away afterwards but for those that stay (steady.ts, `stays`). With HEADROOM_CLUSTER_FRESH=1 each file gets an
// install of its own.
import type { Commanded } from '../e2e/cluster.ts';
import { install, SYSTEM } from '../e2e/install.ts';
import { until } from '../e2e/until.ts';
import type { SeenCluster } from './cluster.ts';
import { openCluster } from './cluster.ts';
import { STEADY_NAMES } from './steady.ts';

export interface Installed {
  readonly cluster: SeenCluster;
  /** What was applied. */
  readonly folder: string;
  close(): Promise<void>;
}

/** Until an install is Ready: three Node processes start at once on two emulated cores. */
export const INSTALL_MS = 200_000;
const GONE_MS = 90_000;

export interface InstallOptions {
  /** What is there already when Headroom comes. */
  readonly before?: readonly object[];
  /** What comes once it is Ready, while pods of an earlier file are still on their way out. */
  readonly after?: readonly object[];
  /** Of deploy/components. */
  readonly components?: readonly string[];
  /** Names of pods of which the next file wants to know what became of them, where that has the same install. */
  readonly stays?: readonly string[];
}

export async function openInstalled({
  before = [],
  after = [],
  components = ['resize'],
  stays = [],
}: InstallOptions = {}): Promise<Installed> {
  const cluster = await openCluster();
  try {
    await applied(cluster, before);
    // What an earlier file took away is on its way out meanwhile.
    const [folder] = await Promise.all([
      install(cluster, 'release', components, INSTALL_MS).then(async (installed) => {
        await applied(cluster, after);
        return installed;
      }),
      endingPodsGone(cluster, () => true),
    ]);
    const close = async (): Promise<void> => {
      const isFresh = Boolean(process.env['HEADROOM_CLUSTER_FRESH']);
      if (isFresh) {
        await uninstall(cluster, folder);
        await uninstalled(cluster);
      }
      // What another install did to a pod tells nothing of the next one.
      const staying = [...STEADY_NAMES, ...(isFresh ? [] : stays)];
      await cluster.kubectlOk('delete', 'pods', '-n', 'default', '-l', `app notin (${staying.join(', ')})`, '--wait=false'); // prettier-ignore
      cluster.close();
    };
    return { cluster, folder, close };
  } catch (error) {
    cluster.close();
    throw error;
  }
}

/** As its users do it; what is deleted may still be on its way out. */
export async function uninstall(cluster: Commanded, folder: string): Promise<void> {
  await cluster.kubectlOk('delete', '-k', folder, '--ignore-not-found', '--wait=false');
}

/** Its namespace goes last. */
export async function uninstalled(cluster: Commanded): Promise<void> {
  const gone = async (): Promise<true | undefined> =>
    (await cluster.kube.call('GET', `/api/v1/namespaces/${SYSTEM}`)).status === 404 || undefined;
  await until('Headroom being gone', gone, GONE_MS, 200);
}

interface Named {
  readonly kind?: string;
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
}

/** Pods may have the names of some that an earlier file took away; those that it left are as they are by now. */
async function applied(cluster: SeenCluster, objects: readonly object[]): Promise<void> {
  const named = objects as readonly Named[];
  const names = new Set(named.flatMap(({ kind, metadata }) => (kind === 'Pod' ? [metadata.name] : [])));
  const there = await endingPodsGone(cluster, (name) => names.has(name));
  const lacking = named.filter(({ kind, metadata }) => kind !== 'Pod' || !there.has(metadata.name));
  if (lacking.length > 0) await cluster.apply(...lacking);
}

/** @returns the names of those that are there */
function endingPodsGone(cluster: Commanded, isAwaited: (name: string) => boolean): Promise<ReadonlySet<string>> {
  const gone = async (): Promise<ReadonlySet<string> | undefined> => {
    const { items } = await cluster.kube.json<{ items: readonly Named[] }>('GET', '/api/v1/namespaces/default/pods');
    const ending = items.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
    if (ending.some(({ metadata }) => isAwaited(metadata.name))) return undefined;
    return new Set(items.map(({ metadata }) => metadata.name));
  };
  return until('the pods being gone', gone, GONE_MS, 200);
}
