// A shortage as one sentence, for the list of signals.
import type { Evidence, RaisedShortage } from '../shortage/evidence.ts';

const MIB = 1024 * 1024;

export function shortageText(shortage: RaisedShortage): string {
  const { resource, kind, need, limit, rate, secondsToHarm, evidence } = shortage;
  if (resource === 'cpu')
    return `cpu ${kind}: uses ${rounded(need)} m of ${rounded(limit)} m, throttled in ${percent(rate)} of periods${waits(evidence)}`;
  if (evidence.hotRefaultsPerS !== undefined)
    return `memory ${kind}: thrashing at ${rounded(limit / MIB)} MiB, ${percent(evidence.stallShare ?? NaN)} of the time waiting, ${Math.round(evidence.hotRefaultsPerS)} pages/s read back`;
  const pace = `growing ${rounded(rate / MIB)} MiB/s, ${rounded(secondsToHarm)} s to the limit`;
  return `memory ${kind}: needs ${rounded(need / MIB)} MiB of ${rounded(limit / MIB)} MiB, ${pace}${said(evidence)}`;
}

function rounded(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function waits({ waitShare, crowdedShare }: Evidence): string {
  if (waitShare === undefined || crowdedShare === undefined) return '';
  return `, waiting ${percent(waitShare)} of the time, ${percent(crowdedShare)} for others`;
}

function said({ said: word }: Evidence): string {
  if (word === undefined) return '';
  return word === 'alarm' ? ' (the kernel’s alarm)' : ' (out of memory)';
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
