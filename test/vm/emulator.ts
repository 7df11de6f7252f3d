// The emulator. QEMU 7.2, Debian 12's own, loses a guest with two CPUs now and then; 10.0 lost none in 45 boots here, but one at a restart now and
// then (test/cluster/watchdog.ts). Where the installed one is older, Debian's backport is taken by apt with lists of its own and unpacked into
// the cache: nothing is installed, nothing is configured.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheDirectory } from './kernel-image.ts';
import { findTool } from './prerequisites.ts';

const PROGRAM = 'qemu-system-x86_64';
const LEAST_MAJOR = 10;
/** The program and what it reads beside its libraries and its BIOS, which the installed one brought. */
const PACKAGES = ['qemu-system-x86', 'qemu-system-data'];
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const DOWNLOAD_MS = 120_000;

/**
 * A kernel parameter. Emulated CPUs read their host's time stamp counter, the same one, and the kernel takes them for unsynchronized, as any of
 * AMD's without CONSTANT_TSC: each look at the clock was then a system call and a way out to the emulator's HPET.
 */
export const EMULATED_CLOCK = 'tsc=reliable';

/** @returns its path @throws Error when none is installed */
export function emulator(environment: NodeJS.ProcessEnv, say: (text: string) => void): string {
  const installed = findTool(PROGRAM, environment['PATH'] ?? '');
  if (installed === undefined) throw new Error(`${PROGRAM} is not installed`);
  const major = majorOf(installed);
  if (major !== undefined && major >= LEAST_MAJOR) return installed;
  const codename = debianCodename(read('/etc/os-release'));
  if (codename === undefined) return installed;
  const target = join(cacheDirectory(environment), 'vm', `qemu-${codename}-backports`);
  const backport = join(target, 'usr/bin', PROGRAM);
  try {
    if (!existsSync(backport)) {
      say(`taking a newer QEMU than ${major ?? 'the installed one'} from ${codename}-backports`);
      download(codename, target);
    }
    if ((majorOf(backport) ?? 0) >= LEAST_MAJOR) return backport;
    throw new Error(`${backport} does not run`);
  } catch (error) {
    say(`the installed QEMU is used, which may lose a guest: ${(error as Error).message}`);
    return installed;
  }
}

/** @returns undefined: not Debian, or a release without a name */
export function debianCodename(osRelease: string): string | undefined {
  const field = (name: string): string | undefined => new RegExp(`^${name}="?([a-z]+)"?$`, 'm').exec(osRelease)?.[1];
  return field('ID') === 'debian' ? field('VERSION_CODENAME') : undefined;
}

function majorOf(program: string): number | undefined {
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  const major = /version (\d+)\./.exec(stdout ?? '')?.[1];
  return major === undefined ? undefined : Number(major);
}

/** In one rename, so that an interrupted download leaves nothing half made. @throws Error with apt's own words */
function download(codename: string, target: string): void {
  const work = mkdtempSync(join(tmpdir(), 'headroom-qemu-'));
  try {
    for (const folder of ['lists/partial', 'cache/archives/partial'])
      mkdirSync(join(work, folder), { recursive: true });
    const sources = join(work, 'sources.list');
    writeFileSync(sources, `deb [signed-by=${KEYRING}] http://deb.debian.org/debian ${codename}-backports main\n`);
    const options = [
      `Dir::Etc::SourceList=${sources}`,
      'Dir::Etc::SourceParts=/dev/null',
      `Dir::State::Lists=${join(work, 'lists')}`,
      `Dir::Cache=${join(work, 'cache')}`,
      'APT::Sandbox::User=root',
    ].flatMap((option) => ['-o', option]);
    must('apt-get', [...options, '-q', 'update'], work);
    must('apt-get', [...options, '-q', 'download', ...PACKAGES.map((name) => `${name}/${codename}-backports`)], work);
    const staged = `${target}.${process.pid}`;
    for (const archive of readdirSync(work).filter((file) => file.endsWith('.deb'))) must('dpkg', ['-x', archive, staged], work); // prettier-ignore
    rmSync(target, { recursive: true, force: true });
    renameSync(staged, target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function must(command: string, args: readonly string[], cwd: string): void {
  const { status, stderr, error } = spawnSync(command, [...args], { cwd, encoding: 'utf8', timeout: DOWNLOAD_MS });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${stderr.trim()}`);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
