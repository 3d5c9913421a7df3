import { randomUUID } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { EventlakeError } from '../../../errors.js';
import type {
  ExecutePlanRequestSchema,
  ExecutePlanResponse,
  UserContextSchema,
} from '../protocol/spark/connect/base_pb.js';
import { InterruptRequest_InterruptType } from '../protocol/spark/connect/base_pb.js';
import type { CommandSchema } from '../protocol/spark/connect/commands_pb.js';
import type { RelationSchema } from '../protocol/spark/connect/relations_pb.js';
import type { SparkClient } from './client.js';
import { isBroken, sparkError, wasNeverReceived } from './errors.js';

export type Relation = MessageInitShape<typeof RelationSchema>;
export type Command = MessageInitShape<typeof CommandSchema>;
type Plan = NonNullable<MessageInitShape<typeof ExecutePlanRequestSchema>['plan']>;

const CLIENT_TYPE = 'eventlake';
/** A broken connection is mended so often, without an answer in between. */
const REATTACH_ATTEMPTS = 8;
const REATTACH_BACKOFF_MS = 100;
const RELEASE_TIMEOUT_MS = 5000;
/** Far below an hour, after which the server forgets a session that makes no calls. */
const KEEP_ALIVE_MS = 300_000;

/** One session on the server. Statements survive broken connections; a server that was restarted is noticed, not met halfway. */
export class ConnectSession {
  readonly #client: SparkClient;
  readonly #id: string;
  readonly #keepAlive: NodeJS.Timeout;
  /** The server's own name for the session: another one means that ours was lost with all its views. */
  #serverSide: string | undefined;

  constructor(client: SparkClient, id: string) {
    this.#client = client;
    this.#id = id;
    this.#keepAlive = setInterval(() => void this.#touch(), KEEP_ALIVE_MS);
    this.#keepAlive.unref();
  }

