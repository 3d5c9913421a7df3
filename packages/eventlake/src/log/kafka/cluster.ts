import { EventlakeError } from '../../errors.js';
import { kafkaError, topicNotFound } from './kafka-error.js';
import type { Api } from './protocol/api.js';
import { findCoordinator, type Metadata, metadata } from './protocol/cluster-apis.js';
import { Connection, type ConnectionSettings } from './protocol/connection.js';
import { code } from './protocol/error-codes.js';

export interface TopicMetadata {
  topicId: string;
  /** Leader of each partition; -1: none at the moment. */
  leaders: number[];
}

interface Address {
  host: string;
  port: number;
}

/** Connections that wait for their next long request, of one broker. */
const IDLE_CONNECTIONS_MAX = 4;

/** Who leads what, and the connections to them. What it knows it learns again when somebody finds it wrong. */
export class Cluster {
  readonly #brokers = new Map<number, Address>();
  readonly #topics = new Map<string, TopicMetadata>();
  readonly #coordinators = new Map<string, number>();
  /** One a broker, shared by all short requests. */
  readonly #shared = new Map<string, Promise<Connection>>();
  readonly #leased = new Set<Connection>();
  readonly #idle = new Map<string, Connection[]>();
  #controllerId = -1;
  #closed = false;

  constructor(
    readonly bootstrap: readonly string[],
    readonly settings: ConnectionSettings,
    /** Aborted where the process is stopping: nothing but what was produced is tried again then. */
    readonly stopping?: AbortSignal,
  ) {}

  /** @throws EventlakeError `not-found`. */
  async topic(topic: string): Promise<TopicMetadata> {
    return this.#topics.get(topic) ?? (await this.refresh(topic));
  }

  /** Asks a broker, whatever is known. @throws EventlakeError `not-found`. */
  async refresh(topic: string): Promise<TopicMetadata> {
    this.#topics.delete(topic);
    const { topics } = await this.metadata([topic]);
    const found = topics[0];
    if (!found || found.error === code.UNKNOWN_TOPIC_OR_PARTITION || found.error === code.INVALID_TOPIC)
      throw topicNotFound(topic);
    if (found.error !== 0) throw kafkaError(found.error, 'describe the topic', { topic });
    const leaders: number[] = [];
    for (const { partition, leader } of found.partitions) leaders[partition] = leader;
    const known = { topicId: found.topicId, leaders };
    this.#topics.set(topic, known);
    return known;
  }

  forget(topic: string): void {
    this.#topics.delete(topic);
  }

  async metadata(topics: readonly string[] | null): Promise<Metadata> {
    const answer = await this.#anywhere((connection) => connection.request(metadata, { topics }));
    this.#brokers.clear();
    for (const { id, host, port } of answer.brokers) this.#brokers.set(id, { host, port });
    this.#controllerId = answer.controllerId;
    return answer;
  }

  /** A short request to the partition's leader. @throws EventlakeError `unavailable` where there is none. */
  async onLeader<Q, R>(topic: string, partition: number, api: Api<Q, R>, request: Q): Promise<R> {
    return (await this.shared(await this.leader(topic, partition))).request(api, request);
  }

  async leader(topic: string, partition: number): Promise<number> {
    const leader = (await this.topic(topic)).leaders[partition];
    if (leader !== undefined && leader >= 0) return leader;
    this.#topics.delete(topic);
    throw new EventlakeError('unavailable', 'The partition has no leader at the moment', {
      topic,
      partition,
    });
  }

