import { z } from 'zod';

const text = z.string('it must be a text');
const milliseconds = z
  .int('it must be a whole number from 100 to 3600000')
  .min(100, 'it must be a whole number from 100 to 3600000')
  .max(3_600_000, 'it must be a whole number from 100 to 3600000');
const choice = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, `it must be one of ${values.join(', ')}`);

/** `host:port` of one or several, as a text between commas or as a list. */
const brokers = z.preprocess(
  (value) =>
    typeof value === 'string'
      ? value
          .split(',')
          .map((broker) => broker.trim())
          .filter((broker) => broker !== '')
      : value,
  z.array(text, 'it must be a list of host:port').min(1, 'it must name a broker').optional(),
);

/** How Apache Kafka is reached. Without `brokers` the log is the embedded one. */
export const kafkaSchema = z
  .strictObject({
    brokers: brokers.describe(
      'Kafka brokers to begin with, `host:port`, separated by commas. Unset: the embedded log.',
    ),
    clientId: text
      .min(1, 'it must not be empty')
      .default('eventlake')
      .describe('The name that brokers see in their logs and quotas.'),
    groupPrefix: text
      .min(1, 'it must not be empty')
      .default('eventlake')
      .describe(
        'Begins the names of consumer groups and transactions; differs where two lakes share a topic.',
      ),
    replicationFactor: z
      .int('it must be a whole number from 1 to 32767')
      .min(1, 'it must be a whole number from 1 to 32767')
      .max(32_767, 'it must be a whole number from 1 to 32767')
      .optional()
      .describe("Replicas of a new topic. Unset: the broker's default."),
    compression: choice(['none', 'gzip', 'snappy', 'lz4', 'zstd'])
      .default('lz4')
      .describe('Of what is produced: none, gzip, snappy, lz4, or zstd (Node 22.15 and later).'),
    connectTimeoutMs: milliseconds.default(10_000).describe('For a connection to a broker.'),
    requestTimeoutMs: milliseconds
      .default(30_000)
      .describe('A broker that does not answer for this long counts as gone.'),
    retryTimeoutMs: milliseconds
      .default(60_000)
      .describe('How long something is tried again while brokers are away.'),
    deliveryTimeoutMs: milliseconds
      .default(120_000)
      .describe('From an append to its acknowledgement, or to the error that says that there is none.'),
    tls: z
      .strictObject({
        enabled: z
          .boolean('it must be true or false')
          .default(false)
          .describe('Encrypt connections to brokers.'),
        caFile: text
          .optional()
          .describe('PEM file of the authority that signed the brokers. Unset: those of Node.'),
        certFile: text.optional().describe('PEM file of our certificate, for mutual TLS.'),
        keyFile: text.optional().describe('PEM file of its private key.'),
        keyPassphrase: text.optional().describe('Passphrase of the private key.'),
        serverName: text
          .optional()
          .describe("The brokers' name in their certificate, where it is not their host."),
      })
      .prefault({}),
    sasl: z
      .strictObject({
        mechanism: choice(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'])
          .optional()
          .describe('PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER. Unset: no authentication.'),
        username: text.optional().describe('For PLAIN and SCRAM.'),
        password: text.optional().describe('For PLAIN and SCRAM.'),
        token: text.optional().describe('For OAUTHBEARER.'),
        tokenFile: text
          .optional()
          .describe('For OAUTHBEARER: read at each connection, so that tokens can be renewed there.'),
        tokenEndpoint: z
          .strictObject({
            url: text.optional().describe('For OAUTHBEARER: who gives tokens for client credentials.'),
            clientId: text.optional().describe('Who we are there.'),
            clientSecret: text.optional().describe('Its secret.'),
            scope: text.optional().describe('What the token is to be good for, where it is asked.'),
          })
          .prefault({}),
        extensions: text
          .optional()
          .describe('For OAUTHBEARER, where a service asks for them: `name=value`, separated by commas.'),
      })
      .prefault({}),
  })
  .prefault({});

export const kafkaSecrets: readonly string[] = [
  'log.kafka.tls.keyPassphrase',
  'log.kafka.sasl.password',
  'log.kafka.sasl.token',
  'log.kafka.sasl.tokenEndpoint.clientSecret',
];
