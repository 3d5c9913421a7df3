import type { Attributes, Link, Span, SpanContext } from '@opentelemetry/api';

/** Spans of batches, on their way to a collector. */
export interface Tracing {
  batch(name: string, attributes: Attributes): BatchSpan;
  /** Sends what is left, for a moment. */
  close(): Promise<void>;
}

/** One batch's trace: a root span and its steps. */
export interface BatchSpan {
  readonly traceparent: string;
  step<T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T>;
  describe(attributes: Attributes): void;
  link(link: Link): void;
  /** A batch that was none leaves no trace. */
  end(isWorth: boolean): void;
  fail(error: unknown): void;
}

export interface TracingOptions {
  /** The collector's base address; traces go to `<endpoint>/v1/traces` as OTLP over HTTP. */
  endpoint: string;
  stage: string;
  version: string;
}

/** Ctrl-C must not wait for a collector that is away. */
const FLUSH_MS = 1500;

/** Loads OpenTelemetry, which nobody pays for who has no collector. A collector that is away troubles no job. */
export async function openTracing({ endpoint, stage, version }: TracingOptions): Promise<Tracing> {
  const { context, SpanStatusCode, trace } = await import('@opentelemetry/api');
  const { BasicTracerProvider, BatchSpanProcessor } = await import('@opentelemetry/sdk-trace-base');
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  const { resourceFromAttributes } = await import('@opentelemetry/resources');
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
    timeoutMillis: 5000,
  });
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.namespace': 'eventlake',
      'service.name': `eventlake-${stage}`,
      'service.version': version,
      'process.pid': process.pid,
    }),
    spanProcessors: [
      new BatchSpanProcessor(exporter, {
        maxQueueSize: 4096,
        scheduledDelayMillis: 2000,
        exportTimeoutMillis: 5000,
      }),
    ],
  });
  const tracer = provider.getTracer('eventlake', version);
  const fail = (span: Span, error: unknown) => {
    // The kind and the message, as they are logged; no stack.
    const message = error instanceof Error ? error.message : String(error);
    span.setStatus({ code: SpanStatusCode.ERROR, message });
    span.end();
  };
  return {
    batch(name, attributes) {
      const root = tracer.startSpan(name, { attributes, root: true });
      const inRoot = trace.setSpan(context.active(), root);
      return {
        traceparent: traceparentOf(root.spanContext()),
        async step(stepName, stepAttributes, work) {
          const span = tracer.startSpan(stepName, { attributes: stepAttributes }, inRoot);
          try {
            const result = await work();
            span.end();
            return result;
          } catch (error) {
            fail(span, error);
            throw error;
          }
        },
        describe: (more) => void root.setAttributes(more),
        link: (link) => void root.addLink(link),
        // A span that never ends is never sent.
        end: (isWorth) => {
          if (isWorth) root.end();
        },
        fail: (error) => fail(root, error),
      };
    },
    async close() {
      const late = new Promise<void>((resolve) => setTimeout(resolve, FLUSH_MS).unref());
      await Promise.race([provider.shutdown().catch(() => {}), late]);
    },
  };
}

/** As W3C Trace Context writes it: `00-<trace id>-<span id>-01`. */
function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

export function linkTo(traceparent: string, attributes: Attributes): Link {
  const [, traceId = '', spanId = '', flags = '01'] = traceparent.split('-');
  return { context: { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }, attributes };
}
