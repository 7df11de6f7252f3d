// A pod's network namespace: loopback of its own and one address, joined to the tier's namespace by a veth pair and a route, as a
// point-to-point CNI plugin does it. The harness's side answers ARP for everything beyond (ip-sysctl: proxy_arp).
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Sandbox {
  /** What to put before a command that belongs into it. */
  readonly prefix: readonly string[];
  remove(): Promise<void>;
}

/** Interfaces' names have at most 15 characters. */
let interfaceNumber = 0;

const SETUP = `
set -e
: > "$FILE"
unshare --net="$FILE" true
ip link add "$LINK" type veth peer name eth0 netns "$FILE"
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 1 > "/proc/sys/net/ipv4/conf/$LINK/proxy_arp"
echo 0 > "/proc/sys/net/ipv4/neigh/$LINK/proxy_delay"
ip link set "$LINK" up
ip route add "$ADDRESS/32" dev "$LINK" src "$NODE"
nsenter --net="$FILE" /bin/sh -ec 'ip link set lo up; ip addr add "$ADDRESS/32" dev eth0; ip link set eth0 up; ip route add default dev eth0'
`;

/** @param node the address of the node, which is the harness's own @param folder of the pod, exists */
export async function makeSandbox(folder: string, address: string, node: string): Promise<Sandbox> {
  const file = join(folder, 'net');
  const link = `pod${interfaceNumber++}`;
  await sh(SETUP, { FILE: file, LINK: link, ADDRESS: address, NODE: node });
  return {
    prefix: ['nsenter', `--net=${file}`],
    remove: async () => {
      // The pair goes with either end; a namespace lives on in its mount.
      await sh('ip link del "$LINK"; umount "$FILE"', { FILE: file, LINK: link });
      rmSync(file, { force: true });
    },
  };
}

async function sh(script: string, variables: Readonly<Record<string, string>>): Promise<void> {
  try {
    await promisify(execFile)('/bin/sh', ['-c', script], { env: { ...process.env, ...variables } });
  } catch (error) {
    const { stderr, message } = error as Error & { readonly stderr?: string };
    throw new Error(`a pod's network can't be made: ${stderr === undefined || stderr === '' ? message : stderr}`, {
      cause: error,
    });
  }
}