  /** What every request begins with. */
  identity() {
    const userContext: MessageInitShape<typeof UserContextSchema> = { userId: this.#client.address.userId };
    return {
      sessionId: this.#id,
      userContext,
      clientType: CLIENT_TYPE,
      ...(this.#serverSide !== undefined && { clientObservedServerSideSessionId: this.#serverSide }),
    };
  }

  /** The rows of a relation as blocks, each an Arrow IPC stream; at least one, be it without rows. */
  async *rows(relation: Relation): AsyncGenerator<Uint8Array> {
    for await (const { responseType } of this.#execute({ opType: { case: 'root', value: relation } })) {
      if (responseType.case === 'arrowBatch') yield responseType.value.data;
    }
  }

  /** Runs a command; its answers, for those that have some. */
  async run(command: Command): Promise<ExecutePlanResponse[]> {
    const answers: ExecutePlanResponse[] = [];
    for await (const answer of this.#execute({ opType: { case: 'command', value: command } }))
      answers.push(answer);
    return answers;
  }

  async configure(settings: Readonly<Record<string, string>>): Promise<void> {
    const pairs = Object.entries(settings).map(([key, value]) => ({ key, value }));
    try {
      const answer = await this.#client.rpc.config(
        { ...this.identity(), operation: { opType: { case: 'set', value: { pairs } } } },
        { timeoutMs: this.#client.options.connectTimeoutMs },
      );
      this.#serverSide = answer.serverSideSessionId;
    } catch (error) {
      throw sparkError(error, this.#client.address.shown);
    }
  }

  /** Stops whatever runs in it and forgets it. Best effort: the server forgets it by itself in the end. */
  async release(): Promise<void> {
    clearInterval(this.#keepAlive);
    await this.#client.rpc
      .releaseSession(this.identity(), { timeoutMs: RELEASE_TIMEOUT_MS })
      .catch(() => undefined);
  }

  async #touch(): Promise<void> {
    const analyze = { case: 'sparkVersion', value: {} } as const;
    await this.#client.rpc.analyzePlan({ ...this.identity(), analyze }).catch(() => undefined);
  }

  async *#execute(plan: Plan): AsyncGenerator<ExecutePlanResponse> {
    const { statementTimeoutMs, signal, onProgress } = this.#client.options;
    const operationId = randomUUID();
    const timeout = AbortSignal.timeout(statementTimeoutMs);
    const stop = signal ? AbortSignal.any([signal, timeout]) : timeout;
    let isOver = false;
    try {
      for await (const answer of this.#answers(plan, operationId, stop)) {
        if (answer.serverSideSessionId !== '') this.#serverSide = answer.serverSideSessionId;
        if (answer.responseType.case === 'executionProgress') {
          const { stages } = answer.responseType.value;
          const sum = (of: (stage: (typeof stages)[number]) => bigint) =>
            Number(stages.reduce((total, stage) => total + of(stage), 0n));
          onProgress?.({
            tasks: sum(({ numTasks }) => numTasks),
            tasksDone: sum(({ numCompletedTasks }) => numCompletedTasks),
            bytesRead: sum(({ inputBytesRead }) => inputBytesRead),
          });
        } else yield answer;
      }
      isOver = true;
    } catch (error) {
      isOver = !stop.aborted;
      signal?.throwIfAborted();
      if (timeout.aborted) throw tookTooLong(statementTimeoutMs);
      throw sparkError(error, this.#client.address.shown);
    } finally {
      // Also where the caller wants no more answers. What fails has ended by itself.
      if (!isOver) await this.#interrupt(operationId);
      this.#releaseOperation(operationId);
    }
  }

  /**
   * The answers of one operation, across as many connections as it takes: an answer that was seen is not sent again, and
   * a connection that ends before the answer that says so is only a connection that ended.
   */
  async *#answers(plan: Plan, operationId: string, signal: AbortSignal): AsyncGenerator<ExecutePlanResponse> {
    const { rpc } = this.#client;
    let lastResponseId: string | undefined;
    let failures = 0;
    let isStarted = false;
    for (;;) {
      try {
        const stream = isStarted
          ? rpc.reattachExecute(
              { ...this.identity(), operationId, ...(lastResponseId !== undefined && { lastResponseId }) },
              { signal },
            )
          : rpc.executePlan(
              { ...this.identity(), operationId, plan, requestOptions: REATTACHABLE },
              { signal },
            );
        isStarted = true;
        for await (const answer of stream) {
          failures = 0;
          lastResponseId = answer.responseId;
          if (answer.responseType.case === 'resultComplete') return;
          yield answer;
        }
      } catch (error) {
        if (signal.aborted || ++failures > REATTACH_ATTEMPTS) throw error;
        if (lastResponseId === undefined && wasNeverReceived(error)) isStarted = false;
        else if (!isBroken(error)) throw error;
        await pause(REATTACH_BACKOFF_MS * 2 ** failures, signal);
      }
    }
  }

  /** The server keeps answers until it is told, or for some minutes. Nobody waits for it. */
  #releaseOperation(operationId: string): void {
    const release = { case: 'releaseAll', value: {} } as const;
    void this.#client.rpc
      .releaseExecute({ ...this.identity(), operationId, release }, { timeoutMs: RELEASE_TIMEOUT_MS })
      .catch(() => undefined);
  }

  /**
   * Spark cancels the tasks that run. Tasks of a stage that it is compiling at this moment (it does so aside) start
   * afterwards all the same, and run to their end: a race within Spark 4.2, which no client can help.
   */
  async #interrupt(operationId: string): Promise<void> {
    await this.#client.rpc
      .interrupt(
        {
          ...this.identity(),
          interruptType: InterruptRequest_InterruptType.OPERATION_ID,
          interrupt: { case: 'operationId', value: operationId },
        },
        { timeoutMs: RELEASE_TIMEOUT_MS },
      )
      .catch(() => undefined);
  }
}

const REATTACHABLE = [
  { requestOption: { case: 'reattachOptions', value: { reattachable: true } } },
] satisfies MessageInitShape<typeof ExecutePlanRequestSchema>['requestOptions'];

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}

function tookTooLong(statementTimeoutMs: number): EventlakeError {
  return new EventlakeError(
    'limit',
    `Spark did not finish a statement within ${statementTimeoutMs} ms`,
    { setting: 'spark.statementTimeoutMs' },
    'It was interrupted, and nothing was committed. Raise the setting, or give Spark more cores.',
  );
}
