// This machine as a Node object. Source: core/v1 NodeStatus, what a kubelet reports.
import { arch, availableParallelism, release, totalmem, type as osType } from 'node:os';
import { readFileSync } from 'node:fs';
import type { NewObject } from '../api/objects.ts';
import { secondsOf } from '../api/object-store.ts';

/** The cluster of one runs no more pods than a kubelet's default. */
const MAX_PODS = '110';

export interface Capacity {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
}

export function machineCapacity(): Capacity {
  return { cpuMillis: availableParallelism() * 1000, memoryBytes: totalmem() };
}

export function nodeObject(name: string, { cpuMillis, memoryBytes }: Capacity, wallTimeMs: number): NewObject {
  const amounts = { cpu: `${cpuMillis}m`, memory: `${Math.floor(memoryBytes / 1024)}Ki`, pods: MAX_PODS };
  const architecture = arch() === 'x64' ? 'amd64' : arch();
  const at = secondsOf(wallTimeMs);
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': architecture,
        'node-role.kubernetes.io/standalone': '',
      },
    },
    spec: {},
    status: {
      capacity: amounts,
      allocatable: amounts,
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'KubeletReady',
          message: 'headroom standalone plays the kubelet of this machine',
          lastHeartbeatTime: at,
          lastTransitionTime: at,
        },
      ],
      addresses: [
        { type: 'InternalIP', address: '127.0.0.1' },
        { type: 'Hostname', address: name },
      ],
      nodeInfo: {
        machineID: '',
        systemUUID: '',
        bootID: bootId(),
        kernelVersion: release(),
        osImage: osImage(),
        operatingSystem: osType().toLowerCase(),
        architecture,
        containerRuntimeVersion: 'headroom://0.1.0',
        kubeletVersion: 'v1.36.0+headroom',
        kubeProxyVersion: '',
      },
    },
  };
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return '';
  }
}

function osImage(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';
  } catch {
    return 'Linux';
  }
}
