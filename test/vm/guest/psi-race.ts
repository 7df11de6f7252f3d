// Runs psi-race.c beside nothing else and passes its counts on while it runs: a kernel that crashes leaves the last of them on the host.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { lineCutter } from '../guest-lines.ts';
import type { PsiRaceCounts } from '../psi-race-verdict.ts';
import { progress, result } from './say.ts';

const PROGRAM = '/headroom/bin/psi-race';
const TOLD_EACH_S = 10;

export async function psiRace(seconds: number, withTriggers: boolean): Promise<void> {
  result('kernel', readFileSync('/proc/sys/kernel/osrelease', 'latin1').trim());
  const race = spawn(PROGRAM, [String(seconds), withTriggers ? '1' : '0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let complaint = '';
  race.stderr.setEncoding('utf8').on('data', (text: string) => (complaint = (complaint + text).slice(0, 4000)));
  race.stdout.setEncoding('utf8').on('data', lineCutter(tell));
  const how = await new Promise<number | string | null>((resolve, reject) => {
    race.once('close', (status, signal) => resolve(signal ?? status)).once('error', reject);
  });
  if (how !== 0 || complaint !== '') throw new Error(`psi-race ended with ${how}: ${complaint}`);
}

function tell(line: string): void {
  const counts = JSON.parse(line) as PsiRaceCounts;
  result('counts', counts);
  if (counts.seconds % TOLD_EACH_S === 0) progress(line);
}
