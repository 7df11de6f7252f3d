// The machine of the node: qemu in software emulation (no KVM), the kernel without an initramfs, two NVMe disks that it has drivers for.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { EMULATED_CLOCK } from '../vm/emulator.ts';

export interface QemuOptions {
  readonly qemu: string;
  /** A bzImage. */
  readonly kernel: string;
  readonly disk: string;
  /** What is written to the disk is kept, and a reset ends the machine. */
  readonly keep?: boolean;
  /** Read-only, raw. */
  readonly secondDisk?: string;
  /** Of the guest's interface; none: no network. */
  readonly tap?: string;
  readonly memoryMiB: number;
  /** Kernel parameters. */
  readonly parameters: readonly string[];
  readonly consoleFile: string;
}

export interface Qemu {
  readonly pid: number;
  /** Resolves at its end. */
  readonly ended: Promise<void>;
  /** The last lines of the console, and of qemu itself. */
  lastWords(): string;
  /** As by its reset button. */
  reset(): void;
  kill(): void;
}

const LAST_LINES = 40;
const LAST_BYTES = 4000;

export function startQemu(options: QemuOptions): Qemu {
  const child = spawn(options.qemu, qemuArguments(options), { stdio: ['pipe', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr = (stderr + chunk).slice(-LAST_BYTES)));
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      stderr += error.message;
      resolve();
    });
  });
  // Its monitor is told nothing once it has ended.
  child.stdin.on('error', () => undefined);
  return {
    pid: child.pid ?? 0,
    ended,
    lastWords: () => `${tailOf(options.consoleFile)}${stderr}`,
    reset: () => void child.stdin.write('system_reset\n'),
    kill: () => void child.kill('SIGKILL'),
  };
}

/** What it translated; when that is full, all of it is thrown away and translated again. A booted node with Headroom needs 0.7 GiB. */
const TRANSLATIONS_MIB = 1024;
const LEAST_TRANSLATIONS_MIB = 256;
/** For the control plane and the tests. */
const OTHERS_MIB = 1536;

function translationsMiB(guestMiB: number): number {
  const leftMiB = Math.floor(freemem() / 2 ** 20) - guestMiB - OTHERS_MIB;
  return Math.min(TRANSLATIONS_MIB, Math.max(LEAST_TRANSLATIONS_MIB, leftMiB));
}

function qemuArguments(options: QemuOptions): string[] {
  const { kernel, disk, keep, secondDisk, tap, memoryMiB, parameters, consoleFile } = options;
  const kernelParameters = [
    'console=ttyS0 quiet panic=-1 psi=1 rcupdate.rcu_expedited=1 mitigations=off',
    EMULATED_CLOCK,
    'root=/dev/nvme0n1 rootfstype=ext4 rw init=/init',
    ...parameters,
  ];
  const groups: readonly (readonly string[])[] = [
    [
      '-accel',
      `tcg,thread=multi,tb-size=${translationsMiB(memoryMiB)}`,
      '-cpu',
      'max,-la57',
      '-smp',
      '2',
      '-m',
      String(memoryMiB),
    ],
    ['-nodefaults', '-display', 'none', '-monitor', 'stdio', '-serial', `file:${consoleFile}`, '-rtc', 'base=utc'],
    ['-kernel', kernel, '-append', kernelParameters.join(' ')],
    keep ? ['-no-reboot'] : [],
    nvme('root', `${disk},cache=unsafe,snapshot=${keep ? 'off' : 'on'}`),
    secondDisk ? nvme('second', `${secondDisk},readonly=on`) : [],
    tap ? ['-netdev', `tap,id=net,ifname=${tap},script=no,downscript=no,vhost=off`] : [],
    tap ? ['-device', 'virtio-net-pci,netdev=net,romfile='] : [],
    ['-device', 'virtio-rng-pci'],
  ];
  return groups.flat();
}

function nvme(name: string, file: string): readonly string[] {
  return ['-drive', `file=${file},if=none,id=${name},format=raw`, '-device', `nvme,drive=${name},serial=${name}`];
}

function tailOf(file: string): string {
  try {
    return `${readFileSync(file, 'latin1').trimEnd().split('\n').slice(-LAST_LINES).join('\n')}\n`;
  } catch {
    return '';
  }
}