  async onController<Q, R>(api: Api<Q, R>, request: Q): Promise<R> {
    if (!this.#brokers.has(this.#controllerId)) await this.metadata([]);
    const id = this.#brokers.has(this.#controllerId) ? this.#controllerId : [...this.#brokers.keys()][0]!;
    return (await this.shared(id)).request(api, request);
  }

  async onCoordinator<Q, R extends { error: number }>(
    type: 'group' | 'transaction',
    key: string,
    api: Api<Q, R>,
    request: Q,
  ): Promise<R> {
    const name = `${type} ${key}`;
    let id = this.#coordinators.get(name);
    if (id === undefined) {
      const found = await this.#anywhere((connection) => connection.request(findCoordinator, { key, type }));
      if (found.error !== 0)
        throw kafkaError(found.error, `name the coordinator of ${key}`, {}, found.message);
      id = found.id;
      this.#brokers.set(id, { host: found.host, port: found.port });
      this.#coordinators.set(name, id);
    }
    try {
      const answer = await (await this.shared(id)).request(api, request);
      // Moved, or not there yet: asked for again next time.
      if ([14, 15, 16].includes(answer.error)) this.#coordinators.delete(name);
      return answer;
    } catch (error) {
      this.#coordinators.delete(name);
      throw error;
    }
  }

  async onEveryBroker<Q, R>(api: Api<Q, R>, request: Q): Promise<R[]> {
    await this.metadata([]);
    return Promise.all(
      [...this.#brokers.keys()].map(async (id) => (await this.shared(id)).request(api, request)),
    );
  }

  /** The connection for short requests: whoever keeps the broker waiting takes one of its own instead. */
  async shared(brokerId: number): Promise<Connection> {
    return this.#sharedAt(this.#address(brokerId));
  }

  /** A connection for one use at a time, for requests that take long. To be given back, or closed. */
  async lease(brokerId: number): Promise<Connection> {
    const address = this.#address(brokerId);
    const idle = this.#idle.get(nameOf(address)) ?? [];
    for (let connection = idle.pop(); connection; connection = idle.pop()) {
      if (connection.isOpen && !connection.isExpired) return connection;
      this.discard(connection);
    }
    const connection = await this.#open(address);
    this.#leased.add(connection);
    return connection;
  }

  giveBack(connection: Connection): void {
    const idle = this.#idle.get(connection.address) ?? [];
    this.#idle.set(connection.address, idle);
    if (connection.isOpen && connection.isIdle && idle.length < IDLE_CONNECTIONS_MAX && !this.#closed)
      idle.push(connection);
    else this.discard(connection);
  }

  discard(connection: Connection): void {
    connection.close();
    this.#leased.delete(connection);
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#leased) connection.close();
    for (const connection of this.#shared.values())
      connection.then(
        (open) => open.close(),
        () => {},
      );
  }

  #address(brokerId: number): Address {
    const address = this.#brokers.get(brokerId);
    if (address) return address;
    throw new EventlakeError('unavailable', `The Kafka broker ${brokerId} is not among those that are known`);
  }

  async #sharedAt(address: Address): Promise<Connection> {
    const name = nameOf(address);
    const known = this.#shared.get(name);
    if (known) {
      const connection = await known.catch(() => undefined);
      if (connection?.isOpen && !connection.isExpired) return connection;
      if (this.#shared.get(name) === known) {
        this.#shared.delete(name);
        if (connection?.isOpen) retire(connection);
      }
      return this.#sharedAt(address);
    }
    const opening = this.#open(address);
    this.#shared.set(name, opening);
    try {
      return await opening;
    } catch (error) {
      if (this.#shared.get(name) === opening) this.#shared.delete(name);
      throw error;
    }
  }

  async #open({ host, port }: Address): Promise<Connection> {
    const connection = this.#closed ? undefined : await Connection.open(host, port, this.settings);
    if (connection && !this.#closed) return connection;
    connection?.close();
    throw new EventlakeError('internal', 'The event log was used after it was closed');
  }

  /** Any broker will do: those that are known first, then those that the settings name. */
  async #anywhere<R>(use: (connection: Connection) => Promise<R>): Promise<R> {
    const known = [...this.#brokers.values()];
    const open = known.filter((address) => this.#shared.has(nameOf(address)));
    const rest = [...known, ...this.bootstrap.map(parseAddress)];
    let failure: unknown;
    for (const address of [...open, ...rest]) {
      try {
        return await use(await this.#sharedAt(address));
      } catch (error) {
        if (!(error instanceof EventlakeError) || error.kind !== 'unavailable') throw error;
        failure = error;
      }
    }
    throw failure;
  }
}

/** What waits on it gets its answer; nobody else uses it. */
function retire(connection: Connection): void {
  const timer = setInterval(() => {
    if (!connection.isIdle && connection.isOpen) return;
    clearInterval(timer);
    connection.close();
  }, 100);
  timer.unref();
}

function nameOf({ host, port }: Address): string {
  return `${host}:${port}`;
}

/** @throws EventlakeError `invalid` for what is no `host:port`; without a port it is Kafka's 9092. */
export function parseAddress(text: string): Address {
  const match = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<host>[^\s:/]+))(?::(?<port>\d{1,5}))?$/.exec(text.trim());
  const port = Number(match?.groups?.port ?? 9092);
  if (!match || port < 1 || port > 65_535) {
    throw new EventlakeError(
      'invalid',
      `${JSON.stringify(text)} is no address of a Kafka broker`,
      { setting: 'log.kafka.brokers' },
      'Write host:port, several separated by commas.',
    );
  }
  return { host: match.groups!.v6 ?? match.groups!.host!, port };
}
