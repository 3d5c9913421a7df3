import { readFile } from 'node:fs/promises';
import type { Settings } from '../../config.js';
import { EventlakeError } from '../../errors.js';
import type { OffsetRange } from '../../log/event-log.js';
import type { Relation } from './connect/session.js';
import { readRelation } from './relations.js';

type KafkaSettings = Settings['log']['kafka'];

/** How Spark's executors reach the brokers that `log.kafka` names: options of Spark's Kafka source. */
export type KafkaOptions = Readonly<Record<string, string>>;

/**
 * Our settings as Kafka's Java client spells them. Certificates go along as texts: no executor has our files.
 * @throws EventlakeError `invalid` for what Spark cannot be told.
 */
export async function kafkaOptions(settings: KafkaSettings): Promise<KafkaOptions> {
  const { brokers = [], tls, sasl } = settings;
  const protocol = `${sasl.mechanism ? 'SASL_' : ''}${tls.enabled ? 'SSL' : 'PLAINTEXT'}`;
  return {
    'kafka.bootstrap.servers': brokers.join(','),
    // What a transaction took back is no record.
    'kafka.isolation.level': 'read_committed',
    // A record that is gone has to stop the batch: the job decides what becomes of it.
    failOnDataLoss: 'true',
    // For each poll Spark asks for the ends of the partition, twice; 500 records would be a tenth of what a fetch brings.
    'kafka.max.poll.records': '10000',
    // Keys are rarely even: a large range is several tasks, or it would be one core's work.
    maxRecordsPerPartition: '250000',
    ...(protocol !== 'PLAINTEXT' && { 'kafka.security.protocol': protocol }),
    ...(tls.enabled && (await tlsOptions(tls))),
    ...(sasl.mechanism && saslOptions(sasl)),
  };
}

/** The records of these ranges: Spark's columns `value`, `partition`, `offset`, `timestamp`, and some more. */
export function kafkaRelation(
  options: KafkaOptions,
  topic: string,
  ranges: readonly OffsetRange[],
): Relation {
  const offsets = (of: (range: OffsetRange) => number) =>
    JSON.stringify({ [topic]: Object.fromEntries(ranges.map((range) => [range.partition, of(range)])) });
  return readRelation({
    format: 'kafka',
    options: {
      ...options,
      assign: JSON.stringify({ [topic]: ranges.map(({ partition }) => partition) }),
      startingOffsets: offsets(({ from }) => from),
      endingOffsets: offsets(({ to }) => to),
    },
  });
}

async function tlsOptions(tls: KafkaSettings['tls']): Promise<KafkaOptions> {
  const pem = async (file: string, setting: string) => {
    try {
      return await readFile(file, 'utf8');
    } catch (cause) {
      throw new EventlakeError('not-found', `${file} cannot be read`, { file, setting }, undefined, {
        cause,
      });
    }
  };
  return {
    ...(tls.caFile && {
      'kafka.ssl.truststore.type': 'PEM',
      'kafka.ssl.truststore.certificates': await pem(tls.caFile, 'log.kafka.tls.caFile'),
    }),
    ...(tls.certFile &&
      tls.keyFile && {
        'kafka.ssl.keystore.type': 'PEM',
        'kafka.ssl.keystore.certificate.chain': await pem(tls.certFile, 'log.kafka.tls.certFile'),
        'kafka.ssl.keystore.key': await pem(tls.keyFile, 'log.kafka.tls.keyFile'),
        ...(tls.keyPassphrase && { 'kafka.ssl.key.password': tls.keyPassphrase }),
      }),
  };
}

function saslOptions({ mechanism, username, password }: KafkaSettings['sasl']): KafkaOptions {
  if (mechanism === 'OAUTHBEARER') {
    throw new EventlakeError(
      'invalid',
      'Spark cannot be handed a token for Kafka: its executors outlive it',
      { setting: 'log.kafka.sasl.mechanism' },
      'Use SCRAM or mutual TLS, or set engine.raw-landing and engine.fast-agg to duckdb.',
    );
  }
  const module =
    mechanism === 'PLAIN'
      ? 'org.apache.kafka.common.security.plain.PlainLoginModule'
      : 'org.apache.kafka.common.security.scram.ScramLoginModule';
  const quoted = (text = '') => `"${text.replace(/["\\]/g, (character) => `\\${character}`)}"`;
  return {
    'kafka.sasl.mechanism': mechanism!,
    'kafka.sasl.jaas.config': `${module} required username=${quoted(username)} password=${quoted(password)};`,
  };
}
