import type { Cluster } from './cluster.js';
import { kafkaError, retrying } from './kafka-error.js';
import { listGroups, offsetCommit, offsetFetch } from './protocol/coordinator-apis.js';
import { code } from './protocol/error-codes.js';

/**
 * Positions as committed offsets of a consumer group without members, `<prefix>.<consumer>`, where Kafka's own tools show
 * the lag. They are for looking at: a job's position is what its tables say. The id of the topic stands with each, so
 * that those of a topic that was deleted are not taken for those of its namesake.
 */
export class Positions {
  constructor(
    readonly cluster: Cluster,
    readonly prefix: string,
    readonly retryTimeoutMs: number,
  ) {}

  async commit(
    consumer: string,
    topic: string,
    topicId: string,
    positions: readonly number[],
  ): Promise<void> {
    const group = this.#group(consumer);
    const offsets = positions.map((offset, partition) => ({ partition, offset, metadata: topicId }));
    await retrying(this.retryTimeoutMs, this.cluster.stopping, async () => {
      const { error } = await this.cluster.onCoordinator('group', group, offsetCommit, {
        group,
        topic,
        offsets,
      });
      if (error !== 0) throw kafkaError(error, `commit the offsets of ${group}`, { topic });
    });
  }

  async get(
    consumer: string,
    topic: string,
    topicId: string,
    partitions: number,
  ): Promise<number[] | undefined> {
    const group = this.#group(consumer);
    return retrying(this.retryTimeoutMs, this.cluster.stopping, async () => {
      const { error, offsets } = await this.cluster.onCoordinator('group', group, offsetFetch, {
        group,
        topic,
        partitions: Array.from({ length: partitions }, (_, partition) => partition),
      });
      if (error === code.GROUP_ID_NOT_FOUND) return undefined;
      if (error !== 0) throw kafkaError(error, `fetch the offsets of ${group}`, { topic });
      const positions: number[] = [];
      for (const { partition, offset, metadata } of offsets) {
        if (offset >= 0 && metadata === topicId) positions[partition] = offset;
      }
      return Array.from(positions).filter((offset) => offset !== undefined).length === partitions
        ? positions
        : undefined;
    });
  }

  async consumers(topic: string, topicId: string, partitions: number): Promise<string[]> {
    const answers = await retrying(this.retryTimeoutMs, this.cluster.stopping, async () => {
      const all = await this.cluster.onEveryBroker(listGroups, undefined);
      const failed = all.find(({ error }) => error !== 0);
      if (failed) throw kafkaError(failed.error, 'list its consumer groups', { topic });
      return all;
    });
    const names = answers
      .flatMap(({ groups }) => groups)
      .filter((group) => group.startsWith(`${this.prefix}.`))
      .map((group) => group.slice(this.prefix.length + 1));
    const positions = await Promise.all(names.map((name) => this.get(name, topic, topicId, partitions)));
    return names.filter((_, i) => positions[i]);
  }

  #group(consumer: string): string {
    return `${this.prefix}.${consumer}`;
  }
}
