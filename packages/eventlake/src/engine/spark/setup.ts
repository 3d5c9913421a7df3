import type { ConnectSession } from './connect/session.js';
import { sqlRelation } from './relations.js';
import type { EngineParts } from './session.js';

/** What the shared SQL needs: one time zone, errors instead of wrong numbers, and files that Delta's readers agree on. */
const CONFIGURATION = {
  'spark.sql.session.timeZone': 'UTC',
  'spark.sql.ansi.enabled': 'true',
  'spark.sql.timestampType': 'TIMESTAMP_LTZ',
  'spark.sql.parquet.outputTimestampType': 'TIMESTAMP_MICROS',
  'spark.sql.parquet.datetimeRebaseModeInWrite': 'CORRECTED',
  'spark.sql.parquet.int96RebaseModeInWrite': 'CORRECTED',
  'spark.sql.parquet.fieldId.write.enabled': 'false',
  'spark.sql.execution.arrow.maxRecordsPerBatch': '10000',
  // Spark's own list without Kafka, whose older source makes objects of every record's columns.
  'spark.sql.sources.useV1SourceList': 'avro,csv,json,orc,parquet,text',
};

/** Functions of the shared SQL that Spark lacks: see `schema/macros.ts`. */
const FUNCTIONS = [
  'CREATE OR REPLACE TEMPORARY FUNCTION id_hash(text STRING) RETURNS BIGINT RETURN shiftrightunsigned(xxhash64(text), 1)',
];

export async function openSession({ client, shufflePartitions }: EngineParts): Promise<ConnectSession> {
  const session = client.newSession();
  try {
    await session.configure({
      ...CONFIGURATION,
      ...(shufflePartitions !== undefined && { 'spark.sql.shuffle.partitions': String(shufflePartitions) }),
    });
    for (const sql of FUNCTIONS) {
      await session.run({ commandType: { case: 'sqlCommand', value: { input: sqlRelation(sql) } } });
    }
    return session;
  } catch (error) {
    await session.release();
    throw error;
  }
}
