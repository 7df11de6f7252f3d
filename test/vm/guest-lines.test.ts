import { describe, expect, it } from 'vitest';
import { answerOf, complaintsOf, lineCutter, machineFailed, parseGuestLine } from './guest-lines.ts';

describe('lines from the guest', () => {
  it('are put together from torn chunks and stripped of the carriage return', () => {
    const lines: string[] = [];
    const feed = lineCutter((line) => lines.push(line));
    for (const chunk of ['{"kind":"e', 'nd"}\r', '\n{"kind":"progress"', ',"uptimeS":1,"text":"x"}\n', 'rest'])
      feed(chunk);
    expect(lines).toEqual(['{"kind":"end"}', '{"kind":"progress","uptimeS":1,"text":"x"}']);
  });

  it('are ignored when no guest program wrote them', () => {
    for (const line of ['', 'SeaBIOS', '{"kind":"unknown"}', '{"kind":"end"', 'null'])
      expect(parseGuestLine(line)).toBeUndefined();
  });

  it('make an answer that is not ended while the last line is missing', () => {
    const answer = answerOf([
      { kind: 'result', name: 'a', value: 1 },
      { kind: 'failed', error: 'why' },
    ]);
    expect(answer.results.get('a')).toBe(1);
    expect(answer.failures).toEqual(['why']);
    expect(answer.ended).toBe(false);
  });
});

describe('a guest that did not come to its end', () => {
  it('was failed by its machine when its first process never told a status, or the kernel oopsed', () => {
    for (const said of ['', 'qemu ended: status 0\n', 'scenario demo ended with 0\n[ 9.1] Kernel panic - not syncing'])
      expect(machineFailed(said)).toBe(true);
  });

  it('was failed by its program when the first process told its status: a crash, or its own deadline', () => {
    for (const status of [0, 1, 143])
      expect(machineFailed(`no disk on /tmp\nscenario demo ended with ${status}\nqemu ended: status 0\n`)).toBe(false);
  });
});

describe('the console of a guest', () => {
  it('gives what the kernel said against itself, once each, and nothing else', () => {
    const said = [
      "[    4.073729] /dev/nvme0n1: Can't open blockdev\r",
      '[    6.183552] psi: trigger leak\r',
      '[    6.184430] WARNING: CPU: 0 PID: 145 at kernel/sched/psi.c:1080 psi_cgroup_free+0x76/0x90\r',
      '[    6.845556] BUG: kernel NULL pointer dereference, address: 0000000000000008\r',
      '[    6.848889] RIP: 0010:psi_cgroup_free+0x76/0x90\r',
      '[    6.848889] RIP: 0010:psi_cgroup_free+0x76/0x90\r',
      '[    6.848889] RIP: 0033:0x413f3b\r',
      '[   30.100000] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [node:70]\r',
      'scenario psi-race-100 ended with 0\r',
    ];
    expect(complaintsOf(said.join('\n'))).toEqual([
      'psi: trigger leak',
      'WARNING: CPU: 0 PID: 145 at kernel/sched/psi.c:1080 psi_cgroup_free+0x76/0x90',
      'BUG: kernel NULL pointer dereference, address: 0000000000000008',
      'RIP: 0010:psi_cgroup_free+0x76/0x90',
    ]);
    expect(complaintsOf('')).toEqual([]);
  });
});
