import { describe, expect, it } from 'vitest';
import { readAggregatorFlags } from './flags.ts';

const REQUIRED = ['--tls-cert-file=c', '--tls-private-key-file=k', '--push-token-file=t'];

describe("the aggregator's flags", () => {
  it('resize nothing unless told to, and listen where metrics-server does', () => {
    expect(readAggregatorFlags(REQUIRED)).toMatchObject({
      resize: 'off',
      'bind-address': '0.0.0.0',
      'secure-port': 4443,
      'push-port': 4444,
      staleness: 60_000,
      'ready-timeout': 10_000,
      'requestheader-allowed-names': [],
      kubeconfig: undefined,
    });
  });

  it.each(['--tls-cert-file', '--tls-private-key-file', '--push-token-file'])('ask for %s', (name) => {
    const others = REQUIRED.filter((flag) => !flag.startsWith(name));
    expect(() => readAggregatorFlags(others)).toThrow(`${name} is missing`);
  });

  it('refuse a mode of resizing that does not exist', () => {
    expect(() => readAggregatorFlags([...REQUIRED, '--resize=maybe'])).toThrow('one of off, dry-run, on');
  });

  it('give help and version without anything else', () => {
    expect(readAggregatorFlags(['--help'])).toBe('help');
    expect(readAggregatorFlags(['--version'])).toBe('version');
  });
});
