import { describe, expect, it } from 'vitest';
import { UNIFIED_CONTAINER, UNIFIED_ROOT, checkAgainstDamage, recorded } from '../../test/fixtures/cgroup/recorded.ts';
import { parseCpuMax } from './cpu-max.ts';
import { parseCpuStat } from './cpu-stat.ts';
import { parseIoStat } from './io-stat.ts';
import { parseMemoryEvents } from './memory-events.ts';
import { parseMemoryStat } from './memory-stat.ts';
import { parsePressure } from './pressure.ts';
import { emptySample } from './sample.ts';
import { parseLimitV1, parseSingleValue } from './single-value.ts';

const file = (name: string): Buffer => recorded(UNIFIED_ROOT, `${UNIFIED_CONTAINER}/${name}`);
const IO_STAT = Buffer.from(
  '8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0\n' +
    '8:0 rbytes=90430464 wbytes=299008000 rios=8950 wios=1252 dbytes=50331648 dios=3021\n',
);

describe('cpu.stat', () => {
  it('has usage and throttling', () => {
    const sample = emptySample();
    expect(parseCpuStat(file('cpu.stat'), file('cpu.stat').length, sample)).toBe(0);
    expect(sample).toMatchObject({
      cpuUsageUs: 1581270,
      cpuUserUs: 139395,
      cpuSystemUs: 1441875,
      periods: 31,
      throttledPeriods: 29,
      throttledUs: 5051631,
    });
  });

  it('has no throttling without the cpu controller, and that is no problem', () => {
    const text = Buffer.from('usage_usec 5\nuser_usec 3\nsystem_usec 2\n');
    const sample = { ...emptySample(), periods: 7 };
    expect(parseCpuStat(text, text.length, sample)).toBe(0);
    expect(sample).toMatchObject({ cpuUsageUs: 5, periods: NaN, throttledUs: NaN });
  });

  it('survives any damage', () => checkAgainstDamage(file('cpu.stat'), parseCpuStat, emptySample));
});

describe('memory.stat', () => {
  it('has what the working set needs', () => {
    const sample = emptySample();
    expect(parseMemoryStat(file('memory.stat'), file('memory.stat').length, sample)).toBe(0);
    expect(sample).toMatchObject({
      anonBytes: 339968,
      shmemBytes: 51380224,
      inactiveFileBytes: 0,
      activeFileBytes: 0,
      workingsetRefaultFile: 0,
    });
  });

  it('survives any damage', () => checkAgainstDamage(file('memory.stat'), parseMemoryStat, emptySample));
});

describe('memory.events', () => {
  it('counts high, max, oom and kills', () => {
    const sample = emptySample();
    expect(parseMemoryEvents(file('memory.events'), file('memory.events').length, sample)).toBe(0);
    expect(sample).toMatchObject({ eventsHigh: 104, eventsMax: 36, eventsOom: 1, eventsOomKill: 1 });
  });

  it('survives any damage', () => checkAgainstDamage(file('memory.events'), parseMemoryEvents, emptySample));
});

describe('pressure files', () => {
  const totals = (text: string | Buffer) => {
    const into = { someUs: 1, fullUs: 1 };
    return { malformed: parsePressure(Buffer.from(text), text.length, into), ...into };
  };
  it('have two totals in µs', () => {
    expect(totals(file('cpu.pressure'))).toEqual({ malformed: 0, someUs: 2644146, fullUs: 2643662 });
  });

  it('may have no full line', () => {
    expect(totals('some avg10=0.00 avg60=0.00 avg300=0.00 total=9\n')).toEqual({
      malformed: 0,
      someUs: 9,
      fullUs: NaN,
    });
  });

  it('lose only the line that is malformed or cut off', () => {
    const some = 'some avg10=0.00 avg60=0.00 avg300=0.00 total=9\n';
    for (const full of [
      'full avg10=0.00 avg60=0.00 avg300=0.00 total=-1\n',
      'full avg10=0.00 avg60=0.00 avg300=0.00 total=12',
    ]) {
      expect(totals(some + full)).toEqual({ malformed: 1, someUs: 9, fullUs: NaN });
    }
  });

  it('survive any damage', () =>
    checkAgainstDamage(file('cpu.pressure'), parsePressure, () => ({ someUs: NaN, fullUs: NaN })));
});

describe('single values', () => {
  const read = (text: string): number => parseSingleValue(Buffer.from(text), text.length);
  it('are a whole number or max', () => {
    expect(read('52330496\n')).toBe(52330496);
    expect(read('0\n')).toBe(0);
    expect(read('max\n')).toBe(Infinity);
  });

  it.each(['', '\n', '12', 'max', '-1\n', '1.5\n', '1 2\n', '99999999999999999999\n', 'maximum\n'])(
    'are nothing when the file holds %j',
    (text) => expect(read(text)).toBeNaN(),
  );

  it('of cgroup v1 say "no limit" with -1 or a number that no machine has', () => {
    const limit = (text: string): number => parseLimitV1(Buffer.from(text), text.length);
    expect(limit('9223372036854771712\n')).toBe(Infinity);
    expect(limit('-1\n')).toBe(Infinity);
    expect(limit('67108864\n')).toBe(67108864);
    expect(limit('-2\n')).toBeNaN();
    expect(limit('9223372036854771712')).toBeNaN();
  });

  it('survive any damage', () => {
    for (const parse of [parseSingleValue, parseLimitV1]) {
      const into = { value: NaN };
      const store = (buffer: Uint8Array, length: number): number => ((into.value = parse(buffer, length)), 0);
      checkAgainstDamage(file('memory.max'), store, () => into);
    }
  });
});

describe('cpu.max', () => {
  const read = (text: string) => {
    const sample = emptySample();
    return {
      malformed: parseCpuMax(Buffer.from(text), text.length, sample),
      quota: sample.cpuQuotaUs,
      period: sample.cpuPeriodUs,
    };
  };
  it('is a quota and a period', () => {
    expect(read(file('cpu.max').toString())).toEqual({ malformed: 0, quota: 20_000, period: 100_000 });
    expect(read('max 100000\n')).toEqual({ malformed: 0, quota: Infinity, period: 100_000 });
  });

  it.each(['', 'max\n', 'max 100000', '0 100000\n', '20000 0\n', '-1 100000\n', '20000 100000 5\n', 'min 100000\n'])(
    'is malformed as %j',
    (text) => expect(read(text)).toEqual({ malformed: 1, quota: NaN, period: NaN }),
  );

  it('survives any damage', () => checkAgainstDamage(file('cpu.max'), parseCpuMax, emptySample));
});

describe('io.stat', () => {
  const read = (text: string | Buffer) => {
    const sample = emptySample();
    return {
      malformed: parseIoStat(Buffer.from(text), text.length, sample),
      read: sample.ioReadBytes,
      written: sample.ioWriteBytes,
    };
  };
  it('is summed over the devices', () => {
    expect(read(IO_STAT)).toEqual({ malformed: 0, read: 91889664, written: 613781504 });
  });

  it('is empty before the first I/O: nothing was read or written', () => {
    expect(read(file('io.stat'))).toEqual({ malformed: 0, read: 0, written: 0 });
  });

  it('may name a device without fields, on a line of its own or before the next device', () => {
    expect(read('7:0 8:0 rbytes=5 wbytes=6 rios=1 wios=1 dbytes=0 dios=0\n7:1 \n')).toEqual({
      malformed: 0,
      read: 5,
      written: 6,
    });
  });

  it('survives any damage', () => checkAgainstDamage(IO_STAT, parseIoStat, emptySample));
});
