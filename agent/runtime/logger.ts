// Structured logs of both processes: pino, JSON lines on stdout, constant lower-case messages, facts in fields.
import { pino, stdTimeFunctions } from 'pino';
import type { DestinationStream, Logger as PinoLogger } from 'pino';

export type Logger = PinoLogger;
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

/** @param component 'agent', 'aggregator' or 'standalone' @param stream stdout unless a test gives one */
export function createLogger(
  component: string,
  level: LogLevel,
  fields: Readonly<Record<string, string>> = {},
  stream?: DestinationStream,
): Logger {
  const options = {
    level,
    base: { component, ...fields },
    formatters: { level: (label: string) => ({ level: label }) },
    timestamp: stdTimeFunctions.isoTime,
    redact: ['token', '*.token', 'authorization', '*.authorization'],
  };
  return stream ? pino(options, stream) : pino(options);
}

/** For tests, benches and rehearsals. */
export const silentLogger: Logger = pino({ level: 'silent' });
