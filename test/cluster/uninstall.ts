// Between two files of tests: Headroom taken away as its users do it, and the pods of the tests with it.
import type { Commanded } from '../e2e/cluster.ts';
import { SYSTEM } from '../e2e/install.ts';
import { REPOSITORY } from '../e2e/kubelet/images.ts';
import { until } from '../e2e/until.ts';

const GONE_MS = 90_000;

/** @param folder what was applied */
export async function uninstall(cluster: Commanded, folder = `${REPOSITORY}/deploy/overlays/release`): Promise<void> {
  await cluster.kubectlOk('delete', '-k', folder, '--ignore-not-found', '--wait=false');
  await cluster.kubectlOk('delete', 'pods', '-n', 'default', '--all', '--wait=false');
  const gone = async (): Promise<true | undefined> => {
    const { status } = await cluster.kube.call('GET', `/api/v1/namespaces/${SYSTEM}`);
    const pods = await cluster.kube.json<{ items: readonly unknown[] }>('GET', '/api/v1/namespaces/default/pods');
    return (status === 404 && pods.items.length === 0) || undefined;
  };
  await until('everything being gone', gone, GONE_MS, 200);
}
