// One boot of the virtual machine: qemu in software emulation (no KVM needed, no root), bounded in time, killed by its own pid.
import { spawn } from 'node:child_process';
import { EMULATED_CLOCK } from './emulator.ts';
import { answerOf, complaintsOf, lineCutter, machineFailed, parseGuestLine } from './guest-lines.ts';
import type { GuestAnswer, GuestLine } from './guest-lines.ts';
import type { GuestImage } from './initramfs.ts';
import type { KernelImage } from './kernel-image.ts';
import { readFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Boot {
  readonly kernel: KernelImage;
  readonly image: GuestImage;
  readonly qemu: string;
  /** The program in guest/main.ts that runs; the guest powers off when it ends. */
  readonly scenario: string;
  readonly timeoutMs: number;
  readonly memoryMiB: number;
  /** A kernel that crashes is this boot's answer, for a scenario that asks whether it does. */
  readonly onlyOnce?: boolean;
  /** After the machine's own, so that they win. */
  readonly kernelParameters?: string;
  readonly say: (text: string) => void;
}

export interface GuestRun extends GuestAnswer {
  /** The last lines of the kernel's console, for a reader of a failure. */
  readonly console: string;
  /** Of the kernel about itself, all that it made. */
  readonly complaints: readonly string[];
  readonly durationMs: number;
}

/** The guest gives up before the host does, so that its last words still arrive; it repeats its end for as long (guest/init.sh). */
const HOST_GRACE_MS = 30_000;
const CONSOLE_TAIL_LINES = 40;

/** Boots, and once more where the machine itself failed: QEMU 7.2 without KVM is known to oops, to stop or to end early now and then. */
export async function runGuest(boot: Boot): Promise<GuestRun> {
  const first = await bootOnce(boot);
  if (first.ended || boot.onlyOnce || !machineFailed(first.console)) return first;
  boot.say(`the machine failed after ${(first.durationMs / 1000).toFixed(1)} s; booting once more\n${first.console}`);
  return bootOnce(boot);
}

async function bootOnce(boot: Boot): Promise<GuestRun> {
  const startedAt = performance.now();
  const work = mkdtempSync(join(tmpdir(), 'headroom-guest-'));
  const consoleFile = join(work, 'console.log');
  const lines: GuestLine[] = [];
  const qemu = spawn(boot.qemu, qemuArguments(boot, consoleFile), { stdio: ['ignore', 'pipe', 'pipe'] });
  const release = endWithUs(() => {
    qemu.kill('SIGKILL');
    rmSync(work, { recursive: true, force: true });
    boot.image.remove();
  });
  const feed = lineCutter((line) => {
    const parsed = parseGuestLine(line);
    if (parsed?.kind === 'progress') boot.say(`${parsed.uptimeS.toFixed(1).padStart(6)} s ${parsed.text}`);
    if (parsed) lines.push(parsed);
    // The guest waits for this: were it to cut its own power, what its serial port still holds would be lost at times.
    if (parsed?.kind === 'end') qemu.kill('SIGTERM');
  });
  qemu.stdout.setEncoding('utf8').on('data', feed);
  let stderr = '';
  qemu.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr = (stderr + chunk).slice(-4000)));
  const deadline = setTimeout(() => qemu.kill('SIGKILL'), boot.timeoutMs + HOST_GRACE_MS);
  try {
    const how = await new Promise<string>((resolve, reject) => {
      qemu.once('close', (status, signal) => resolve(`qemu ended: ${signal ?? `status ${status}`}\n`));
      qemu.once('error', reject);
    });
    const said = textOf(consoleFile);
    return {
      ...answerOf(lines),
      console: tailOf(said) + stderr + how,
      complaints: complaintsOf(said),
      durationMs: performance.now() - startedAt,
    };
  } finally {
    clearTimeout(deadline);
    release();
    rmSync(work, { recursive: true, force: true });
  }
}

function qemuArguments(boot: Boot, consoleFile: string): string[] {
  const guestSeconds = Math.round(boot.timeoutMs / 1000);
  const options: readonly (readonly string[])[] = [
    [...acceleration(process.env), '-cpu', 'max,-la57', '-smp', '2', '-m', String(boot.memoryMiB)],
    ['-nodefaults', '-display', 'none', '-no-reboot'],
    ['-serial', `file:${consoleFile}`, '-serial', 'stdio'],
    ['-kernel', boot.kernel.path, '-initrd', boot.image.initramfs],
    [
      '-append',
      `console=ttyS0 quiet panic=-1 psi=1 rcupdate.rcu_expedited=1 ${EMULATED_CLOCK} headroom.scenario=${boot.scenario} headroom.seconds=${guestSeconds} ${boot.kernelParameters ?? ''}`,
    ],
    // The cloud kernel has NVMe and ext4 built in: no modules are needed. `snapshot` keeps the image as it is for the next boot.
    ['-drive', `file=${boot.image.disk},if=none,id=disk,format=raw,snapshot=on,cache=unsafe`],
    ['-device', 'nvme,drive=disk,serial=headroom'],
  ];
  return options.flat();
}

/**
 * HEADROOM_VM_NS_AN_INSTRUCTION=8: the guest's time is its instructions, eight nanoseconds each, one CPU after the other. What a process
 * takes of it is then the same whatever else the machine does.
 */
function acceleration({ HEADROOM_VM_NS_AN_INSTRUCTION: ns }: NodeJS.ProcessEnv): readonly string[] {
  if (!ns) return ['-accel', 'tcg,thread=multi'];
  return ['-accel', 'tcg,thread=single', '-icount', `shift=${Math.log2(Number(ns))}`];
}

/** Whatever ends this process ends the guest and takes its files along; SIGKILL alone leaves it to the guest's own deadline. */
export function endWithUs(end: () => void): () => void {
  const endAndLeave = (signal: NodeJS.Signals): void => {
    end();
    process.kill(process.pid, signal);
  };
  process.once('exit', end).once('SIGTERM', endAndLeave).once('SIGINT', endAndLeave);
  return () => void process.off('exit', end).off('SIGTERM', endAndLeave).off('SIGINT', endAndLeave);
}

function tailOf(text: string): string {
  return text === '' ? '' : `${text.split('\n').slice(-CONSOLE_TAIL_LINES).join('\n')}\n`;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
