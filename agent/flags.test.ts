import { describe, expect, it } from 'vitest';
import { readAgentFlags } from './flags.ts';

const LEAST = ['--node-name=n1'];

describe('readAgentFlags', () => {
  it('observes only when no aggregator is given', () => {
    expect(readAgentFlags(LEAST)).toMatchObject({
      aggregator: [],
      'cgroup-root': '/sys/fs/cgroup',
      'push-interval': 5000,
      window: 15_000,
      listen: { host: '127.0.0.1', port: 9469 },
      services: false,
    });
  });

  it('takes several aggregators, repeated or with commas', () => {
    const flags = readAgentFlags([
      ...LEAST,
      '--aggregator=https://a:1,https://b:2',
      '--aggregator=http://c:3',
      '--token-file=t',
    ]);
    expect(flags.aggregator).toEqual(['https://a:1', 'https://b:2', 'http://c:3']);
  });

  it.each([
    [[], '--node-name is missing'],
    [[...LEAST, '--aggregator=a:4444', '--token-file=t'], '--aggregator=a:4444'],
    [[...LEAST, '--aggregator=nonsense', '--token-file=t'], '--aggregator=nonsense'],
    [[...LEAST, '--aggregator=https://a:1'], '--token-file is missing'],
    [[...LEAST, '--push-interval=10ms'], '--push-interval=10ms'],
  ])('refuses %j with a message that names the flag', (argv, message) => {
    expect(() => readAgentFlags(argv)).toThrow(
      expect.objectContaining({ code: 'bad_flag', message: expect.stringContaining(message) as unknown }) as Error,
    );
  });

  it('asks for nothing else when help is wanted', () => {
    expect(readAgentFlags(['--help']).help).toBe(true);
  });
});
