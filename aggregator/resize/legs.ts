// How long each leg of a resize took, from the agent's judgement to the new limit in the cgroup. All instants are this
// process's CLOCK_BOOTTIME in ms, but for the first leg: on another machine it ends when the agent sends, as its clock tells.

export interface Legs {
  /** Agent's judgement → receipt, ms. */
  readonly raisedAgoMs: number;
  readonly receivedMs: number;
  readonly decidedMs: number;
  readonly acceptedMs?: number;
  /** When the agent's reading of the cgroup arrived here: later than the write by up to a push. */
  readonly confirmedMs?: number;
}

/** Durations for a log line; a leg that was not gone is left out. */
export function legDurations({
  raisedAgoMs,
  receivedMs,
  decidedMs,
  acceptedMs,
  confirmedMs,
}: Legs): Record<string, number> {
  return {
    signalToReceivedMs: whole(raisedAgoMs),
    receivedToDecidedMs: whole(decidedMs - receivedMs),
    ...(acceptedMs === undefined ? {} : { decidedToAcceptedMs: whole(acceptedMs - decidedMs) }),
    ...(acceptedMs === undefined || confirmedMs === undefined
      ? {}
      : { acceptedToConfirmedMs: whole(confirmedMs - acceptedMs) }),
  };
}

/** For an Event: "signal to receipt 12 ms, to decision 0.4 ms, …". */
export function describeLegs(legs: Legs): string {
  const durations = legDurations(legs);
  const names: readonly (readonly [string, string])[] = [
    ['signalToReceivedMs', 'signal to receipt'],
    ['receivedToDecidedMs', 'to decision'],
    ['decidedToAcceptedMs', 'to acceptance'],
    ['acceptedToConfirmedMs', 'to the cgroup'],
  ];
  return names
    .filter(([key]) => durations[key] !== undefined)
    .map(([key, name]) => `${name} ${durations[key]} ms`)
    .join(', ');
}

function whole(ms: number): number {
  return Math.round(ms * 10) / 10;
}
