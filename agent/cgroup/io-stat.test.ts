import { describe, expect, it } from 'vitest';
import { UNIFIED_CONTAINER, UNIFIED_ROOT, breakage, recorded } from '../../test/fixtures/cgroup/recorded.ts';
import { parseIoStat } from './io-stat.ts';
import { emptySample } from './sample.ts';

const IO_STAT = Buffer.from(
  '8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0\n' +
    '8:0 rbytes=90430464 wbytes=299008000 rios=8950 wios=1252 dbytes=50331648 dios=3021\n',
);
const file = (name: string): Buffer => recorded(UNIFIED_ROOT, `${UNIFIED_CONTAINER}/${name}`);
const read = (text: string | Buffer) => {
  const sample = emptySample();
  return {
    malformed: parseIoStat(Buffer.from(text), text.length, sample),
    read: sample.ioReadBytes,
    written: sample.ioWriteBytes,
  };
};

describe('io.stat', () => {
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

  it('survives any damage', () => expect(breakage(IO_STAT, parseIoStat, emptySample)).toBe(''));
});
